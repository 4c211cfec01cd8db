"""What are the features of one look-up at many requests? One key of events beside one of requests.

A group of a plan is what selects its entity the same way. It needs the events of one type and the
requests, nothing else, and no other entity's: so events and requests may be split by key, each
part filled where it lies, and the parts put together again.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.features.columns import Columns, encoded, time_order
from assay.features.encode import Encoder
from assay.features.finalise import Bytes
from assay.features.keys import rows_of
from assay.features.layout import Ints
from assay.features.placed import (
    ASKED_WORDS,
    Sorted,
    places_by_row,
    put_requests,
    put_values,
)
from assay.features.plan import Lane, Plan, Table
from assay.features.program import features_of, lanes_of, program_of
from assay.features.spread import Spread
from assay.features.sweep import blank, sweep

_NONE = np.zeros(0, np.int64)


class Source:
    """The events of one type as a backfill uses them: their order in time, their values as codes.

    ``order`` lists their places in order of (ts, id); it is empty where they were given so.
    """

    def __init__(self, event_type: str, columns: Columns, encoder: Encoder | None) -> None:
        self.type, self.columns = event_type, columns
        order = time_order(columns)
        self.order: NDArray[np.intp] = _NONE if order is None else order
        self._inputs = encoder.inputs if encoder else []
        self._codes: Ints | None = None

    def codes(self) -> Ints:
        """Every input of the encoder, shape ``(inputs, n)``."""
        if self._codes is None:
            self._codes = np.empty((len(self._inputs), len(self.columns.ts)), np.int64)
            for place, item in enumerate(self._inputs):
                self._codes[place] = encoded(self.columns, item)
        return self._codes

    def places(self) -> NDArray[np.intp]:
        """Every event, in order of time."""
        return self.order if len(self.order) else np.arange(len(self.columns.ts))

    def ranks(self) -> Ints:
        """The place of each event in order of time."""
        ranks = np.arange(len(self.columns.ts))
        if len(self.order):
            ranks[self.order] = np.arange(len(self.order))
        return ranks


class Asked(msgspec.Struct, frozen=True):
    """The requests of a backfill, in order of time.

    ``places`` of the source, ``whole`` if that is all of it; ``targets`` is the row of the frame
    that each of them fills.
    """

    source: Source
    places: NDArray[np.intp]
    whole: bool
    targets: Ints


class Target(msgspec.Struct, frozen=True):
    """Where values are written: the frame, and the column of each feature in it."""

    bits: Ints
    known: Bytes
    columns: dict[int, int]


def fill(
    plan: Plan, group: int, source: Source, asked: Asked, target: Target, spread: Spread
) -> int:
    """Write the features of a group; returns how many values overflowed."""
    placed, rows = _placed(plan, group, source, asked)
    program = program_of(plan, group, target.columns)
    # The last row is nobody's: its requests do not say whom they ask about.
    weight = (placed.start + placed.asked)[: rows + 1]
    shares = np.linspace(0, weight[-1], spread.parts + 1)[1:-1]
    edges = [0, *np.searchsorted(weight, shares).tolist(), rows]

    def part(number: int) -> int:
        span = edges[number], edges[number + 1]
        return int(sweep(placed, program, span, target.bits, target.known))

    overflows = sum(spread.run(part, range(spread.parts)))
    blank(placed, rows, program.features[:, -1], target.bits, target.known)
    return overflows


def _placed(plan: Plan, group: int, source: Source, asked: Asked) -> tuple[Sorted, int]:
    """Events and requests by row and time, and how many rows there are but the last."""
    table, key = plan.tables[plan.groups[group].table], plan.groups[group].key
    event_rows, request_rows, rows = rows_of(
        [source.columns.column(name) for name in table.key],
        [asked.source.columns.column(name) for name in key],
    )
    start, placed = places_by_row(event_rows, source.order, rows + 1)
    lanes = [table.lanes[lane] for lane in lanes_of(plan, group)]
    times = asked.source.columns.ts
    values = _values(plan, table, lanes, source.columns.ts, source.codes(), placed)
    if request_rows is event_rows and asked.whole:
        # Every event asks about itself: what is placed once serves twice.
        first, own = start, values
        at = placed[source.order] if len(source.order) else placed
    else:
        first, at = places_by_row(request_rows[asked.places], _NONE, rows + 1)
        own = np.empty((1 + len(lanes), 0), np.int64)
        if asked.source.type == source.type and _includes(plan, group):
            codes = asked.source.codes()[:, asked.places]
            own = _values(plan, table, lanes, times[asked.places], codes, at)
    asks = np.empty((len(at), ASKED_WORDS), np.int64)
    ranks = before = _NONE
    if any(slot.tied for slot in plan.slots if slot.group == group):
        before, ranks = _before(source, asked), np.empty(len(event_rows), np.int64)
        ranks[placed] = source.ranks()
    put_requests(at, times[asked.places], asked.targets, before, asks)
    return Sorted(start, values, first, asks, own, ranks), rows


def _before(source: Source, asked: Asked) -> Ints:
    """How many events of a source stand before each request by (ts, id)."""
    if asked.source is source:
        return source.ranks()[asked.places]
    order, at = source.places(), asked.source.columns.ts[asked.places]
    times = source.columns.ts[order]
    before = np.searchsorted(times, at, "left")
    ids, theirs = source.columns.ids, asked.source.columns.ids
    for row in np.flatnonzero(before != np.searchsorted(times, at, "right")).tolist():
        place, wanted = int(before[row]), theirs[int(asked.places[row])]
        while place < len(times) and times[place] == at[row] and ids[order[place]] < wanted:
            place += 1
        before[row] = place
    return before


def _values(plan: Plan, table: Table, lanes: list[Lane], ts: Ints, codes: Ints, at: Ints) -> Ints:
    """Times and the values of some lanes at their places."""
    out = np.empty((1 + len(lanes), len(at)), np.int64)
    head = 1 + 8 * plan.by_source[table.source].index(table.index)
    pairs = np.array([(lane.column, lane.filter) for lane in lanes], np.int64).reshape(-1, 2)
    columns = np.array(table.columns, np.int64)
    put_values(at, ts, codes, pairs, columns, (plan.applying[table.source], head), out)
    return out


def _includes(plan: Plan, group: int) -> bool:
    """Whether any feature of a group counts the request itself in."""
    return any(bool(plan.operations[feature, 2]) for feature in features_of(plan, group))
