"""What is known about every entity right now? The live state: apply events, read vectors.

One thread calls it. It is rebuilt from the log, in any order: the bits of every vector depend only
on which events were applied and which retracted.
"""

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from assay.contracts.event import Event
from assay.core.errors import Invalid, shown
from assay.features.arena import TIE, capacity, insert, remove
from assay.features.catalog import Catalog
from assay.features.derive import Deriver
from assay.features.encode import NULL
from assay.features.finalise import finalise_vector
from assay.features.gather import read
from assay.features.identities import Identities
from assay.features.layout import BLOCK, CLASSES, GATHERED_WORDS, NO_KEY, NOT_SEEN
from assay.features.packing import Packed, pack, packed_size, size_class_for, slab_size, unpack
from assay.features.plan import Plan
from assay.features.vector import Vector
from assay.features.view import groups_without

_FIRST_WORDS, _FIRST_ROWS, _ROW_WORDS = 1 << 12, 1 << 8, 3
#: A pool grows by this or a sixteenth, whichever is more: the usual allocator remaps large blocks
#: instead of copying them, and clearing the new part stays below some tens of milliseconds.
_GROWTH_WORDS = 1 << 20
_FIRST_SEEN = 1 << 8

Key = str | int | tuple[str | int, ...]
#: The rows by key; the field that is the key; all fields if there are several.
_Lookup = tuple[dict[Key, int], str, tuple[str, ...] | None]


class FeatureState:
    """The past events of every key of a catalog, ready to be read at any T.

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

    def __init__(self, catalog: Catalog) -> None:
        plan = catalog.plan
        self.catalog, self.overflows = catalog, 0
        self._keys = keys = [dict[Key, int]() for _ in plan.tables]
        self._deriver, self._reader = Deriver(catalog), _Reader(catalog, keys)
        self._feeds = {source: _Feed(plan, source, keys) for source in plan.by_source}
        self._pool = np.zeros(_FIRST_WORDS, np.int64)
        self._rows = np.zeros((_FIRST_ROWS, _ROW_WORDS), np.int64)
        self._rows_used = 0
        self._free = np.zeros(1 + len(plan.tables) * CLASSES, np.int64)
        self._free[0] = 1  # word 0 is nobody's: a slab that starts there is none
        self._identities = Identities()
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
        payload, rows = event.payload, []
        codes = feed.encoder.encode(payload)
        for keys, name, names in feed.lookups:
            key = payload.get(name) if names is None else composite_key(payload, names)
            if key is None:
                rows.append(NO_KEY)
                continue
            row = keys.get(key)
            rows.append(self._new_row(keys, key) if row is None else row)
        feed.fill(event.ts, len(self._identities), rows, codes)
        wanting = insert(self._pool, self._rows, self._free, feed.program, feed.io)
        while wanting:
            if wanting == TIE:
                feed.place([self._position(row, event.ts, event.id)[0] for row in rows])
            else:
                grown = max(wanting, _GROWTH_WORDS, len(self._pool) >> 4)
                self._pool.resize(len(self._pool) + grown, refcheck=False)
            wanting = insert(self._pool, self._rows, self._free, feed.program, feed.io)
        self._identities.add(event.id)

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
        for place, row in enumerate(rows_of(event.payload, feed.lookups)):
            at, found = self._position(row, event.ts, event.id)
            if found:
                remove(self._pool, self._rows, feed.program, place, row, at)

    def read(self, request: Event, absent: Iterable[str] = ()) -> tuple[Vector, int | None]:
        """The vector at ``T = request.ts`` and the ts of the newest event in any window.

        The request's own payload counts only where a feature says ``include_current``. What comes
        from an ``absent`` view (see `view_names`) is not known, whatever is in it.
        """
        reader = self._reader
        reader.fill(request, groups_without(self.catalog.plan, absent) if absent else ())
        wanting = read(self._pool, self._rows, reader.program, reader.io, reader.words, reader.seen)
        while wanting:
            reader.remember(wanting)
            wanting = read(
                self._pool, self._rows, reader.program, reader.io, reader.words, reader.seen
            )
        vector = Vector(np.empty(reader.width, np.int64), np.empty(reader.width, np.uint8))
        self.overflows += finalise_vector(
            reader.slots, reader.operations, request.ts, vector.bits, vector.known
        )
        self._deriver.fill(vector, request.payload)
        newest = int(reader.words[-1])
        return vector, None if newest == NULL else newest

    def packed(self, table: int, key: Key, most: int, *, ids: bool) -> Packed | None:
        """The newest ``most`` events under a key, ready to travel; None for a key never seen.

        Whole blocks are left out, oldest first. ``ids`` says whether event ids travel too.
        """
        row = self._keys[table].get(key)
        if row is None:
            return None
        start, size_class, n = self._rows[row].tolist()
        skip = max(0, n - most + BLOCK - 1) // BLOCK * BLOCK
        shape = self.catalog.plan.tables[table].shape
        words = np.empty(packed_size(n, *shape) - packed_size(skip, *shape), np.int64)
        pack(self._pool, (start, size_class, n), shape, skip, words)
        references = self._pool[start + capacity(size_class) :][skip:n].tolist() if ids else ()
        since = int(self._pool[start + skip - 1]) + 1 if skip else NULL
        return Packed(n - skip, since, words, tuple(self._identities.at(at) for at in references))

    def every_key(self) -> Iterator[tuple[int, Key]]:
        """Every key seen, with its table."""
        for table, keys in enumerate(self._keys):
            for key in keys:
                yield table, key

    def lay(self, table: int, key: Key, packed: Packed) -> None:
        """Put packed events under a key that has none."""
        shape = self.catalog.plan.tables[table].shape
        size_class = size_class_for(packed.n)
        size = slab_size(size_class, *shape)
        start = int(self._free[0])
        if start + size > len(self._pool):
            self._pool.resize(len(self._pool) + max(size, _GROWTH_WORDS), refcheck=False)
        unpack(packed.words, packed.n, shape, self._pool, (start, size_class))
        self._free[0] += size
        row = self._new_row(self._keys[table], key)
        self._rows[row] = start, size_class, packed.n
        at = start + capacity(size_class)
        for place, event_id in enumerate(packed.ids):
            self._pool[at + place] = self._identities.add(event_id.decode())

    def clear(self) -> None:
        """Forget every event; memory is kept for the next ones."""
        for keys in self._keys:
            keys.clear()
        self._rows_used = 0
        self._free[:] = 0
        self._free[0] = 1
        self._identities, self._retracted = Identities(), set()

    @property
    def derived_failures(self) -> int:
        """Derived values that are not known because their function failed."""
        return self._deriver.failures

    @property
    def bytes_used(self) -> int:
        """Memory of the arrays and event ids; the dictionaries of keys come on top."""
        arrays = (self._pool, self._rows, self._free)
        return sum(array.nbytes for array in arrays) + self._identities.bytes_used

    def _new_row(self, keys: dict[Key, int], key: Key) -> int:
        row = keys[key] = self._rows_used
        self._rows_used += 1
        if row == len(self._rows):
            self._rows.resize((2 * row, _ROW_WORDS), refcheck=False)
        return row

    def _position(self, row: int, ts: int, event_id: str) -> tuple[int, bool]:
        """Where an event stands, or would stand, in a row by (ts, id); and whether it is there."""
        if row < 0:
            return row, False
        start, size_class, n = self._rows[row].tolist()
        times = self._pool[start : start + n]
        first, stop = np.searchsorted(times, ts, "left"), np.searchsorted(times, ts, "right")
        references = self._pool[start + capacity(size_class) :][first:stop]
        wanted = event_id.encode()

        def id_at(place: int) -> bytes:
            return self._identities.at(int(references[place]))

        at = bisect_left(range(len(references)), wanted, key=id_at)
        return int(first) + at, at < len(references) and id_at(at) == wanted


class _Feed:
    """How events of one type enter: their tables and keys, their program, and the buffer."""

    def __init__(self, plan: Plan, source: str, keys: list[dict[Key, int]]) -> None:
        tables = plan.by_source[source]
        self.encoder, self.program = plan.encoders[source], plan.applying[source]
        self.lookups = [_lookup(keys[at], plan.tables[at].key) for at in tables]
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
        self.program, self.operations, self.width = plan.reading, plan.operations, len(catalog)
        self._lookups = [_lookup(keys[group.table], group.key) for group in plan.groups]
        self._encoder = plan.encoders[catalog.request.type] if plan.includes else None
        inputs = len(self._encoder.inputs) if self._encoder else 0
        self._words = struct.Struct(f"<{1 + len(plan.groups) + inputs}q")
        self.io = np.zeros(self._words.size // 8, np.int64)
        words = len(plan.slots) * GATHERED_WORDS
        self.words = np.zeros(words + 1, np.int64)
        self.slots = self.words[:words].reshape(-1, GATHERED_WORDS)
        self.seen = np.zeros(1 + 2 * _FIRST_SEEN, np.int64)

    def fill(self, request: Event, without: tuple[int, ...] = ()) -> None:
        """Write what the kernel reads: T, rows, and the request's own inputs if any count."""
        rows = rows_of(request.payload, self._lookups)
        for group in without:
            rows[group] = NO_KEY
        codes = self._encoder.encode(request.payload) if self._encoder else ()
        try:
            self._words.pack_into(self.io.data, 0, request.ts, *rows, *codes)
        except struct.error as error:
            raise Invalid(f"expected whole numbers of 64 bits, got {shown(codes)}") from error

    def remember(self, values: int) -> None:
        """Make room to tell that many values apart at half load."""
        self.seen = np.zeros(1 + 2 * (1 << (2 * values).bit_length()), np.int64)


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
