"""Which few events suffice to show that a served value is not what the log gives?"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from assay.contracts.event import Event
from assay.contracts.retraction import told_of
from assay.features.catalog import Catalog
from assay.features.derive import decoded
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.runtime.fold import fold_all
from assay.runtime.ports import Entry, EventLog

#: Events applied while shrinking: about ten seconds. A slice that is not yet minimal then is
#: still a correct one.
_EFFORT = 1_000_000


#: Makes the vector of a request from the entries before it.
Again = Callable[[Catalog, Sequence[Entry], Entry], Vector]


def by_state(catalog: Catalog, entries: Sequence[Entry], asked: Entry) -> Vector:
    """The vector that a live state gives which folded these entries and no others."""
    state = FeatureState(catalog)
    fold_all(state, entries)
    absent = () if asked.record is None else tuple(asked.record.receipt.absent)
    return state.read(asked.event, absent)[0]


class Mismatch(msgspec.Struct, frozen=True):
    """The value at ``place`` of a catalog that was served otherwise than it comes out now.

    ``ways`` are how it may have come out, by name: the first that gives it again is used.
    """

    catalog: Catalog
    place: int
    entry: Entry
    served: str
    recomputed: str
    ways: tuple[tuple[str, Again], ...] = (("a live state", by_state),)


class SliceEvent(msgspec.Struct, frozen=True):
    """One event of the slice, in its wire form, with its place in the log."""

    seq: int
    event: dict[str, Any]


class Reproducer(msgspec.Struct, frozen=True, kw_only=True):
    """Give ``events`` to an empty ``way``, read ``feature`` for ``request``: it is ``recomputed``.

    No event can be left out without changing that, unless ``minimal`` is False. An empty ``way``
    says that nothing gave that value again; there are no events then.
    """

    catalog: str
    feature: str
    served: str
    recomputed: str
    request: dict[str, Any]
    events: tuple[SliceEvent, ...]
    minimal: bool
    way: str


def reproduce(log: EventLog, mismatch: Mismatch) -> Reproducer:
    """The smallest slice of the log found that gives the recomputed value of a mismatch.

    First the events that share no value with the request are left out, then ever smaller parts of
    the rest, as long as the value stays.
    """
    return reproduce_from(log.entries(until=mismatch.entry.seq - 1), mismatch)


def reproduce_from(entries: Iterable[Entry], mismatch: Mismatch) -> Reproducer:
    """See `reproduce`; ``entries`` are those before the request."""
    request = mismatch.entry.event
    before = [entry for entry in entries if entry.accepted]
    related = [entry for entry in before if _related(told_of(entry.event), request)]
    way, kept, minimal = "", list[Entry](), False
    for name, again in mismatch.ways:
        shrinking = _Shrinking(mismatch, again)
        begun = next((part for part in (related, before) if shrinking.same(part)), None)
        if begun is not None:
            way, kept = name, shrinking.shrunk(begun)
            minimal = shrinking.effort > 0
            break
    return Reproducer(
        catalog=mismatch.catalog.digest,
        feature=mismatch.catalog.names[mismatch.place],
        served=mismatch.served,
        recomputed=mismatch.recomputed,
        request=_wire(request),
        events=tuple(SliceEvent(entry.seq, _wire(entry.event)) for entry in kept),
        minimal=minimal,
        way=way,
    )


def value_text(vector: Vector, catalog: Catalog, place: int) -> str:
    """One value of a vector, every bit of it, as a report shows it.

    Whole numbers in full, doubles by their shortest exact form; ``not known`` for the absent.
    """
    if not vector.known[place]:
        return "not known" if vector.bits[place] == 0 else f"not known, bits {vector.bits[place]}"
    return repr(decoded(int(vector.bits[place]), catalog.kinds[place]))


class _Shrinking:
    def __init__(self, mismatch: Mismatch, again: Again) -> None:
        self._mismatch, self._again = mismatch, again
        self.effort = _EFFORT

    def same(self, entries: Sequence[Entry]) -> bool:
        """Whether the slice gives the recomputed value; when effort is used up, no."""
        self.effort -= len(entries) + 1
        if self.effort <= 0:
            return False
        mismatch = self._mismatch
        vector = self._again(mismatch.catalog, entries, mismatch.entry)
        return value_text(vector, mismatch.catalog, mismatch.place) == mismatch.recomputed

    def shrunk(self, entries: list[Entry]) -> list[Entry]:
        """Leave out runs of events, of half the slice down to one, while the value stays."""
        size = len(entries)
        while size >= 1 and self.effort > 0:
            start, smaller = 0, False
            while start < len(entries):
                without = entries[:start] + entries[start + size :]
                if self.same(without):
                    entries, smaller = without, True
                else:
                    start += size
            if size == 1 and not smaller:
                break
            size = max(size // 2, 1)
        return entries


def _related(event: Event, request: Event) -> bool:
    values = {value for value in request.payload.values() if isinstance(value, str)}
    return any(isinstance(v, str) and v in values for v in event.payload.values())


def _wire(event: Event) -> dict[str, Any]:
    return {"id": event.id, "type": event.type, "ts": event.ts, "data": event.payload}
