"""How are events kept per key, and what lies in a window? The compiled core of live features.

A row is the events of one key in one slab of a pool of int64 words, sorted by (ts, event id):
``cap`` times, ``cap`` identities, ``cap`` filter masks (if the table has filters), ``cap`` values
a column, then one summary a lane for each whole block of 64 events. Slabs come in size classes;
a full one moves to the next class and its place is reused. A row of ``rows`` holds the start of
its slab (0: none, so word 0 of the pool stays free), its class and its number of events; ``free``
holds the first unused word and, per table and class, the first slab to reuse. Programs
(``applying``, ``reading``) are laid out by ``assay.features.plan``, whose numbers are repeated
here because numba's cache watches one file at a time.

Everything gathered is whole-number limbs added up, so no order of evaluation changes a bit.
"""

import numpy as np
from numpy.typing import NDArray

from assay.features.compiled import compiled, inlined

Ints = NDArray[np.int64]
#: Python sees either kind of integer, the compiled code only the second.
Word = int | np.int64
_Lane = tuple[Word, Word, Word, Word, Word, Word]

#: What ``insert`` answers besides 0 (done) and the number of words wanting.
TIE = -1
#: Words of a gathered slot; the first 11 are also a block summary. Sums and squares are in limbs
#: of 32 bits that carry only when finalised.
COUNT, SUM_0, SUM_1, SQ_0, SQ_1, SQ_2, SQ_3, LOW, HIGH, LAST_AT, LAST_VALUE = range(11)
DIFFERENT, MISSING, CURRENT = 11, 12, 13
GATHERED_WORDS = 14
CLASSES = 64  #: size classes a table can use
NOT_SEEN, NO_KEY = -1, -2  #: rows that are not there: a key without events; no key at all

_SUMMARY, _BLOCK = 11, 64
MOST = 2**63 - 1  #: the least value of no values
_NULL = -(2**63)
_SQUARES, _DISTINCT = 2, 16
_LIMB = 0xFFFFFFFF


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
            place = _first_at(pool, start, n, ts)
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
    _summarise(pool, (start, cap, place // _BLOCK, (n - 1) // _BLOCK), plan, head)


@compiled
def read(pool: Ints, rows: Ints, plan: Ints, io: Ints, slots: Ints, seen: Ints) -> int:
    """Gather every slot at T = ``io[0]``; rows per group and the request's inputs follow in it.

    ``slots`` holds ``GATHERED_WORDS`` a slot, then the newest ts used. ``seen`` tells values
    apart: a generation, then pairs (value, generation), a power of two of them. Returns 0, or how
    many values ``seen`` must hold at half load.
    """
    groups, newest = plan[0], np.int64(_NULL)
    stop: Word = np.int64(0)
    for s in range(plan[1]):
        p, w = 2 + 3 * groups + 10 * s, s * GATHERED_WORDS
        row, need = io[1 + plan[p]], plan[p + 5]
        if row == NO_KEY:
            slots[w + COUNT] = -1
            continue
        start, n = np.int64(0), np.int64(0)
        cap: Word = np.int64(0)
        if row >= 0 and rows[row, 2] > 0:
            start, cap, n = rows[row, 0], capacity(rows[row, 1]), rows[row, 2]
        if plan[p + 6]:
            _clear(slots, w)
            stop = _first_at(pool, start, n, io[0])
            slots[w + DIFFERENT] = 0
            seen[0] += 1
        else:
            for word in range(GATHERED_WORDS):
                slots[w + word] = slots[w + word - GATHERED_WORDS]
        first = _first_at(pool, start, stop, io[0] - plan[p + 4])
        if first < stop:
            newest = max(newest, pool[start + stop - 1])
            place = _place(start, cap, plan, 2 + 3 * plan[p], p + 1)
            _gather(pool, place, need, (first, stop), slots, w)
            if need & _DISTINCT:
                if 4 * (slots[w + COUNT] + 1) >= len(seen):
                    return int(slots[w + COUNT] + 1)
                slots[w + DIFFERENT] += _tell_apart(pool, place, (first, stop), seen)
            stop = first
        slots[w + CURRENT], slots[w + MISSING] = _NULL, 0
        if plan[p + 7] != -2:
            _set_current(plan, p, io, (slots, w), seen)
    slots[plan[1] * GATHERED_WORDS] = newest
    return 0


@compiled
def filter_mask(plan: Ints, head: Word, io: Ints, inputs: Word) -> Word:
    """Which filters of a table the inputs at ``io[inputs:]`` pass, one bit each."""
    mask = np.int64(0)
    for f in range(plan[head + 6]):
        span = plan[head + 5] + 2 * f
        if _holds(plan, plan[span], plan[span + 1], io, inputs):
            mask |= np.int64(1) << f
    return mask


@compiled
def _slab_words(plan: Ints, head: Word, size_class: Word) -> Word:
    cap = capacity(size_class)
    arrays = 2 + plan[head] + plan[head + 1]
    return int(cap * arrays + cap // _BLOCK * plan[head + 2] * _SUMMARY)


@compiled
def _first_at(pool: Ints, start: Word, n: Word, ts: Word) -> Word:
    """The first of ``n`` sorted times that is ``ts`` or later."""
    low: Word = 0
    high: Word = n
    while low < high:
        middle = (low + high) >> 1
        if pool[start + middle] < ts:
            low = middle + 1
        else:
            high = middle
    return low


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
    _summarise(pool, (start, cap, place // _BLOCK, (n + 1) // _BLOCK), plan, head)


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
        for i in range(n // _BLOCK * plan[head + 2] * _SUMMARY):
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
            place = _place(start, cap, plan, head, lane)
            at = place[4] + block * place[5]
            _clear(pool, at)
            here = (block * _BLOCK, (block + 1) * _BLOCK)
            _lift(pool, place, plan[lane + 3], here, pool, at)


@inlined
def _place(start: Word, cap: Word, plan: Ints, shape: Word, lane: Word) -> _Lane:
    """Where a lane lies: times, masks, bit, values (-1: none), first summary, summary stride.

    ``plan[shape:]`` is columns, masked, lanes; ``plan[lane:]`` is the lane's index, column, filter.
    """
    columns, masked, lanes = plan[shape], plan[shape + 1], plan[shape + 2]
    index, column = plan[lane], plan[lane + 1]
    values = start + (2 + masked + column) * cap if column >= 0 else np.int64(-1)
    summaries = start + (2 + masked + columns) * cap + index * _SUMMARY
    return start, start + 2 * cap, plan[lane + 2], values, summaries, lanes * _SUMMARY


@inlined
def _clear(out: Ints, w: Word) -> None:
    for word in range(COUNT, LOW):
        out[w + word] = 0
    out[w + LOW], out[w + HIGH] = MOST, _NULL
    out[w + LAST_AT], out[w + LAST_VALUE] = _NULL, 0


@inlined
def _gather(
    pool: Ints, place: _Lane, need: Word, span: tuple[Word, Word], out: Ints, w: Word
) -> None:
    """Add the events of ``span`` to a slot: edges one by one, whole blocks at once."""
    first, stop = span
    if place[3] < 0 and place[2] < 0:
        out[w + COUNT] += stop - first
        if out[w + LAST_AT] == _NULL:
            out[w + LAST_AT] = pool[place[0] + stop - 1]
        return
    head, tail = (first + _BLOCK - 1) // _BLOCK, stop // _BLOCK
    if head >= tail:
        _lift(pool, place, need, span, out, w)
        return
    _lift(pool, place, need, (tail * _BLOCK, stop), out, w)
    for block in range(tail - 1, head - 1, -1):
        _merge(pool, place[4] + block * place[5], out, w)
    _lift(pool, place, need, (first, head * _BLOCK), out, w)


@inlined
def _merge(pool: Ints, at: Word, out: Ints, w: Word) -> None:
    """Add the summary of a block to a slot."""
    if pool[at + COUNT] == 0:
        return
    for word in range(COUNT, LOW):
        out[w + word] += pool[at + word]
    out[w + LOW] = min(out[w + LOW], pool[at + LOW])
    out[w + HIGH] = max(out[w + HIGH], pool[at + HIGH])
    if out[w + LAST_AT] == _NULL:
        out[w + LAST_AT], out[w + LAST_VALUE] = pool[at + LAST_AT], pool[at + LAST_VALUE]


@compiled
def _lift(
    pool: Ints, place: _Lane, need: Word, span: tuple[Word, Word], out: Ints, w: Word
) -> None:
    """Add the events of ``span`` to a slot, newest first."""
    times, masks, bit, values = place[0], place[1], place[2], place[3]
    count, low_limb, high_limb = np.int64(0), np.int64(0), np.int64(0)
    low, high = np.int64(MOST), np.int64(_NULL)
    last: Word = np.int64(-1)
    for i in range(span[1] - 1, span[0] - 1, -1):
        if bit >= 0 and not (pool[masks + i] >> bit) & 1:
            continue
        x = pool[values + i] if values >= 0 else np.int64(0)
        if x == _NULL:
            continue
        count += 1
        low_limb += x & _LIMB
        high_limb += x >> 32
        low, high = min(low, x), max(high, x)
        if last < 0:
            last = i
        if need & _SQUARES:
            _add_square(out, w, x)
    out[w + COUNT] += count
    out[w + SUM_0] += low_limb
    out[w + SUM_1] += high_limb
    out[w + LOW], out[w + HIGH] = min(out[w + LOW], low), max(out[w + HIGH], high)
    if last >= 0 and out[w + LAST_AT] == _NULL:
        out[w + LAST_AT] = pool[times + last]
        out[w + LAST_VALUE] = pool[values + last] if values >= 0 else np.int64(0)


@inlined
def _add_square(out: Ints, w: Word, x: Word) -> None:
    """Add x squared: (a * 2**32 + b)**2 with both below 2**32, spread over four limbs."""
    size = np.uint64(np.int64(max(x, -x)))
    a, b = size >> np.uint64(32), size & np.uint64(_LIMB)
    aa, ab, bb, limb = a * a, a * b, b * b, np.uint64(_LIMB)
    out[w + SQ_0] += np.int64(bb & limb)
    out[w + SQ_1] += np.int64(bb >> np.uint64(32)) + 2 * np.int64(ab & limb)
    out[w + SQ_2] += 2 * np.int64(ab >> np.uint64(32)) + np.int64(aa & limb)
    out[w + SQ_3] += np.int64(aa >> np.uint64(32))


@compiled
def _tell_apart(pool: Ints, place: _Lane, span: tuple[Word, Word], seen: Ints) -> Word:
    """How many values among the events of ``span`` were not seen before."""
    masks, bit, values, fresh = place[1], place[2], place[3], 0
    for i in range(span[0], span[1]):
        if bit >= 0 and not (pool[masks + i] >> bit) & 1:
            continue
        x = pool[values + i]
        if x == _NULL:
            continue
        at = _seen_at(seen, x)
        if seen[at + 1] != seen[0]:
            seen[at], seen[at + 1] = x, seen[0]
            fresh += 1
    return fresh


@inlined
def _seen_at(seen: Ints, x: Word) -> Word:
    """Where a value is in the open-addressed table, or where it would be put."""
    mask = np.uint64((len(seen) - 1) // 2 - 1)
    h = np.uint64(x) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(32))) & mask
    at = 1 + 2 * np.int64(h)
    while seen[at + 1] == seen[0] and seen[at] != x:
        h = (h + np.uint64(1)) & mask
        at = 1 + 2 * np.int64(h)
    return at


@compiled
def _set_current(plan: Ints, p: Word, io: Ints, slot: tuple[Ints, Word], seen: Ints) -> None:
    """Note what the request's own payload would add to the slot; ``_NULL`` is nothing."""
    out, w = slot
    column, inputs = plan[p + 7], 1 + plan[0]
    if not _holds(plan, plan[p + 8], plan[p + 9], io, inputs):
        return
    x = io[inputs + column] if column >= 0 else np.int64(0)
    out[w + CURRENT] = x
    if plan[p + 5] & _DISTINCT and x != _NULL:
        out[w + MISSING] = int(seen[_seen_at(seen, x) + 1] != seen[0])


@compiled
def _holds(plan: Ints, at: Word, count: Word, io: Ints, inputs: Word) -> bool:
    """Whether all conditions hold; one on a value that is not known never does."""
    for c in range(at, at + 3 * count, 3):
        x, comparison, constant = io[inputs + plan[c]], plan[c + 1], plan[c + 2]
        if x == _NULL:
            return False
        if comparison == 0:
            held = x == constant
        elif comparison == 1:
            held = x != constant
        elif comparison == 2:
            held = x < constant
        elif comparison == 3:
            held = x <= constant
        elif comparison == 4:
            held = x > constant
        elif comparison == 5:
            held = x >= constant
        else:
            held = True
        if not held:
            return False
    return True
