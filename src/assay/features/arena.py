"""How are the events of a key kept? In one slab of a pool of words, sorted by (ts, event id).

A slab holds ``cap`` times, ``cap`` identities, ``cap`` filter masks (if the table has filters),
``cap`` values a column, then one summary a lane for each whole block of 64 events. Slabs come in
size classes; a full one moves to the next class and its place is reused. A row of ``rows`` holds
the start of its slab (0: none, so word 0 of the pool stays free), its class, its number of events
and the ts of the oldest; ``free`` holds the first unused word and, per table and class, the first
slab to reuse; ``uses`` counts per buffer of identities the events that refer to it. Programs
(``applying``) are laid out by ``assay.features.plan``, shapes by ``assay.features.retention``.
"""

from assay.features.compiled import compiled
from assay.features.lane import clear, filter_mask, first_at, lane_at, lift
from assay.features.layout import (
    BLOCK,
    CHUNK_BITS,
    CLASSES,
    REACH,
    SHAPE_WORDS,
    SUMMARY,
    Ints,
    Word,
)

#: What ``insert`` answers besides 0 (done) and the number of words wanting.
TIE, FULL = -1, -2


@compiled
def capacity(size_class: Word) -> Word:
    """Events that fit a slab: 4, 6, 8, 12, 16, 24, ..."""
    return (6 if size_class & 1 else 4) << (size_class >> 1)


@compiled
def insert(pool: Ints, rows: Ints, free: Ints, plan: Ints, io: Ints, growing: int) -> int:
    """Put one event into its rows, all or none.

    ``io`` holds ts, identity, a row per table, a position per table (-1: find it), the inputs.
    Returns 0, ``TIE`` when a row holds an event of the same ts and the position is not given,
    ``FULL`` when a row is full and ``growing`` is 0, or how many words ``pool`` must have free
    first.
    """
    tables, ts = plan[0], io[0]
    wanting: Word = 0
    for t in range(tables):
        row, head = io[2 + t], 1 + 8 * t
        if row < 0:
            continue
        start, size_class, n = rows[row, 0], rows[row, 1], rows[row, 2]
        if start == 0:
            wanting += slab_words(plan, head, 0)
        elif n == capacity(size_class):
            if not growing:
                return FULL
            wanting += slab_words(plan, head, size_class + 1)
        if io[2 + tables + t] < 0 and n > 0 and ts <= pool[start + n - 1]:
            place = first_at(pool, start, n, ts)
            if pool[start + place] == ts:
                return TIE
            io[2 + tables + t] = place
    if free[0] + wanting > len(pool):
        return int(wanting)
    for t in range(tables):
        if io[2 + t] >= 0:
            _insert_row(pool, rows, free, plan, io, t)
    return 0


@compiled
def make_room(
    pool: Ints, rows: Ints, uses: Ints, shapes: Ints, plan: Ints, io: Ints, edge: Word
) -> None:
    """Rid the full rows of an event of what no read can reach, and let positions be found anew."""
    tables = plan[0]
    for t in range(tables):
        row, table = io[2 + t], plan[8 + 8 * t]
        io[2 + tables + t] = -1
        if row >= 0 and rows[row, 0] > 0 and rows[row, 2] == capacity(rows[row, 1]):
            evict(pool, rows, uses, shapes, (table, row), edge)


@compiled
def evict(
    pool: Ints, rows: Ints, uses: Ints, shapes: Ints, at: tuple[Word, Word], edge: Word
) -> None:
    """Drop the events of a row older than ``edge`` less the reach, if they are a quarter of it.

    ``at`` is the table and the row. Where there are summaries whole blocks go, so that none is
    rebuilt. A row may be left with a slab and no event.
    """
    table, row = SHAPE_WORDS * at[0], at[1]
    old = edge - shapes[table + REACH]
    if rows[row, 3] >= old:
        return
    start, cap, n = rows[row, 0], capacity(rows[row, 1]), rows[row, 2]
    dead = first_at(pool, start, n, old)
    if n >= BLOCK and dead < n:
        dead -= dead % BLOCK
    if dead == 0 or 4 * dead < n:
        return
    for i in range(start + cap, start + cap + dead):
        uses[pool[i] >> CHUNK_BITS] -= 1
    left = n - dead
    arrays = 2 + shapes[table] + shapes[table + 1]
    for array in range(arrays):
        to = start + array * cap
        for i in range(left):
            pool[to + i] = pool[to + dead + i]
    to, block = start + arrays * cap, shapes[table + 2] * SUMMARY
    for i in range(left // BLOCK * block):
        pool[to + i] = pool[to + dead // BLOCK * block + i]
    rows[row, 2] = left
    rows[row, 3] = pool[start] if left > 0 else 0


@compiled
def remove(pool: Ints, rows: Ints, uses: Ints, plan: Ints, t: Word, row: Word, place: Word) -> None:
    """Take the event at ``place`` out of a row of the ``t``-th table of its type."""
    head = 1 + 8 * t
    start, cap, n = rows[row, 0], capacity(rows[row, 1]), rows[row, 2]
    uses[pool[start + cap + place] >> CHUNK_BITS] -= 1
    for array in range(2 + plan[head + 1] + plan[head]):
        at = start + array * cap
        for i in range(place, n - 1):
            pool[at + i] = pool[at + i + 1]
    rows[row, 2] = n - 1
    rows[row, 3] = pool[start] if n > 1 else 0
    _summarise(pool, (start, cap, place // BLOCK, (n - 1) // BLOCK), plan, head)


@compiled
def slab_words(plan: Ints, head: Word, size_class: Word) -> Word:
    """Words of a slab; ``plan[head:]`` is the columns, masks and lanes of its table."""
    cap = capacity(size_class)
    arrays = 2 + plan[head] + plan[head + 1]
    return int(cap * arrays + cap // BLOCK * plan[head + 2] * SUMMARY)


@compiled
def _insert_row(pool: Ints, rows: Ints, free: Ints, plan: Ints, io: Ints, t: Word) -> None:
    tables, head, row = plan[0], 1 + 8 * t, io[2 + t]
    if rows[row, 0] == 0 or rows[row, 2] == capacity(rows[row, 1]):
        move(pool, rows, free, plan, (head, plan[head + 7]), row, 1)
    start, cap, n = rows[row, 0], capacity(rows[row, 1]), rows[row, 2]
    place, inputs = io[2 + tables + t], 2 + 2 * tables
    if place < 0:
        place = n
    columns, masked, stored = plan[head], plan[head + 1], plan[head + 3]
    for array in range(2 + masked + columns):
        at = start + array * cap
        for i in range(n, place, -1):
            pool[at + i] = pool[at + i - 1]
    pool[start + place] = io[0]
    pool[start + cap + place] = io[1]
    if masked:
        pool[start + 2 * cap + place] = filter_mask(plan, head, io, inputs)
    for c in range(columns):
        pool[start + (2 + masked + c) * cap + place] = io[inputs + plan[stored + c]]
    rows[row, 2] = n + 1
    if place == 0:
        rows[row, 3] = io[0]
    _summarise(pool, (start, cap, place // BLOCK, (n + 1) // BLOCK), plan, head)


@compiled
def move(
    pool: Ints, rows: Ints, free: Ints, plan: Ints, of: tuple[Word, Word], row: Word, by: Word
) -> None:
    """Move a row to a slab ``by`` classes larger, and leave its old one for others.

    ``of`` is where ``plan`` has the shape of the table, and the table. There is room.
    """
    head, table = of
    old, size_class, n = rows[row, 0], rows[row, 1], rows[row, 2]
    to = size_class + by if old > 0 else 0
    lists = 1 + table * CLASSES
    new = free[lists + to]
    if new > 0:
        free[lists + to] = pool[new]
    else:
        new = free[0]
        free[0] += slab_words(plan, head, to)
    if old > 0:
        cap, wider = capacity(size_class), capacity(to)
        arrays = 2 + plan[head] + plan[head + 1]
        for array in range(arrays):
            for i in range(n):
                pool[new + array * wider + i] = pool[old + array * cap + i]
        for i in range(n // BLOCK * plan[head + 2] * SUMMARY):
            pool[new + arrays * wider + i] = pool[old + arrays * cap + i]
        pool[old] = free[lists + size_class]
        free[lists + size_class] = old
    rows[row, 0], rows[row, 1] = new, to


@compiled
def _summarise(pool: Ints, span: tuple[Word, Word, Word, Word], plan: Ints, head: Word) -> None:
    """Rebuild the summaries of blocks ``span[2]`` up to ``span[3]`` of a slab."""
    start, cap, first, stop = span
    for block in range(first, stop):
        for index in range(plan[head + 2]):
            lane = plan[head + 4] + 4 * index
            place = lane_at(start, cap, plan, head, lane)
            at = place[4] + block * place[5]
            clear(pool, at)
            here = (block * BLOCK, (block + 1) * BLOCK)
            lift(pool, place, plan[lane + 3], here, pool, at)
