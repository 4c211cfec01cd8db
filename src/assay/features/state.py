"""What is known about every entity right now? The live state: apply events, read vectors.

One thread calls it. It is rebuilt from the log, in any order: the bits of every vector depend only
on which events were applied and which retracted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from assay.contracts.event import Event
from assay.core.errors import AssayError, Invalid
from assay.core.time import format_time
from assay.features.arena import FULL, TIE, capacity, insert, remove
from assay.features.batch import Batch, batch_of, enter
from assay.features.batch_columns import batches_of
from assay.features.catalog import Catalog
from assay.features.columns import Columns
from assay.features.derive import Deriver
from assay.features.encode import NULL
from assay.features.feed import Feed, composite_key, rows_of
from assay.features.fold import DUE, EDGE, LOOKBACK, NOW_WORDS, UNREACHABLE
from assay.features.image import (
    Ahead,
    Held,
    Keep,
    Part,
    StateMeta,
    as_it_is,
    check_own,
    hold,
    meta_of,
    parts_of,
    put_back,
)
from assay.features.layout import BLOCK, NO_KEY, NOT_SEEN, REACH, SHAPE_WORDS
from assay.features.packing import Packed, pack, packed_size, size_class_for, slab_size, unpack
from assay.features.plan import FOREVER
from assay.features.reader import Reader
from assay.features.retention import STRIDE
from assay.features.slabs import Key, Slabs
from assay.features.vector import Vector
from assay.features.view import groups_without, look_ups

_GROUP = 1 << 11  #: events that one call of the compiled fold is given: they fit the cache
_FEW = 32  #: so many are sooner applied one by one
#: What encoding a group may raise where one of its events cannot be applied.
_REFUSALS = (AssayError, TypeError, ValueError, AttributeError, ArithmeticError)
_RETRACTED_BYTES = 160  #: of a retracted id: a text and its place in a set, more or less
_ALL = -(2**61)  #: an edge before all times: nothing is forgotten


class Forgotten(Invalid):
    """The T of a read lies where events may have been forgotten: only the log can answer."""

    code = "forgotten"


class FeatureState:
    """The past events of every key of a catalog, ready to be read.

    Without a ``lookback`` at any T, and nothing is forgotten. With one (microseconds) reads are
    permitted down to the newest event less the lookback; events that none of them can reach are
    forgotten, and not kept when they come late. ``unreachable`` counts the latter.

    ``overflows`` counts values that did not fit their exact arithmetic (a sum beyond 64 bits; a
    std where n * max|x| reaches 2**63) and were answered as not known.

    Example:
        >>> from assay.contracts.contract import ContractSet, EventContract, Field
        >>> from assay.features.definition import Feature
        >>> fields = (Field(name="card", kind="text"), Field(name="cents", kind="money"))
        >>> paid = EventContract(type="paid", version=1, fields=fields, keys=("card",))
        >>> spent = Feature(name="spent", source="paid", key=("card",), aggregate="sum",
        ...                 of="cents", window=60_000_000)
        >>> catalog = Catalog(request=paid, contracts=ContractSet([paid]), features=[spent])
        >>> state = FeatureState(catalog)
        >>> state.apply(Event("a", "paid", 5, {"card": "x", "cents": 1250}))
        >>> vector, newest = state.read(Event("b", "paid", 6, {"card": "x", "cents": 1}))
        >>> vector.bits.tolist(), newest
        ([1250], 5)
    """

    def __init__(self, catalog: Catalog, *, lookback: int | None = None) -> None:
        plan = catalog.plan
        self.catalog, self.overflows, self.unreachable = catalog, 0, 0
        self.look_ups, self.lookback = look_ups(plan), lookback
        self._edge, self._due = _ALL, 0
        self._slabs = Slabs(catalog)
        self._deriver, self._reader = Deriver(catalog), Reader(catalog, self._slabs.keys)
        ends = np.cumsum([0, *map(len, plan.applying.values())]).tolist()
        self._feeds = {
            source: Feed(plan, source, self._slabs, start)
            for source, start in zip(plan.applying, ends, strict=False)
        }
        self._programs = np.concatenate([np.zeros(0, np.int64), *plan.applying.values()])
        self._retracted: set[str] = set()

    def apply(self, event: Event) -> None:
        """Put an event at its place in time; an event retracted before stays away.

        The caller passes each event once: the same id twice would count twice.

        Raises:
            Invalid: a value its contract should have refused; nothing has changed then.
        """
        feed = self._feeds.get(event.type)
        if feed is None or (self._retracted and event.id in self._retracted):
            return
        ts, payload, slabs, edge = event.ts, event.payload, self._slabs, self._edge
        late = ts < edge - feed.least_reach
        rows: list[int] = []
        codes = feed.encoder.encode(payload)
        for keys, name, names in feed.lookups:
            key = payload.get(name) if names is None else composite_key(payload, names)
            if key is None or (late and ts < edge - feed.reaches[len(rows)]):
                rows.append(NO_KEY)
            else:
                rows.append(keys.get(key, NOT_SEEN))
        feed.fill(ts, slabs.identities.next, rows, codes)
        if NOT_SEEN in rows:
            self._make_rows(feed, payload, rows)
        uses = len(rows) - rows.count(NO_KEY)
        self.unreachable += late and not uses
        growing = 0
        while wanting := insert(slabs.pool, slabs.rows, slabs.free, feed.program, feed.io, growing):
            if wanting == TIE:
                feed.place([slabs.position(row, ts, event.id)[0] for row in rows])
            elif wanting == FULL:
                slabs.make_room(feed.program, feed.io, edge)
                growing = 1
            else:
                slabs.grow(wanting)
        if uses:
            slabs.identities.add(event.id, uses)
        if self.lookback is not None and ts - self.lookback > edge:
            self._edge = ts - self.lookback
        self._due += 2 * uses
        if self._due >= STRIDE:
            self._slabs.sweep(self._due, self._edge)
            self._due = 0

    def apply_batch(self, events: Sequence[Event]) -> None:
        """Exactly what ``apply`` of one event after the other does, to the bit, and sooner.

        Raises:
            Invalid: as ``apply`` of the first event it refuses; those before it are applied.
        """
        for start in range(0, len(events), _GROUP):
            self._apply_group(events[start : start + _GROUP])

    def apply_columns(self, event_type: str, columns: Columns) -> None:
        """``apply_batch`` of events of one type that already are columns, their ids as texts.

        Raises:
            Invalid: a column is of another kind or length than it must be; nothing has changed.
        """
        feed, contract = self._feeds.get(event_type), self.catalog.contracts.get(event_type)
        if feed is not None:
            for batch in batches_of(columns, feed, contract, self._retracted, _GROUP):
                self._enter(batch)

    def apply_all(self, events: Iterable[Event]) -> None:
        """``apply`` each of them, some thousands at a time.

        Raises:
            Invalid: as ``apply_batch``.
        """
        following = iter(events)
        while group := list(islice(following, _GROUP)):
            self._apply_group(group)

    def retract(self, event: Event) -> None:
        """Take an event back by its id, whether it was applied already or comes later."""
        if event.id in self._retracted:
            return
        self._retracted.add(event.id)
        feed = self._feeds.get(event.type)
        if feed is None:
            return
        slabs = self._slabs
        for place, row in enumerate(rows_of(event.payload, feed.lookups)):
            at, found = slabs.position(row, event.ts, event.id)
            if found:
                remove(slabs.pool, slabs.rows, slabs.identities.uses, feed.program, place, row, at)

    def read(self, request: Event, absent: Iterable[str] = ()) -> tuple[Vector, int | None]:
        """The vector at ``T = request.ts`` and the ts of the newest event in any window.

        The request's own payload counts only where a feature says ``include_current``. What comes
        from an ``absent`` view (see `view_names`) is not known, whatever is in it.

        Raises:
            Forgotten: T is older than the lookback permits.
        """
        if request.ts < self._edge:
            raise Forgotten(
                f"a read at {format_time(request.ts)} is not permitted: events that it would need "
                f"may be forgotten. Read at {format_time(self._edge)} or later, or fold the log "
                "into a state without a lookback"
            )
        reader, slabs = self._reader, self._slabs
        rows = reader.fill(request, groups_without(self.catalog.plan, absent) if absent else ())
        while wanting := reader.gather(slabs.pool, slabs.rows):
            if wanting == TIE:
                reader.place([slabs.position(row, request.ts, request.id)[0] for row in rows])
            else:
                reader.remember(wanting)
        vector, lost = reader.finalise(request.ts)
        self.overflows += lost
        self._deriver.fill(vector, request.payload)
        newest = int(reader.words[-1])
        return vector, None if newest == NULL else newest

    def packed(self, table: int, key: Key, most: int, *, ids: bool) -> Packed | None:
        """The newest ``most`` events under a key, ready to travel; None for a key without any.

        Whole blocks are left out, oldest first. ``ids`` says whether event ids travel too.
        """
        slabs = self._slabs
        row = slabs.keys[table].get(key)
        if row is None:
            return None
        start, size_class, n, _ = slabs.rows[row].tolist()
        skip = max(0, n - most + BLOCK - 1) // BLOCK * BLOCK
        shape = self.catalog.plan.tables[table].shape
        words = np.empty(packed_size(n, *shape) - packed_size(skip, *shape), np.int64)
        pack(slabs.pool, (start, size_class, n), shape, skip, words)
        references = slabs.pool[start + capacity(size_class) :][skip:n].tolist() if ids else ()
        since = int(slabs.pool[start + skip - 1]) + 1 if skip else NULL
        reach = int(slabs.shapes[SHAPE_WORDS * table + REACH])
        if self._edge > _ALL and reach < FOREVER:  # older ones may be forgotten
            since = max(since, self._edge - reach)
        return Packed(n - skip, since, words, tuple(slabs.identities.at(at) for at in references))

    def every_key(self) -> Iterator[tuple[int, Key]]:
        """Every key seen, with its table."""
        for table, keys in enumerate(self._slabs.keys):
            for key in keys:
                yield table, key

    def lay(self, table: int, key: Key, packed: Packed) -> None:
        """Put packed events under a key that has none."""
        slabs, shape = self._slabs, self.catalog.plan.tables[table].shape
        size_class = size_class_for(packed.n)
        size = slab_size(size_class, *shape)
        start = int(slabs.free[0])
        if start + size > len(slabs.pool):
            slabs.grow(size)
        unpack(packed.words, packed.n, shape, slabs.pool, (start, size_class))
        slabs.free[0] += size
        row = slabs.new_row(table, key)
        slabs.rows[row] = start, size_class, packed.n, slabs.pool[start] if packed.n else 0
        at = start + capacity(size_class)
        for place, event_id in enumerate(packed.ids):
            slabs.pool[at + place] = slabs.identities.add(event_id.decode(), uses=1)

    def clear(self) -> None:
        """Forget every event; memory is kept for the next ones."""
        self._slabs.clear()
        self._retracted, self._edge = set(), _ALL

    def dump(self) -> tuple[StateMeta, dict[str, Part]]:
        """What this state is and its parts, which must be written before it changes again."""
        meta, held = self.hold()
        return meta, parts_of(held)

    def ahead(self) -> Ahead:
        """What makes a later `hold` short."""
        return Ahead(self._slabs)

    def hold(self, keep: Keep = as_it_is, ahead: Ahead | None = None) -> tuple[StateMeta, Held]:
        """What this state is and what it holds now, each array as ``keep`` gives it again."""
        held = hold(self._slabs, self._retracted, keep, ahead)
        return meta_of(held, self.catalog.digest, self.lookback, self._edge), held

    @classmethod
    def restore(
        cls,
        catalog: Catalog,
        meta: StateMeta,
        parts: Mapping[str, Part],
        *,
        lookback: int | None = None,
    ) -> "FeatureState":
        """The state that was dumped.

        Raises:
            Foreign: it is of another catalog or lookback, or made by other code.
            Corrupt: the parts do not fit together.
        """
        state = cls(catalog, lookback=lookback)
        check_own(meta, catalog.digest, lookback)
        state._retracted = put_back(state._slabs, meta, parts)
        state._edge = meta.edge
        return state

    def _apply_group(self, events: Sequence[Event]) -> None:
        batch = None
        if len(events) > _FEW:
            try:
                batch = batch_of(events, self._feeds, self._retracted)
            except _REFUSALS:  # nothing has changed: one by one they stop at the event in question
                batch = None
            else:
                if batch is None:
                    return
        if batch is not None:
            self._enter(batch)
            return
        for event in events:
            self.apply(event)

    def _enter(self, batch: Batch) -> None:
        now = np.zeros(NOW_WORDS, np.int64)
        now[EDGE], now[DUE] = self._edge, self._due
        now[LOOKBACK] = -1 if self.lookback is None else self.lookback
        enter(self._slabs, (self._programs, self._slabs.shapes), batch, now)
        self._edge, self._due = int(now[EDGE]), int(now[DUE])
        self.unreachable += int(now[UNREACHABLE])

    def _make_rows(self, feed: Feed, payload: Mapping[str, Any], rows: list[int]) -> None:
        """Give the keys that have none a row, now that nothing of the event can be refused."""
        for place, (_, name, names) in enumerate(feed.lookups):
            if rows[place] == NOT_SEEN:
                key = payload[name] if names is None else composite_key(payload, names)
                assert key is not None, "it was looked up"
                rows[place] = self._slabs.new_row(feed.tables[place], key)
                feed.put(place, rows[place])

    @property
    def oldest(self) -> int | None:
        """The oldest T that a read may have, None when any may."""
        return None if self._edge <= _ALL else self._edge

    @property
    def derived_failures(self) -> int:
        """Derived values that are not known because their function failed."""
        return self._deriver.failures

    @property
    def bytes_used(self) -> int:
        """Memory of arrays, event ids and keys, in bytes; the latter are estimated.

        The ids that were retracted are among them: they are kept for good.
        """
        return self._slabs.bytes_used + _RETRACTED_BYTES * len(self._retracted)

    @property
    def keys_used(self) -> int:
        """Keys that have events, over all tables."""
        return self._slabs.keys_used

    def evict(self, now: int) -> None:
        """Forget everything that no read from ``now`` less the lookback on can reach.

        Reads before that are refused from here on. Without a lookback nothing is forgotten.
        """
        if self.lookback is not None:
            self._edge = max(self._edge, now - self.lookback)
        self._slabs.sweep(max(len(self._slabs.names), 1), self._edge)
