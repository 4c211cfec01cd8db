"""Which events does a log leave standing? As a stream of events and retractions, in log order."""

from collections.abc import Iterable, Iterator
from typing import cast

from assay.contracts.event import Event
from assay.contracts.reserved import ERASURE_TYPE
from assay.contracts.retraction import RETRACTION_TYPE
from assay.core.time import TIME_MIN
from assay.features.state import FeatureState
from assay.runtime.fold import fold
from assay.runtime.ports import Entry


def standing(entries: Iterable[Entry]) -> Iterator[Event]:
    """What folding the entries would apply, and a retraction for each event it would take back.

    The fold itself decides, so that a backfill can count nothing that a replay would not.
    """
    told = _Told()
    for entry in entries:
        if entry.event.type == ERASURE_TYPE:
            continue  # a receipt is about no entity, and no contract has it
        # A fold applies and retracts, and asks nothing else of a state.
        fold(cast("FeatureState", told), entry)
        yield from told.taken()


class _Told:
    """Stands where a state would, and remembers what it was told."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._retractions = 0

    def apply(self, event: Event) -> None:
        self._events.append(event)

    def retract(self, event: Event) -> None:
        self._retractions += 1
        name = f"retraction-{self._retractions}"
        said = {"event": event.id}
        # Dated like what it takes back; one that never was completed has no date of its own.
        self._events.append(Event(name, RETRACTION_TYPE, max(event.ts, TIME_MIN), said))

    def taken(self) -> list[Event]:
        found, self._events = self._events, []
        return found
