"""Is this event new, and if so, what place and what verdict does it get?"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from assay.contracts.contract import ContractSet
from assay.contracts.decode import check_recent, decode_event
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal, refusal
from assay.contracts.retraction import (
    RETRACTION_TYPE,
    as_sent,
    retraction_key,
    with_retractions,
)
from assay.contracts.violation import ContractViolation
from assay.core.errors import AssayError, Conflict, Invalid, Refused, shown
from assay.core.time import HOUR, TIME_END, TIME_MIN, format_duration, format_time
from assay.decisions.record import DecisionRecord
from assay.runtime.contract_watch import ContractWatch
from assay.runtime.live import Live
from assay.runtime.ports import Clock, Entry, EventLog
from assay.runtime.reserved import check_id_free
from assay.runtime.retractions import complete, earlier, is_new_correction
from assay.runtime.stats import Stats

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
#: How far behind the newest event a new request may be: room for a queue, not for another day.
REQUEST_AGE_MAX = 6 * HOUR
_RAW_MAX = 1 << 20  #: bytes of a refused body that are kept


class KeyConflict(Conflict):
    """An idempotency key and an event do not belong together; ``why`` reads after the key."""

    def __init__(self, key: str, why: str) -> None:
        self.key, self.why = key, why
        super().__init__(f"idempotency key {shown(key)} {why}")


class EventErased(Refused):
    """The event was in the log, and its content was erased for good."""

    code = "erased"


class Ack(msgspec.Struct, frozen=True):
    """An event is durable at ``seq``.

    ``accepted`` is False when it was older than the horizon: it is kept and counts nowhere.
    ``duplicate`` is True when it had been taken in before (of a retraction also when another had
    taken the same event back). ``late`` is True for a new event that is older than the newest,
    whether it was accepted or not.
    """

    id: str
    seq: int
    accepted: bool
    duplicate: bool
    late: bool = False


class Intake:
    """Decodes events, recognises known ones, and gives new ones their place in the log.

    Args:
        contracts: the event types taken in.
        log: what was taken in before.
        clock: what ``ts`` is compared with.
        horizon: microseconds; see `Live.accepts`.
        stats: counts what becomes of events.
        request_age_max: microseconds; see `check_age`.
        any_order: whether a retraction may come before its event, as it does over partitions.
    """

    def __init__(
        self,
        contracts: ContractSet,
        log: EventLog,
        clock: Clock,
        horizon: int,
        stats: Stats,
        request_age_max: int = REQUEST_AGE_MAX,
        *,
        any_order: bool = False,
    ) -> None:
        self._any_order = any_order
        self.contracts = with_retractions(contracts)
        self.log, self._clock = log, clock
        self.watch = ContractWatch(contracts)
        self._horizon, self._stats = horizon, stats
        self._request_age_max = request_age_max

    def decode(self, raw: bytes) -> Event:
        """The event in a body, whenever it happened; see `decode_event` for what it raises."""
        return decode_event(
            raw, self.contracts, now=TIME_MIN, future_max=TIME_END, past_max=TIME_END
        )

    def request(self, raw: bytes, wanted: str) -> Event:
        """The request event that a body holds.

        Raises:
            ContractViolation, TooLarge: it holds none of the wanted type, or one that is too old.
        """
        event = self.decode(raw)
        if event.type != wanted:
            raise ContractViolation("$.type", f'"{wanted}" for a decision', f'"{event.type}"')
        self.check_recent(event)
        return check_id_free(event)

    def check_recent(self, event: Event) -> None:
        """Return when an event lies within what the clock allows; see `check_recent`."""
        clock = self._clock
        check_recent(event, now=clock.now(), future_max=clock.future_max, past_max=clock.past_max)

    def check_age(self, live: Live, request: Event) -> None:
        """Return when a new request is recent enough to be decided on.

        Its sender dates it: dated back, it would be seen by no window over what happened since,
        and would draw on the review capacity of a day that is over.

        Raises:
            ContractViolation: it is too far behind the newest accepted event or the clock.
        """
        now = max(self._clock.now(), live.newest or TIME_MIN)
        oldest = now - self._request_age_max
        if request.ts < oldest:
            expected = (
                f"a new request's time not before {format_time(oldest)} (at most "
                f"{format_duration(self._request_age_max)} behind the newest event and the clock)"
            )
            raise ContractViolation("$.ts", expected, format_time(request.ts))

    def check_correction(self, live: Live, event: Event, retraction: Event) -> None:
        """Return when both halves of a correction can be taken in, or were together before.

        Raises:
            Invalid: one of them cannot, or the event would count nowhere: it is too late.
        """
        self.check_recent(event)
        self.check_recent(retraction)
        complete(live, self.log, retraction)
        new = is_new_correction(live, self.log, retraction, event)
        if new and not live.accepts(event, self._horizon):
            raise ContractViolation(
                "$.ts",
                "a corrected event within the horizon (a late one would count nowhere; to take "
                "the first back alone, send a retraction)",
                format_time(event.ts),
            )

    def wall(self) -> int:
        """Microseconds UTC on the wall, for people."""
        return self._clock.wall()

    def refusal(self, raw: bytes, error: AssayError) -> Refusal:
        """What is kept of a refused body."""
        wall = self._clock.wall()
        self._stats.refused[error.code] += 1
        self.watch.refused(raw[:_RAW_MAX], error, wall)
        return refusal(raw[:_RAW_MAX], error, wall)

    def known(
        self, live: Live, event: Event, key: str | None
    ) -> tuple[Entry, Future[Any] | None] | None:
        """The entry this event has already, with its future while that is not durable.

        Raises:
            Conflict: the id or the key was used with another body.
            EventErased: the event was erased: its body is not even kept in quarantine.
            KeyConflict: the same, said of the key; or the event was decided on under another key
                or none. Such a key could not be remembered, so it is not taken either.
        """
        if key is not None and key in live.seen_keys:
            owner = live.pending_keys.get(key) or self.log.entry_of_key(key)
            if owner is not None and not same_event(owner.event, event):
                raise KeyConflict(
                    key,
                    f"was used for another body (event {shown(owner.event.id)}): use a new key "
                    "for a new request",
                )
        if event.id not in live.seen_ids:
            return None
        # First what is pending, then the log: what leaves the one is in the other.
        pending = live.pending.get(event.id)
        if pending is not None:
            _check_same(pending[0].event, event)
            _check_key(pending[0], key)
            return pending
        entry = self.log.entry(event.id)
        if entry is None:
            return None
        if entry.erased is not None:
            raise EventErased(
                f"event {shown(event.id)} was erased at its subject's request: nothing is decided "
                "on it again"
            )
        _check_same(entry.event, event)
        _check_key(entry, key)
        return entry, None

    def accept(
        self,
        live: Live,
        event: Event,
        *,
        future: Future[Any],
        record: DecisionRecord | None = None,
        key: str | None = None,
        known_at: int | None = None,
    ) -> Entry:
        """Give a new event its verdict and its place, and apply it to the live state.

        A retraction is never late: it takes effect whenever it comes, and moves no clock.

        Raises:
            Invalid: the features cannot take it; nothing has changed then.
        """
        retraction = event.type == RETRACTION_TYPE
        accepted = retraction or live.accepts(event, self._horizon)
        if accepted and not retraction:
            self._clock.observe(event.ts)
        late = is_late(live, event)
        entry = Entry(
            seq=live.seq + 1,
            event=event,
            known_at=self._clock.now() if known_at is None else known_at,
            accepted=accepted,
            record=record,
            key=key,
        )
        live.apply(entry)
        live.pending[event.id] = (entry, future)
        if key is not None:
            live.pending_keys[key] = entry
        self._stats.took_in(accepted=accepted, late=late, retraction=retraction)
        self.watch.arrived(event.type, self._clock.wall())
        return entry

    def take(
        self,
        live: Live,
        events: Sequence[Event],
        future: Future[Any],
        known_at: Callable[[Event], int] | None,
    ) -> tuple[list[Entry], list[Ack | Invalid]]:
        """Take in many events: the new entries, and what became of each event, in order."""
        pending = [live.pending.get(event.id) for event in events]
        asked = [
            event.id
            for event, found in zip(events, pending, strict=True)
            if found is None and event.id in live.seen_ids
        ]
        stored = self.log.known_ids(asked) if asked else set()
        entries: list[Entry] = []
        results: list[Ack | Invalid] = []
        for event, found in zip(events, pending, strict=True):
            prior = found or live.pending.get(event.id)  # the second: twice in this batch
            try:
                if known_at is None:  # a history may lie as far back as it likes
                    self.check_recent(event)
                if prior is not None:
                    results.append(self._duplicate(prior[0], event))
                    continue
                if event.id in stored:
                    results.append(self._duplicate(self.log.entry(event.id), event))
                    continue
                known = None if known_at is None else known_at(event)
                entry, ack = self._new(live, event, future, known)
                entries += () if entry is None else (entry,)
                results.append(ack)
            except Invalid as error:
                results.append(error)
        return entries, results

    def _new(
        self, live: Live, event: Event, future: Future[Any], known_at: int | None
    ) -> tuple[Entry | None, Ack]:
        """The entry of an event whose id is new; None for a second retraction of one event."""
        key = None
        if event.type == RETRACTION_TYPE:
            name = event.payload["event"]
            before = earlier(live, self.log, name)
            if before is not None:
                self._stats.duplicates += 1
                return None, Ack(event.id, before.seq, accepted=True, duplicate=True)
            event = complete(live, self.log, event, any_order=self._any_order)
            key = retraction_key(name)
        late = is_late(live, event)
        entry = self.accept(live, event, future=future, key=key, known_at=known_at)
        return entry, Ack(event.id, entry.seq, entry.accepted, duplicate=False, late=late)

    def _duplicate(self, entry: Entry | None, event: Event) -> Ack:
        if entry is None:
            raise Conflict(f"event {shown(event.id)} was in the log and is gone")
        if entry.erased is None:  # nothing is left to compare, and nothing of it may be kept
            _check_same(entry.event, event)
        self._stats.duplicates += 1
        return Ack(event.id, entry.seq, entry.accepted, duplicate=True)


def is_late(live: Live, event: Event) -> bool:
    """Whether an event happened before one that was accepted already; a retraction never did."""
    newest = live.newest
    return event.type != RETRACTION_TYPE and newest is not None and event.ts < newest


def same_event(one: Event, other: Event) -> bool:
    """Whether two events are the same to the bit: 1, 1.0 and true are three values.

    Example:
        >>> same_event(Event("a", "t", 1, {"x": 1}), Event("a", "t", 1, {"x": True}))
        False
    """
    return bool(_encode(one) == _encode(other))


def _check_key(stored: Entry, key: str | None) -> None:
    if key is None or key == stored.key or stored.record is None:
        return
    # Which one is not said: it may be another caller's.
    first = "without a key" if stored.key is None else "under another key"
    raise KeyConflict(
        key,
        f"is not that of event {shown(stored.event.id)}, which was first sent {first}: send it "
        "again as it was first sent, or without a key",
    )


def _check_same(stored: Event, event: Event) -> None:
    stored = as_sent(stored)
    if not same_event(stored, event):
        differing = [
            name
            for name in sorted({*stored.payload, *event.payload})
            if stored.payload.get(name) != event.payload.get(name)
        ]
        where = f"fields {', '.join(differing)}" if differing else "type or time"
        raise Conflict(
            f"event id {shown(event.id)} was used before with another body ({where} differ): "
            "an event is said once; send a correction under a new id"
        )
