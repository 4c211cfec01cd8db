"""What may be forgotten? Events that no permitted read can reach, then their slabs, rows, keys.

A read is permitted down to the newest event less the ``lookback``. Forgetting is spread over the
events that come in: a full row forgets before it grows, and a sweep visits every row in turn, two
for each that was written, so that what is forgotten late is never more than what is kept.
"""

import numpy as np

from assay.features.arena import capacity, evict, move, slab_words
from assay.features.catalog import Catalog
from assay.features.compiled import compiled
from assay.features.definition import LIFETIME, Feature
from assay.features.layout import CLASSES, ROW_WORDS, SHAPE_WORDS, Ints, Word
from assay.features.plan import FOREVER

#: Rows visited by one call of the sweep: some microseconds.
STRIDE = 128


def reach(feature: Feature) -> int:
    """How far before a read's T an event may lie and still count, in microseconds."""
    return FOREVER if feature.window == LIFETIME else feature.window + feature.every


def shapes(catalog: Catalog) -> Ints:
    """Columns, masks, lanes and reach of every table, one after the other."""
    words = np.zeros(len(catalog.plan.tables) * SHAPE_WORDS, np.int64)
    for table in catalog.plan.tables:
        asked = [f for f in catalog.features if (f.source, f.key) == (table.source, table.key)]
        words[SHAPE_WORDS * table.index :][:SHAPE_WORDS] = (
            len(table.columns),
            bool(table.filters),
            len(table.lanes),
            max(map(reach, asked)),
        )
    return words


@compiled
def sweep(
    memory: tuple[Ints, Ints, Ints, Ints],
    shapes: Ints,
    tables: Ints,
    span: tuple[Word, Word],
    edge: Word,
    emptied: Ints,
) -> tuple[int, int]:
    """Forget what the rows of ``span`` hold in vain; ``tables`` has the table of each, -1 for none.

    ``memory`` is the pool, the rows, the free slabs and the uses of identities. Returns
    how many rows are empty now, written to ``emptied``, and the words of the slabs kept.
    """
    pool, rows, free, uses = memory
    count = 0
    kept: Word = 0
    for row in range(span[0], span[1]):
        table = tables[row]
        if table < 0:
            continue
        head = SHAPE_WORDS * table
        if rows[row, 2] > 0:
            evict(pool, rows, uses, shapes, (table, row), edge)
        n, start, size_class = rows[row, 2], rows[row, 0], rows[row, 1]
        if n == 0:
            if start > 0:
                at = 1 + table * CLASSES + size_class
                pool[start] = free[at]
                free[at] = start
            rows[row, 0], rows[row, 1] = 0, 0
            emptied[count] = row
            count += 1
            continue
        by: Word = 0
        while size_class + by >= 2 and capacity(size_class + by - 2) >= n:
            by -= 1
        # Only where there is room: it is not worth growing the pool for.
        if by < 0 and free[0] + slab_words(shapes, head, size_class + by) <= len(pool):
            move(pool, rows, free, shapes, (head, table), row, by)
        kept += slab_words(shapes, head, rows[row, 1])
    return count, int(kept)


@compiled
def compact(pool: Ints, rows: Ints, tables: Ints, shapes: Ints, fresh: Ints) -> int:
    """Copy every slab to ``fresh``, one behind the other; the first word that is still free."""
    at: Word = 1
    for row in range(len(tables)):
        if tables[row] < 0 or rows[row, 0] == 0:
            continue
        size = slab_words(shapes, SHAPE_WORDS * tables[row], rows[row, 1])
        start = rows[row, 0]
        for i in range(size):
            fresh[at + i] = pool[start + i]
        rows[row, 0] = at
        at += size
    return int(at)


@compiled
def used_words(rows: Ints, tables: Ints, shapes: Ints, size: Word) -> int:
    """Words of the slabs of all rows; -1 if one does not lie within a pool of that size."""
    used: Word = 0
    for row in range(len(tables)):
        start, size_class, n = rows[row, 0], rows[row, 1], rows[row, 2]
        if tables[row] < 0 or start == 0:
            if n != 0:
                return -1
            continue
        if start < 0 or not 0 <= size_class < CLASSES or not 0 <= n <= capacity(size_class):
            return -1
        words = slab_words(shapes, SHAPE_WORDS * tables[row], size_class)
        if words > size - start:
            return -1
        used += words
    return int(used)


def new_rows(count: int) -> tuple[Ints, Ints]:
    """Rows without a slab, and that they belong to no table."""
    return np.zeros((count, ROW_WORDS), np.int64), np.full(count, -1, np.int64)
