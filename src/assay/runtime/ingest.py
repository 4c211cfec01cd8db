"""What becomes of many events at once: from a caller, from the quarantine, from a history?"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any

import msgspec

from assay.contracts.decode import check_event, encode_event
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.contracts.retraction import RETRACTION_TYPE
from assay.core.errors import Invalid
from assay.runtime.intake import Ack, Intake
from assay.runtime.live import Live
from assay.runtime.ports import Entry

#: Events of a history that are taken in together, and how many such groups may wait for the disk.
_CHUNK, _CHUNKS_WAITING = 2_000, 3

Known = Callable[[Event], int]
Check = Callable[[Event], Event]
Told = Callable[[Sequence[Ack | Refusal]], None]


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a history.

    ``accepted`` ones count, of which ``late_accepted`` were older than the newest before them.
    ``late_rejected`` were older than the horizon: they are kept and count nowhere.
    """

    accepted: int = 0
    late_accepted: int = 0
    late_rejected: int = 0
    duplicates: int = 0
    refused: int = 0


class Tally:
    """Counts what became of events, batch by batch."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = dict.fromkeys(LoadReport.__struct_fields__, 0)

    def add(self, results: Iterable[Ack | Refusal]) -> None:
        """Count the results of one batch."""
        counts = self._counts
        for result in results:
            if isinstance(result, Refusal):
                counts["refused"] += 1
            elif result.duplicate:
                counts["duplicates"] += 1
            elif result.accepted:
                counts["accepted"] += 1
                counts["late_accepted"] += result.late
            else:
                counts["late_rejected"] += 1

    def report(self) -> LoadReport:
        """The counts so far."""
        return LoadReport(**self._counts)


class Batch:
    """Events taken in together: the new entries, and one result each in the order given."""

    __slots__ = ("entries", "results")

    def __init__(self, entries: Sequence[Entry], results: list[Ack | Refusal]) -> None:
        self.entries, self.results = tuple(entries), results

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The refused ones, in order."""
        return tuple(result for result in self.results if isinstance(result, Refusal))

    def answer(self, ids: Sequence[int]) -> list[Ack | Refusal]:
        """The results, the refusals with their places in the quarantine, if they got any."""
        if not ids:
            return self.results
        places = iter(ids)
        return [
            msgspec.structs.replace(result, id=next(places))
            if isinstance(result, Refusal)
            else result
            for result in self.results
        ]


def take_raws(
    intake: Intake,
    live: Live,
    raws: Sequence[bytes],
    future: Future[Any],
    check: Check | None = None,
) -> Batch:
    """Take in JSON bodies; one that ``check`` raises Invalid on is refused."""

    def decode(raw: bytes) -> Event:
        event = intake.decode(raw)
        return event if check is None else check(event)

    return _take(intake, live, raws, decode, bytes, future, None)


def take_correction(
    intake: Intake, live: Live, raws: tuple[bytes, bytes], future: Future[Any], check: Check
) -> Batch:
    """Take in an event and the retraction of the one that it replaces, or neither.

    The retraction comes second: it cannot fail once it is complete, so a failure changes nothing.

    Raises:
        Invalid: either may not be taken in; nothing has changed then.
    """
    event, retraction = (check(intake.decode(raw)) for raw in raws)
    if event.type == RETRACTION_TYPE or retraction.type != RETRACTION_TYPE:
        expected = f"an event and the retraction of what it replaces, got {event.type!r}"
        raise Invalid(f"expected {expected} and {retraction.type!r}")
    intake.check_correction(live, event, retraction)
    entries: list[Entry] = []
    results: list[Ack | Refusal] = []
    for half in (event, retraction):
        taken, (result,) = intake.take(live, (half,), future, None)
        if isinstance(result, Invalid):
            raise result
        entries += taken
        results.append(result)
    return Batch(entries, results)


def take_events(
    intake: Intake,
    live: Live,
    events: Sequence[Event],
    future: Future[Any],
    known_at: Known | None,
) -> Batch:
    """Take in events that did not come as JSON; a refused one is kept in its wire form."""
    learned: dict[int, int] = {}  # by identity: two events may share an id, and not a moment

    def checked(event: Event) -> Event:
        moment = None if known_at is None else known_at(event)
        found = check_event(event, intake.contracts)
        if moment is not None:
            learned[id(found)] = moment
        return found

    def known(event: Event) -> int:
        return learned[id(event)]

    moments = None if known_at is None else known
    return _take(intake, live, events, checked, encode_event, future, moments)


def load_events(
    events: Iterable[Event],
    submit: Callable[[Sequence[Event]], Future[list[Ack | Refusal]]],
    told: Told = lambda _: None,
) -> LoadReport:
    """Submit a history in groups, a few of them on their way to the disk at a time.

    ``told`` gets the results of each group, in order, once it is durable.
    """
    tally = Tally()
    waiting: deque[Future[list[Ack | Refusal]]] = deque()

    def settled(results: Sequence[Ack | Refusal]) -> None:
        tally.add(results)
        told(results)

    for chunk in _chunks(events):
        waiting.append(submit(chunk))
        if len(waiting) > _CHUNKS_WAITING:
            settled(waiting.popleft().result())
    for future in waiting:
        settled(future.result())
    return tally.report()


def _take(
    intake: Intake,
    live: Live,
    items: Sequence[Any],
    decode: Callable[[Any], Event],
    raw: Callable[[Any], bytes],
    future: Future[Any],
    known_at: Known | None,
) -> Batch:
    events: list[Event] = []
    refused: dict[int, Invalid] = {}
    for place, item in enumerate(items):
        try:
            events.append(decode(item))
        except Invalid as error:
            refused[place] = error
    entries, taken = intake.take(live, events, future, known_at)
    if not refused and all(isinstance(result, Ack) for result in taken):
        return Batch(entries, taken)  # type: ignore[arg-type]  # just checked
    results: list[Ack | Refusal] = []
    following = iter(taken)
    for place, item in enumerate(items):
        result = refused[place] if place in refused else next(following)
        results.append(result if isinstance(result, Ack) else intake.refusal(raw(item), result))
    return Batch(entries, results)


def _chunks(events: Iterable[Event]) -> Iterator[list[Event]]:
    stream = iter(events)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk
