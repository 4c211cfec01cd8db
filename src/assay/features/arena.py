"""How are the events of a key kept? In one slab of a pool of words, sorted by (ts, event id).

A slab holds ``cap`` times, ``cap`` identities, ``cap`` filter masks (if the table has filters),
``cap`` values a column, then one summary a lane for each whole block of 64 events. Slabs come in
size classes; a full one moves to the next class and its place is reused. A row of ``rows`` holds
the start of its slab (0: none, so word 0 of the pool stays free), its class and its number of
events; ``free`` holds the first unused word and, per table and class, the first slab to reuse.
Programs (``applying``) are laid out by ``assay.features.plan``.
"""

from assay.features.compiled import compiled
from assay.features.lane import clear, filter_mask, first_at, lane_at, lift
from assay.features.layout import BLOCK, CLASSES, SUMMARY, Ints, Word

#: What ``insert`` answers besides 0 (done) and the number of words wanting.
TIE = -1


@compiled
def capacity(size_class: Word) -> Word:
    """Events that fit a slab: 4, 6, 8, 12, 16, 24, ..."""
    return (6 if size_class & 1 else 4) << (size_class >> 1)


@compiled
def insert(pool: Ints, rows: Ints, free: Ints, plan: Ints, io: Ints) -> int:
    """Put one event into its rows, all or none.

    ``io`` holds ts, identity, a row per table, a position per table (-1: find it), the inputs.
    Returns 0, ``TIE`` when a row holds an event of the same ts and the position is not given,
    or how many words ``pool`` must have free first.
    """
    tables, ts = plan[0], io[0]
    wanting: Word = 0
    for t in range(tables):
        row, head = io[2 + t], 1 + 8 * t
        if row < 0:
            continue
        start, size_class, n = rows[row, 0], rows[row, 1], rows[row, 2]
        if io[2 + tables + t] < 0 and n > 0 and ts <= pool[start + n - 1]:
            place = first_at(pool, start, n, ts)
            if pool[start + place] == ts:
                return TIE
            io[2 + tables + t] = place
        if start == 0:
            wanting += _slab_words(plan, head, 0)
        elif n == capacity(size_class):
            wanting += _slab_words(plan, head, size_class + 1)
    if free[0] + wanting > len(pool):
        return int(wanting)
    for t in range(tables):
        if io[2 + t] >= 0:
            _insert_row(pool, rows, free, plan, io, t)
    return 0


@compiled
def remove(pool: Ints, rows: Ints, plan: Ints, t: Word, row: Word, place: Word) -> None:
    """Take the event at ``place`` out of a row of the ``t``-th table of its type."""
    head = 1 + 8 * t
    start, cap, n = rows[row, 0], capacity(rows[row, 1]), rows[row, 2]
    for array in range(2 + plan[head + 1] + plan[head]):
        at = start + array * cap
        for i in range(place, n - 1):
            pool[at + i] = pool[at + i + 1]
    rows[row, 2] = n - 1
    _summarise(pool, (start, cap, place // BLOCK, (n - 1) // BLOCK), plan, head)


@compiled
def _slab_words(plan: Ints, head: Word, size_class: Word) -> Word:
    cap = capacity(size_class)
    arrays = 2 + plan[head] + plan[head + 1]
    return int(cap * arrays + cap // BLOCK * plan[head + 2] * SUMMARY)


@compiled
def _insert_row(pool: Ints, rows: Ints, free: Ints, plan: Ints, io: Ints, t: Word) -> None:
    tables, head, row = plan[0], 1 + 8 * t, io[2 + t]
    if rows[row, 0] == 0 or rows[row, 2] == capacity(rows[row, 1]):
        _grow(pool, rows, free, plan, head, row)
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
    _summarise(pool, (start, cap, place // BLOCK, (n + 1) // BLOCK), plan, head)


@compiled
def _grow(pool: Ints, rows: Ints, free: Ints, plan: Ints, head: Word, row: Word) -> None:
    """Move a row to a slab of the next size class, and leave its old one for others."""
    old, size_class, n = rows[row, 0], rows[row, 1], rows[row, 2]
    bigger = size_class + 1 if old > 0 else 0
    lists = 1 + plan[head + 7] * CLASSES
    new = free[lists + bigger]
    if new > 0:
        free[lists + bigger] = pool[new]
    else:
        new = free[0]
        free[0] += _slab_words(plan, head, bigger)
    if old > 0:
        cap, wider = capacity(size_class), capacity(bigger)
        arrays = 2 + plan[head] + plan[head + 1]
        for array in range(arrays):
            for i in range(n):
                pool[new + array * wider + i] = pool[old + array * cap + i]
        for i in range(n // BLOCK * plan[head + 2] * SUMMARY):
            pool[new + arrays * wider + i] = pool[old + arrays * cap + i]
        pool[old] = free[lists + size_class]
        free[lists + size_class] = old
    rows[row, 0], rows[row, 1] = new, bigger


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
