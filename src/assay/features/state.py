"""What is known about every entity right now? The live state: apply events, read vectors.

One thread calls it. It is rebuilt from the log, in any order: the bits of every vector depend only
on which events were applied and which retracted.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from assay.contracts.event import Event
from assay.core.errors import Invalid, shown
from assay.core.time import format_time
from assay.features.arena import FULL, TIE, capacity, insert, remove
from assay.features.catalog import Catalog
from assay.features.combine import combine
from assay.features.derive import Deriver
from assay.features.encode import NULL
from assay.features.finalise import finalise_vector
from assay.features.gather import read
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
from assay.features.layout import BLOCK, NO_KEY, NOT_SEEN, REACH, SHAPE_WORDS, Ints
from assay.features.packing import Packed, pack, packed_size, size_class_for, slab_size, unpack
from assay.features.plan import FOREVER, Plan
from assay.features.retention import STRIDE
from assay.features.slabs import Key, Slabs
from assay.features.vector import Vector
from assay.features.view import groups_without, look_ups

_FIRST_SEEN = 1 << 8
_RETRACTED_BYTES = 160  #: of a retracted id: a text and its place in a set, more or less
_ALL = -(2**61)  #: an edge before all times: nothing is forgotten

#: The rows by key; the field that is the key; all fields if there are several.
_Lookup = tuple[dict[Key, int], str, tuple[str, ...] | None]


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
        self._deriver, self._reader = Deriver(catalog), _Reader(catalog, self._slabs.keys)
        self._feeds = {source: _Feed(plan, source, self._slabs) for source in plan.by_source}
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
                continue
            row = keys.get(key)
            rows.append(slabs.new_row(feed.tables[len(rows)], key) if row is None else row)
        uses = len(rows) - rows.count(NO_KEY)
        self.unreachable += late and not uses
        feed.fill(ts, slabs.identities.next, rows, codes)
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

    def apply_all(self, events: Iterable[Event]) -> None:
        """``apply`` each of them."""
        for event in events:
            self.apply(event)

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


class _Feed:
    """How events of one type enter: their tables and keys, their program, and the buffer."""

    def __init__(self, plan: Plan, source: str, slabs: Slabs) -> None:
        tables = self.tables = plan.by_source[source]
        self.encoder, self.program = plan.encoders[source], plan.applying[source]
        self.lookups = [_lookup(slabs.keys[at], plan.tables[at].key) for at in tables]
        reaches = slabs.shapes[REACH::SHAPE_WORDS].tolist()
        self.reaches = [reaches[at] for at in tables]
        self.least_reach = min(self.reaches)
        self._words = struct.Struct(f"<{2 + 2 * len(tables) + len(self.encoder.inputs)}q")
        self._no_places = [-1] * len(tables)
        self.io = np.zeros(self._words.size // 8, np.int64)

    def fill(self, ts: int, identity: int, rows: list[int], codes: list[int]) -> None:
        """Write what the kernel inserts."""
        try:
            self._words.pack_into(self.io.data, 0, ts, identity, *rows, *self._no_places, *codes)
        except struct.error as error:
            raise Invalid(
                f"{self.encoder.event_type}: expected whole numbers of 64 bits, got "
                f"{shown(codes)}: {error}"
            ) from error

    def place(self, places: list[int]) -> None:
        """Write the positions found for an event whose ts was there already."""
        self.io[2 + len(places) : 2 + 2 * len(places)] = places


class _Reader:
    """How requests are read: the program and the buffers it works in."""

    def __init__(self, catalog: Catalog, keys: list[dict[Key, int]]) -> None:
        plan = catalog.plan
        self._program, self._operations, self._width = plan.reading, plan.operations, len(catalog)
        self._combining = catalog.combining
        self._lookups = [_lookup(keys[group.table], group.key) for group in plan.groups]
        self._encoder = plan.encoders[catalog.request.type] if plan.includes else None
        inputs = len(self._encoder.inputs) if self._encoder else 0
        self._no_places = [-1] * len(plan.groups) if plan.ties else []
        size = 1 + len(plan.groups) + len(self._no_places) + inputs
        self._words = struct.Struct(f"<{size}q")
        self._io = np.zeros(size, np.int64)
        words = len(plan.slots) * plan.slot_words
        self.words = np.zeros(words + 1, np.int64)
        self._slots = self.words[:words].reshape(-1, plan.slot_words)
        self._seen = np.zeros(1 + 2 * _FIRST_SEEN, np.int64)
        self._work = np.zeros(plan.work_words, np.int64)

    def fill(self, request: Event, without: tuple[int, ...] = ()) -> list[int]:
        """Write what the kernel reads: T, rows, and the request's own inputs if any count.

        Returns the rows.
        """
        rows = rows_of(request.payload, self._lookups)
        for group in without:
            rows[group] = NO_KEY
        codes = self._encoder.encode(request.payload) if self._encoder else ()
        try:
            self._words.pack_into(self._io.data, 0, request.ts, *rows, *self._no_places, *codes)
        except struct.error as error:
            raise Invalid(f"expected whole numbers of 64 bits, got {shown(codes)}") from error
        return rows

    def gather(self, pool: Ints, rows: Ints) -> int:
        """Gather every slot; 0, ``TIE``, or how many values must be told apart."""
        return read(pool, rows, self._program, self._io, self.words, self._seen, self._work)

    def finalise(self, at: int) -> tuple[Vector, int]:
        """The vector of what was gathered, derived values missing, and how many did not fit."""
        vector = Vector(np.empty(self._width, np.int64), np.empty(self._width, np.uint8))
        lost = finalise_vector(self._slots, self._operations, at, vector.bits, vector.known)
        if len(self._combining):
            lost += combine(self._combining, vector.bits[None], vector.known[None])
        return vector, lost

    def place(self, places: list[int]) -> None:
        """Write where the request stands among the events at T, in the row of each look-up."""
        self._io[1 + len(places) : 1 + 2 * len(places)] = np.maximum(places, 0)

    def remember(self, values: int) -> None:
        """Make room to tell that many values apart at half load."""
        self._seen = np.zeros(1 + 2 * (1 << (2 * values).bit_length()), np.int64)


def rows_of(payload: Mapping[str, Any], lookups: list[_Lookup]) -> list[int]:
    """The row of each look-up: ``NO_KEY`` where a part is not known, ``NOT_SEEN`` if it is new."""
    rows = []
    for keys, name, names in lookups:
        key = payload.get(name) if names is None else composite_key(payload, names)
        rows.append(NO_KEY if key is None else keys.get(key, NOT_SEEN))
    return rows


def composite_key(payload: Mapping[str, Any], names: tuple[str, ...]) -> Key | None:
    """The key of several fields; None where any of them is not known."""
    parts: tuple[Any, ...] = tuple([payload.get(name) for name in names])
    return None if None in parts else parts


def _lookup(keys: dict[Key, int], names: tuple[str, ...]) -> _Lookup:
    return keys, names[0], names if len(names) > 1 else None
