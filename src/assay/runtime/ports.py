"""What does the shell need from outside? A log, a quarantine, an object store, lists, a clock."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from assay.contracts.event import Event, LoggedEvent
from assay.contracts.quarantine import Refusal
from assay.decisions.record import DecisionRecord
from assay.rules.lists import ListSnapshot


class Erased(msgspec.Struct, frozen=True, array_like=True):
    """What is left of an entry whose content was erased; see ``assay.runtime.tombstones``.

    ``receipt`` is the id of the erasure's own entry, ``before`` the salted digest of what stood
    here. ``decided`` says whether a decision was made on it, ``slot`` whether that used a review
    slot of its day, ``values`` how many values were served with it.
    """

    receipt: str
    before: str
    decided: bool
    slot: bool
    values: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log: an event, its verdict, and the decision made on it, if one was.

    ``seq`` counts from 1 without gaps; ``key`` is the caller's idempotency key. Where ``erased``
    is set, the event has its id and type, the first instant of its UTC day, and no content.
    """

    seq: int
    event: Event
    known_at: int
    accepted: bool
    record: DecisionRecord | None = None
    key: str | None = None
    erased: Erased | None = None


class EventLog(Protocol):
    """The durable, ordered, append-only history: state is a fold over it and nothing else.

    Reading may happen from any thread and sees only what is committed.
    """

    def append(self, entries: Sequence[Entry]) -> None:
        """Write all entries in one transaction; on return they survive a crash.

        Raises:
            Conflict: an id or key was used before, or ``seq`` does not continue the log; nothing
                was written.
            Unavailable: it could not be made durable; nothing may be acknowledged.
        """

    def probe(self) -> None:
        """Return when an append may succeed.

        Raises:
            Unavailable: writing fails now, and why.
        """

    def last_seq(self) -> int:
        """The ``seq`` of the newest entry, 0 for an empty log."""

    def read(self, after: int = 0, until: int | None = None) -> Iterator[LoggedEvent]:
        """Events with ``after < seq <= until`` in ``seq`` order, from one snapshot.

        Raises:
            Corrupt: a row does not match its checksum or is missing; names the seq.
        """

    def entries(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Like `read`, with the decisions and keys."""

    def decided(self, after: int = 0, until: int | None = None, *, prefix: str) -> Iterator[Entry]:
        """The entries with a decision, and those whose event id starts with ``prefix`` (ASCII).

        What a view of decisions needs, without reading everything between them.
        """

    def decisions(self, after: int = 0, until: int | None = None) -> Iterator[DecisionRecord]:
        """The decisions among those events, in ``seq`` order."""

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision by its id."""

    def event(self, event_id: str) -> LoggedEvent | None:
        """One event by its id."""

    def entry(self, event_id: str) -> Entry | None:
        """One entry by the id of its event."""

    def entry_of_key(self, key: str) -> Entry | None:
        """The entry that was written under an idempotency key."""

    def named(self, prefix: str) -> Iterator[Entry]:
        """The entries whose event id starts with ``prefix`` (ASCII), in ``seq`` order, by index."""

    def known_ids(self, event_ids: Sequence[str]) -> set[str]:
        """Those of the ids that are in the log."""

    def close(self) -> None:
        """Release files; everything appended stays."""


class ErasableLog(EventLog, Protocol):
    """A log whose owner can take content out of it for good; the place of every entry stays."""

    def erase(
        self, tombstones: Sequence[Entry], receipt: Entry, refusals: Sequence[int] = ()
    ) -> None:
        """Replace entries by their tombstones, append the receipt, remove refusals: all or nothing.

        Raises:
            Conflict: a tombstone has no entry, or the receipt does not continue the log; nothing
                was changed.
            Unavailable: it could not be made durable.
        """

    def scrub(self) -> None:
        """Leave no byte of what was replaced or removed in any file; may take minutes.

        Raises:
            Unavailable: another process reads the log, or there is no room to rewrite it.
        """


class Quarantine(Protocol):
    """Bodies that were refused, kept durably until somebody replays or removes them."""

    def put(self, refusals: Sequence[Refusal]) -> list[int]:
        """Keep the refusals durably; their ids, in order.

        Bytes that wait here already are not kept twice: they have the id that they had.
        """

    def note_places(self, places: Mapping[int, str]) -> None:
        """Remember where in a file refusals stood, by id; what is known already stays."""

    def refusals(self, after: int = 0) -> Iterator[Refusal]:
        """Those with ``id > after``, oldest first."""

    def remove(self, refusal_ids: Sequence[int]) -> None:
        """Forget them; unknown ids are ignored."""


class ObjectStore(Protocol):
    """Immutable bytes, named by their SHA-256."""

    def put(self, data: bytes) -> str:
        """Store the bytes durably; their digest."""

    def get(self, digest: str) -> bytes:
        """The bytes of a digest.

        Raises:
            NotFound: there are none.
            Corrupt: what is stored does not hash to the digest.
        """

    def has(self, digest: str) -> bool:
        """Whether there are bytes under the digest (unverified)."""


class CatalogStore(Protocol):
    """The definitions of every catalog that ever decided, named by the digest of their meaning."""

    def put(self, digest: str, document: bytes) -> None:
        """Store a document durably under the digest of its catalog.

        Raises:
            Unavailable: it could not be made durable.
        """

    def get(self, digest: str) -> bytes:
        """The document of a catalog; the reader checks that it makes that catalog.

        Raises:
            NotFound: there is none.
        """


class ListSource(Protocol):
    """The current snapshots of allow and deny lists."""

    def snapshot(self, name: str) -> ListSnapshot | None:
        """The newest readable snapshot, None when it is missing or corrupt (see `reason`)."""

    def reason(self, name: str) -> str:
        """Why there is no snapshot; empty when there is one."""


class Clock(Protocol):
    """What time the platform believes it is, and how far from it an event may lie."""

    @property
    def future_max(self) -> int:
        """Microseconds an event's ``ts`` may lie after `now`."""

    @property
    def past_max(self) -> int:
        """Microseconds an event's ``ts`` may lie before `now`."""

    def now(self) -> int:
        """Microseconds UTC."""

    def wall(self) -> int:
        """Microseconds UTC on the wall, for people."""

    def observe(self, ts: int) -> None:
        """An event with this ``ts`` was accepted."""
