"""How does one entry of a log change what is known? The one place that every replay calls."""

from collections.abc import Iterable, Iterator
from itertools import islice

from assay.contracts.event import Event
from assay.contracts.reserved import ERASURE_TYPE
from assay.contracts.retraction import RETRACTION_TYPE, target_of
from assay.features.state import FeatureState
from assay.runtime.ports import Entry

#: Entries that are worth folding at once, and few enough to be held in memory.
GROUP = 2_000


def fold(state: FeatureState, entry: Entry) -> None:
    """Apply one entry of a log to a state; entries come in ``seq`` order.

    The verdict on lateness is taken as stored, never derived again. A retraction takes its event
    out, or keeps it away should it come later (partitions of a log may arrive in any order). What
    was erased counts nowhere.

    Raises:
        Invalid: the features cannot take the event; nothing has changed then.
    """
    if not entry.accepted or entry.erased is not None:
        return
    if entry.event.type == RETRACTION_TYPE:
        state.retract(target_of(entry.event))
    else:
        state.apply(entry.event)


def fold_all(state: FeatureState, entries: Iterable[Entry]) -> None:
    """``fold`` entries that nobody reads between: to the bit the same, and several times sooner.

    Raises:
        Invalid: the features cannot take an event; the entries before it are folded in.
    """
    events: list[Event] = []
    for entry in entries:
        if not entry.accepted or entry.erased is not None:
            continue
        if entry.event.type != RETRACTION_TYPE:
            events.append(entry.event)
            continue
        state.apply_batch(events)
        events = []
        state.retract(target_of(entry.event))
    state.apply_batch(events)


def grouped(entries: Iterable[Entry], size: int = GROUP) -> Iterator[list[Entry]]:
    """Entries in lists of at most so many, none of them empty."""
    following = iter(entries)
    while group := list(islice(following, size)):
        yield group


def moves_time(entry: Entry) -> bool:
    """Whether an entry says what time it is: accepted events do, but no record about others.

    Neither does what was erased: of its time only the day is left.
    """
    about_others = entry.event.type in (RETRACTION_TYPE, ERASURE_TYPE)
    return entry.accepted and entry.erased is None and not about_others
