"""What do the ports of the shell mean? Their executable definition, without any durability.

Used by tests and tutorials; ``tests/contract`` runs one suite on these and on every adapter.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

import msgspec

from assay.contracts.event import LoggedEvent
from assay.contracts.quarantine import Refusal
from assay.core.canonical import digest_bytes
from assay.core.errors import Conflict, NotFound, shown
from assay.decisions.record import DecisionRecord
from assay.rules.lists import ListSnapshot
from assay.runtime.ports import Entry


class MemoryLog:
    """An event log and quarantine that live as long as the process."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: list[Entry] = []
        self._by_event: dict[str, Entry] = {}
        self._by_decision: dict[str, DecisionRecord] = {}
        self._by_key: dict[str, Entry] = {}
        self._refusals: dict[int, Refusal] = {}
        self._refused_as: dict[bytes, int] = {}
        self._refusal_id = 0
        self.append(tuple(entries))

    def append(self, entries: Sequence[Entry]) -> None:
        """See `EventLog.append`."""
        self._check(entries)
        for entry in entries:
            self._entries.append(entry)
            self._by_event[entry.event.id] = entry
            if entry.record is not None:
                self._by_decision[entry.record.id] = entry.record
            if entry.key is not None:
                self._by_key[entry.key] = entry

    def probe(self) -> None:
        """Memory can always be written."""

    def last_seq(self) -> int:
        """See `EventLog.last_seq`."""
        return len(self._entries)

    def entries(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """See `EventLog.entries`."""
        return iter(self._entries[max(after, 0) : until])

    def read(self, after: int = 0, until: int | None = None) -> Iterator[LoggedEvent]:
        """See `EventLog.read`."""
        return map(_logged, self.entries(after, until))

    def decided(self, after: int = 0, until: int | None = None, *, prefix: str) -> Iterator[Entry]:
        """See `EventLog.decided`."""
        return (
            entry
            for entry in self.entries(after, until)
            if entry.record is not None or entry.event.id.startswith(prefix)
        )

    def decisions(self, after: int = 0, until: int | None = None) -> Iterator[DecisionRecord]:
        """See `EventLog.decisions`."""
        return (e.record for e in self.entries(after, until) if e.record is not None)

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """See `EventLog.decision`."""
        return self._by_decision.get(decision_id)

    def event(self, event_id: str) -> LoggedEvent | None:
        """See `EventLog.event`."""
        entry = self._by_event.get(event_id)
        return None if entry is None else _logged(entry)

    def entry(self, event_id: str) -> Entry | None:
        """See `EventLog.entry`."""
        return self._by_event.get(event_id)

    def entry_of_key(self, key: str) -> Entry | None:
        """See `EventLog.entry_of_key`."""
        return self._by_key.get(key)

    def named(self, prefix: str) -> Iterator[Entry]:
        """See `EventLog.named`."""
        return (entry for entry in self.entries() if entry.event.id.startswith(prefix))

    def erase(
        self, tombstones: Sequence[Entry], receipt: Entry, refusals: Sequence[int] = ()
    ) -> None:
        """See `ErasableLog.erase`."""
        self._check([receipt])
        for stone in tombstones:
            if not 0 < stone.seq <= len(self._entries):
                raise Conflict(f"there is no entry {stone.seq} to erase")
        kept = list(self._entries)
        for stone in tombstones:
            kept[stone.seq - 1] = stone
        self._entries, self._by_event, self._by_decision, self._by_key = [], {}, {}, {}
        self.append((*kept, receipt))
        self.remove(refusals)

    def scrub(self) -> None:
        """Memory keeps no file."""

    def known_ids(self, event_ids: Sequence[str]) -> set[str]:
        """See `EventLog.known_ids`."""
        return {name for name in event_ids if name in self._by_event}

    def close(self) -> None:
        """Nothing is held."""

    def put(self, refusals: Sequence[Refusal]) -> list[int]:
        """See `Quarantine.put`."""
        ids = []
        for refusal in refusals:
            kept = self._refused_as.get(refusal.raw)
            if kept is None or kept not in self._refusals:
                kept = self._refused_as[refusal.raw] = self._keep(refusal)
            ids.append(kept)
        return ids

    def _keep(self, refusal: Refusal) -> int:
        self._refusal_id += 1
        self._refusals[self._refusal_id] = msgspec.structs.replace(refusal, id=self._refusal_id)
        return self._refusal_id

    def note_places(self, places: Mapping[int, str]) -> None:
        """See `Quarantine.note_places`."""
        for number, place in places.items():
            kept = self._refusals.get(number)
            if kept is not None and not kept.place:
                self._refusals[number] = msgspec.structs.replace(kept, place=place)

    def refusals(self, after: int = 0) -> Iterator[Refusal]:
        """See `Quarantine.refusals`."""
        return iter([kept for number, kept in self._refusals.items() if number > after])

    def remove(self, refusal_ids: Sequence[int]) -> None:
        """See `Quarantine.remove`."""
        for number in refusal_ids:
            self._refusals.pop(number, None)

    def _check(self, entries: Sequence[Entry]) -> None:
        events, decisions, keys = set[str](), set[str](), set[str]()
        for seq, entry in enumerate(entries, start=len(self._entries) + 1):
            if entry.seq != seq:
                raise Conflict(f"expected the log to continue with seq {seq}, got {entry.seq}")
            _claim("event id", entry.event.id, self._by_event, events)
            if entry.record is not None:
                _claim("decision id", entry.record.id, self._by_decision, decisions)
            if entry.key is not None:
                _claim("idempotency key", entry.key, self._by_key, keys)


class MemoryObjects:
    """An object store that lives as long as the process."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """See `ObjectStore.put`."""
        name = digest_bytes(data)
        self._data[name] = bytes(data)
        return name

    def get(self, digest: str) -> bytes:
        """See `ObjectStore.get`."""
        found = self._data.get(digest)
        if found is None:
            raise NotFound(f"no object {shown(digest)} is stored")
        return found

    def has(self, digest: str) -> bool:
        """See `ObjectStore.has`."""
        return digest in self._data


class MemoryLists:
    """Lists given by hand."""

    def __init__(self, snapshots: Mapping[str, ListSnapshot] | None = None) -> None:
        self.snapshots = dict(snapshots or {})

    def snapshot(self, name: str) -> ListSnapshot | None:
        """See `ListSource.snapshot`."""
        return self.snapshots.get(name)

    def reason(self, name: str) -> str:
        """See `ListSource.reason`."""
        return "" if name in self.snapshots else f"no list {shown(name)} was given"


def _logged(entry: Entry) -> LoggedEvent:
    return LoggedEvent(entry.seq, entry.known_at, entry.accepted, entry.event)


def _claim(what: str, name: str, written: Container[str], group: set[str]) -> None:
    if name in written or name in group:
        raise Conflict(f"{what} {shown(name)} is in the log already")
    group.add(name)
