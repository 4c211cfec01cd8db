"""What would have been served at each past request? The same values, computed in bulk."""

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.columns import (
    Columns,
    columns_of,
    encoded,
    payload_values,
    taken,
    time_order,
)
from assay.features.combine import combine
from assay.features.definition import COMPARISONS, Comparison
from assay.features.derive import Deriver
from assay.features.encode import NULL, Encoder
from assay.features.finalise import finalise_rows, scatter
from assay.features.frame import Frame
from assay.features.keys import rows_of
from assay.features.layout import DISTINCT, FIRST, HIGHEST, LAST, LOWEST
from assay.features.plan import NO_COLUMN, Group, Lane, Slot, Table
from assay.features.sweep import (
    by_row,
    dense,
    edges,
    gather_different,
    gather_extremes,
    gather_first,
    gather_last,
    gather_samples,
    gather_totals,
    last_counted,
    next_counted,
    running_totals,
)
from assay.features.vector import Vector

Ints = NDArray[np.int64]
#: Requests gathered before they are finalised: their slots stay in a core's cache and the rows
#: they are written to, which lie anywhere in the frame, in its table of pages.
_CHUNK = 2048
#: Lanes swept together: more visit the frame less often, and hold more columns at once.
_LANES = 4


def backfill(
    catalog: Catalog,
    events: Iterable[Event],
    *,
    wanted: Callable[[Event], bool] | None = None,
    retracted: Collection[str] = (),
) -> Frame:
    """A vector for every event of the request's type (that is ``wanted``), as all events tell now.

    Events may come in any order. The values are those that ``FeatureState`` gives at the same T
    once it has applied all events and ``retracted`` the given ids, bit for bit.
    """
    gone = frozenset(retracted)
    by_type: dict[str, list[Event]] = {}
    for event in events:
        if event.id not in gone:
            by_type.setdefault(event.type, []).append(event)
    fields = _fields_used(catalog)
    tables = {
        event_type: columns_of(
            by_type.get(event_type, []), catalog.contracts.get(event_type), names
        )
        for event_type, names in fields.items()
    }
    mask = None
    if wanted is not None:
        requests = by_type.get(catalog.request.type, [])
        mask = np.array([wanted(event) for event in requests], np.bool_)
    return backfill_columns(catalog, tables, wanted=mask)


def backfill_columns(
    catalog: Catalog,
    tables: Mapping[str, Columns],
    *,
    wanted: NDArray[np.bool_] | None = None,
) -> Frame:
    """``backfill`` for events held as columns, by event type; ``wanted`` masks the requests.

    Types that the catalog reads and that are absent have no events. Rows of the frame are in
    (ts, id) order.

    Raises:
        Invalid: a column of another kind than its contract says.
    """
    requests = tables.get(catalog.request.type, _EMPTY)
    places = time_order(requests)
    places = np.arange(len(requests.ts)) if places is None else places
    if wanted is not None:
        places = places[wanted[places]]
    job = _Job(catalog, tables, requests, places)
    for number, group in enumerate(catalog.plan.groups):
        job.fill_group(number, group)
    job.overflows += combine(catalog.combining, job.bits, job.known)
    failures = job.fill_derived()
    return Frame(
        names=catalog.names,
        kinds=catalog.kinds,
        bits=job.bits,
        known=job.known,
        at=job.at,
        event_ids=_ids_at(requests.ids, places),
        overflows=job.overflows,
        derived_failures=failures,
    )


class _Job:
    """One backfill: the frame being filled, and what several look-ups share."""

    def __init__(
        self,
        catalog: Catalog,
        tables: Mapping[str, Columns],
        requests: Columns,
        places: NDArray[np.intp],
    ) -> None:
        self._catalog, self._plan, self._requests = catalog, catalog.plan, requests
        self._tables, self._places = tables, places
        self._sources: dict[str, _Source] = {}
        self.at = np.ascontiguousarray(requests.ts[places], np.int64)
        self.bits = np.zeros((len(places), len(catalog)), np.int64)
        self.known = np.zeros((len(places), len(catalog)), np.uint8)
        self.overflows = 0

    def fill_group(self, number: int, group: Group) -> None:
        """Fill the features that select their entity the same way."""
        table = self._plan.tables[group.table]
        source = self._source(table.source)
        event_rows, request_rows, rows = rows_of(
            [source.columns.column(name) for name in table.key],
            [self._requests.column(name) for name in group.key],
            source.order,
            self._places,
        )
        start, ranks = by_row(event_rows, rows + 1)
        asked, asking = by_row(request_rows, rows + 1)
        order = source.order[ranks]
        before = self._before(source)[asking] if self._plan.ties else self.at[:0]
        placed = _Placed(start, source.columns.ts[order], asked, self.at[asking], ranks, before)
        current = None
        if self._plan.includes and table.source == self._catalog.request.type:
            current = self._places[asking]
        lanes = sorted({slot.lane for slot in self._plan.slots if slot.group == number})
        for first in range(0, len(lanes), _LANES):
            swept = {
                lane: _Swept(
                    source.lane(table, table.lanes[lane]),
                    table.needs[lane],
                    placed,
                    order,
                    current,
                    (self._plan.slot_words, self._plan.work_words),
                )
                for lane in lanes[first : first + _LANES]
            }
            places = [
                at
                for at, slot in enumerate(self._plan.slots)
                if slot.group == number and slot.lane in swept
            ]
            self._fill_slots(places, swept, placed, asking)

    def _fill_slots(
        self, places: list[int], swept: dict[int, "_Swept"], placed: "_Placed", asking: Ints
    ) -> None:
        """Fill the features of some slots, all of them for a chunk of requests at a time."""
        operations, slots = self._plan.operations, self._plan.slots
        features = np.flatnonzero(np.isin(operations[:, 0], places))
        columns = np.arange(len(features))
        pairs = np.stack((features, columns), axis=1)
        of = {at: pairs[operations[features, 0] == at] for at in places}
        for first, stop in placed.chunks():
            here = slice(int(placed.asked[first]), int(placed.asked[stop]))
            shape = (here.stop - here.start, len(features))
            vectors = np.empty(shape, np.int64), np.empty(shape, np.uint8)
            between: dict[tuple[int, int, bool], Ints] = {}
            for at in places:
                slot = slots[at]
                window = slot.window, slot.every, slot.tied
                if window not in between:
                    between[window] = placed.between(slot, first, stop)
                gathered = swept[slot.lane].gather(
                    between[window], here, self._plan.slot_needs[at], self._plan.samples[at]
                )
                self.overflows += finalise_rows(
                    gathered, operations, of[at], placed.at[here], *vectors
                )
            scatter(vectors, features, asking[here], self.bits, self.known)

    def fill_derived(self) -> int:
        """Compute the derived values of every row; returns how many functions failed."""
        deriver = Deriver(self._catalog)
        if not self._catalog.derived:
            return 0
        used = {name for item in self._catalog.derived for name in item.inputs}
        names = [name for name in self._catalog.request.by_name if name in used]
        columns = [
            payload_values(taken(self._requests.column(name), self._places)) for name in names
        ]
        for row in range(len(self.at)):
            payload = {name: column[row] for name, column in zip(names, columns, strict=True)}
            deriver.fill(Vector(self.bits[row], self.known[row]), payload)
        return deriver.failures

    def _before(self, source: "_Source") -> Ints:
        """How many events of a type stand before each request by (ts, id)."""
        if source.columns is self._requests:
            places = np.empty(len(source.order), np.int64)
            places[source.order] = np.arange(len(source.order))
            found: Ints = places[self._places]
            return found
        times = source.columns.ts[source.order]
        before = np.searchsorted(times, self.at, "left")
        ids, theirs = source.columns.ids, self._requests.ids
        for row in np.flatnonzero(before != np.searchsorted(times, self.at, "right")).tolist():
            at, wanted = int(before[row]), theirs[int(self._places[row])]
            while at < len(times) and times[at] == self.at[row] and ids[source.order[at]] < wanted:
                at += 1
            before[row] = at
        return before

    def _source(self, event_type: str) -> "_Source":
        if event_type not in self._sources:
            columns = self._tables.get(event_type, _EMPTY)
            self._sources[event_type] = _Source(columns, self._plan.encoders[event_type])
        return self._sources[event_type]


class _Source:
    """The events of one type: their order, and their lanes encoded as the kernel sees them."""

    def __init__(self, columns: Columns, encoder: Encoder) -> None:
        self.columns, self._inputs = columns, encoder.inputs
        order = time_order(columns)
        self.order = np.arange(len(columns.ts)) if order is None else order
        self._codes: dict[int, Ints] = {}

    def lane(self, table: Table, lane: Lane) -> Ints:
        """The values of a lane in the order given; ``NULL`` where an event does not count."""
        if lane.column == NO_COLUMN:
            values = np.zeros(len(self.columns.ts), np.int64)
        else:
            values = self._encoded(table.columns[lane.column])
        if lane.filter < 0:
            return values
        held = np.ones(len(values), np.bool_)
        for place, comparison, constant in table.conditions[lane.filter]:
            held &= _holds(self._encoded(place), COMPARISONS[comparison], constant)
        return np.where(held, values, NULL)

    def _encoded(self, place: int) -> Ints:
        if place not in self._codes:
            self._codes[place] = encoded(self.columns, self._inputs[place])
        return self._codes[place]


class _Placed(msgspec.Struct, frozen=True):
    """Events and requests by row and time: where each row starts, and their times.

    ``ranks`` is the place of each event among all of its type, ``before`` how many of those stand
    before each request by (ts, id), where it matters.
    """

    start: Ints
    ts: Ints
    asked: Ints
    at: Ints
    ranks: Ints
    before: Ints

    def between(self, slot: Slot, first: int, stop: int) -> Ints:
        """The first place in the window and the first after it, for the requests of some rows."""
        ends = self.at - self.at % slot.every if slot.every else self.at
        if slot.tied:
            times, stops = self.ranks, self.before
        else:
            times, stops = self.ts, ends
        span = slot.window, first, stop
        return edges(self.start, (self.ts, times), self.asked, (ends, stops), span)

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Runs of whole rows with about ``_CHUNK`` requests; the last row has no key."""
        first, rows = 0, len(self.asked) - 2
        while first < rows and self.asked[first] < self.asked[rows]:
            stop = int(np.searchsorted(self.asked, self.asked[first] + _CHUNK, "right")) - 1
            stop = min(max(stop, first + 1), rows)
            if self.asked[stop] > self.asked[first]:
                yield first, stop
            first = stop


class _Swept:
    """One lane of all events and requests, from which windows are gathered chunk by chunk."""

    def __init__(
        self,
        values: Ints,
        needs: int,
        placed: _Placed,
        order: Ints,
        current: Ints | None,
        words: tuple[int, int],
    ) -> None:
        """``order`` and ``current`` take the events' and the requests' own values from a lane.

        ``words`` is the width of a slot and the size of the work space.
        """
        self._values, self._ts = values[order], placed.ts
        self._totals = running_totals(self._values, needs)
        self._last = last_counted(self._values) if needs & LAST else self._values
        self._next = next_counted(self._values) if needs & FIRST else self._values
        self._work = np.zeros(words[1], np.int64)
        self._current = _taken(values, current, len(placed.at), NULL)
        self._slots = np.empty((0, words[0]), np.int64)
        if needs & (LOWEST | HIGHEST):
            self._queue = np.zeros(int(np.diff(placed.start).max(initial=0)) + 1, np.int64)
        if needs & DISTINCT:
            numbers, different = dense(values)
            self._numbers, self._counts = numbers[order], np.zeros(different, np.int64)
            self._asked = _taken(numbers, current, len(placed.at), -1)

    def gather(self, between: Ints, here: slice, needs: int, samples: Ints) -> Ints:
        """The slots of the requests ``here``, whose windows lie ``between`` these places."""
        if len(self._slots) < len(between):
            self._slots = np.empty((len(between), self._slots.shape[1]), np.int64)
        slots = self._slots[: len(between)]
        gather_totals(self._totals, between, self._current[here], slots)
        for greatest, needed in enumerate((LOWEST, HIGHEST)):
            if needs & needed:
                gather_extremes(self._values, between, greatest, self._queue, slots)
        if needs & LAST:
            gather_last(self._values, self._ts, self._last, between, slots)
        if needs & DISTINCT:
            gather_different(self._numbers, between, self._asked[here], self._counts, slots)
        if needs & FIRST:
            gather_first(self._values, self._ts, self._next, between, slots)
        if len(samples):
            gather_samples(self._values, between, samples, self._work, slots)
        return slots


def _taken(values: Ints, places: Ints | None, count: int, otherwise: int) -> Ints:
    return np.full(count, otherwise, np.int64) if places is None else values[places]


def _holds(values: Ints, comparison: Comparison, constant: int) -> NDArray[np.bool_]:
    known = np.not_equal(values, NULL)
    if comparison == "known":
        return known
    return np.logical_and(known, _COMPARE[comparison](values, constant))


def _fields_used(catalog: Catalog) -> dict[str, list[str]]:
    """The payload fields that a backfill needs, by event type."""
    plan, request = catalog.plan, catalog.request
    used: dict[str, dict[str, None]] = {request.type: {}}
    for source, encoder in plan.encoders.items():
        used.setdefault(source, {}).update(dict.fromkeys(item.field for item in encoder.inputs))
    for table in plan.tables:
        used[table.source].update(dict.fromkeys(table.key))
    for group in plan.groups:
        used[request.type].update(dict.fromkeys(group.key))
    derived = {name for item in catalog.derived for name in item.inputs}
    used[request.type].update(dict.fromkeys(name for name in request.by_name if name in derived))
    return {source: list(names) for source, names in used.items()}


def _ids_at(ids: Sequence[str] | Ints, places: NDArray[np.intp]) -> Sequence[str] | Ints:
    return ids[places] if isinstance(ids, np.ndarray) else [ids[at] for at in places.tolist()]


_EMPTY = Columns(np.zeros(0, np.int64), (), {})
_COMPARE: dict[Comparison, Callable[[Ints, int], NDArray[np.bool_]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
