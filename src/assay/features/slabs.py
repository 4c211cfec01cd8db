"""Who holds the memory of a state? The pool and its rows, the keys that lead to them, the ids."""

import sys
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from assay.features.arena import capacity, make_room
from assay.features.catalog import Catalog
from assay.features.identities import Identities
from assay.features.layout import CLASSES, Ints
from assay.features.retention import STRIDE, compact, new_rows, shapes, sweep

Key = str | int | tuple[str | int, ...]

_FIRST_WORDS, _FIRST_ROWS = 1 << 12, 1 << 8
#: A pool grows by this or a sixteenth, whichever is more: the usual allocator remaps large blocks
#: instead of copying them, and clearing the new part stays below some tens of milliseconds.
_GROWTH_WORDS = 1 << 20
#: A pool from this size on is copied together when less than a quarter of it is in use.
_COMPACT_WORDS, _COMPACT_SHARE = 1 << 22, 4
#: What a key costs besides itself: its place in a dictionary at two thirds load, its row.
_KEY_BYTES = 100 + 8


class Slabs:
    """Rows of events by table and key; see `assay.features.arena` for what lies in them.

    ``keys`` leads from a key of each table to its row, ``names`` and ``tables`` back.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.shapes = shapes(catalog)
        self.keys: list[dict[Key, int]] = [{} for _ in catalog.plan.tables]
        self.pool: Ints = np.zeros(_FIRST_WORDS, np.int64)
        self.rows, self.tables = new_rows(_FIRST_ROWS)
        self.free: Ints = np.zeros(1 + len(self.keys) * CLASSES, np.int64)
        self.free[0] = 1  # word 0 is nobody's: a slab that starts there is none
        self.names: list[Key | None] = []
        self.identities = Identities()
        #: Rows whose name changed, while somebody copies the names; see `assay.features.image`.
        self.renamed: set[int] | None = None
        self.unused: Ints = np.zeros(_FIRST_ROWS, np.int64)
        self.unused_count = 0
        self.emptied: Ints = np.zeros(STRIDE, np.int64)
        self.swept = self.kept = self._key_bytes = 0  #: how far the sweep is, and the words it kept

    def new_row(self, table: int, key: Key) -> int:
        """A row without events for a key that has none."""
        if self.unused_count:
            self.unused_count -= 1
            row = int(self.unused[self.unused_count])
        else:
            row = len(self.names)
            if row == len(self.rows):
                more = max(row, _FIRST_ROWS)
                self.rows.resize((row + more, self.rows.shape[1]), refcheck=False)
                self.tables = np.concatenate((self.tables, np.full(more, -1, np.int64)))
        self.tables[row] = table
        self._name(row, table, key)
        return row

    def adopt(self, rows: list[int], keys: Sequence[Key]) -> None:
        """These rows are those of these keys from now on; ``tables`` says so already."""
        for row, table, key in zip(rows, self.tables[rows].tolist(), keys, strict=True):
            self._name(row, table, key)

    def grow(self, words: int) -> None:
        """Make room for at least that many words more."""
        grown = max(words, _GROWTH_WORDS, len(self.pool) >> 4)
        self.pool.resize(len(self.pool) + grown, refcheck=False)

    def make_room(self, program: Ints, io: Ints, edge: int) -> None:
        """See `assay.features.arena.make_room`."""
        make_room(self.pool, self.rows, self.identities.uses, self.shapes, program, io, edge)

    def sweep(self, count: int, edge: int) -> list[int]:
        """Visit about ``count`` rows in turn and forget what no read from ``edge`` on can reach.

        Returns the rows that belong to no key any more.
        """
        forgotten: list[int] = []
        for _ in range(0, count, STRIDE):
            stop = min(self.swept + STRIDE, len(self.names))
            memory = (self.pool, self.rows, self.free, self.identities.uses)
            span = (self.swept, stop)
            emptied, kept = sweep(memory, self.shapes, self.tables, span, edge, self.emptied)
            forgotten += self.visited(stop, emptied, self.kept + kept)
        return forgotten

    def visited(self, stop: int, emptied: int, kept: int) -> list[int]:
        """The sweep has come to ``stop``; returns the rows that it emptied, now without a key."""
        rows: list[int] = self.emptied[:emptied].tolist()
        for row in rows:
            self._forget(row)
        self.swept, self.kept = stop, kept
        if stop == len(self.names):
            self._turned()
        return rows

    def position(self, row: int, ts: int, event_id: str) -> tuple[int, bool]:
        """Where an event stands, or would stand, in a row by (ts, id); and whether it is there."""
        if row < 0:
            return row, False
        start, size_class, n, _ = self.rows[row].tolist()
        times = self.pool[start : start + n]
        first, stop = np.searchsorted(times, ts, "left"), np.searchsorted(times, ts, "right")
        references = self.pool[start + capacity(size_class) :][first:stop]
        wanted = event_id.encode()

        def id_at(place: int) -> bytes:
            return self.identities.at(int(references[place]))

        at = bisect_left(range(len(references)), wanted, key=id_at)
        return int(first) + at, at < len(references) and id_at(at) == wanted

    @property
    def bytes_used(self) -> int:
        """Memory of arrays and event ids, and an estimate for keys and their dictionaries."""
        arrays = self.pool.nbytes + self.rows.nbytes + self.tables.nbytes + self.free.nbytes
        return arrays + self.identities.bytes_used + self._key_bytes

    @property
    def keys_used(self) -> int:
        """Rows that belong to a key, over all tables."""
        return len(self.names) - self.unused_count

    def compact(self) -> None:
        """Copy the slabs together; what lay free between them is given back."""
        fresh = np.zeros(max(int(self.free[0]) + 1, _FIRST_WORDS), np.int64)
        used = compact(self.pool, self.rows, self.tables, self.shapes, fresh)
        fresh.resize(used + _GROWTH_WORDS, refcheck=False)
        self.pool = fresh
        self.free[:] = 0
        self.free[0] = used

    def clear(self) -> None:
        """Forget every event; memory is kept for the next ones."""
        for keys in self.keys:
            keys.clear()
        used = len(self.names)
        self.rows[:used], self.tables[:used] = 0, -1
        self.free[:] = 0
        self.free[0] = 1
        self.names, self.identities, self.unused_count = [], Identities(), 0
        self.renamed = None
        self.swept = self.kept = self._key_bytes = 0

    def restore(self, names: Sequence[Key | None]) -> None:
        """Lead from the keys to their rows again, from ``names`` and ``tables``."""
        self.names = list(names)
        unused = [row for row, name in enumerate(self.names) if name is None]
        self.unused, self.unused_count = np.array(unused, np.int64), len(unused)
        for row, (table, name) in enumerate(
            zip(self.tables[: len(self.names)].tolist(), self.names, strict=True)
        ):
            if name is not None:
                self.keys[table][name] = row
                self._key_bytes += _size(name)

    def _name(self, row: int, table: int, key: Key) -> None:
        if row == len(self.names):
            self.names.append(key)
        else:
            self._rename(row, key)
        self.keys[table][key] = row
        self._key_bytes += _size(key)

    def _rename(self, row: int, key: Key | None) -> None:
        self.names[row] = key
        if self.renamed is not None:
            self.renamed.add(row)

    def _forget(self, row: int) -> None:
        key = self.names[row]
        if key is not None:
            del self.keys[self.tables[row]][key]
            self._key_bytes -= _size(key)
        self._rename(row, None)
        self.tables[row] = -1
        if self.unused_count == len(self.unused):
            self.unused = np.concatenate((self.unused, np.zeros(max(_FIRST_ROWS, row), np.int64)))
        self.unused[self.unused_count] = row
        self.unused_count += 1

    def _turned(self) -> None:
        """Every row has been visited: give back whole buffers, begin again."""
        self.identities.collect()
        used = int(self.free[0])
        if used > _COMPACT_WORDS and used > _COMPACT_SHARE * self.kept:
            self.compact()
        self.swept = self.kept = 0


def _size(key: Key) -> int:
    if not isinstance(key, tuple):
        return _KEY_BYTES + sys.getsizeof(key)
    return _KEY_BYTES + sys.getsizeof(key) + sum(map(sys.getsizeof, key))
