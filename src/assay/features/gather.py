"""What lies in every window of a request? One read of the arena, for any T.

A window is two edge scans plus whole blocks. A wider window of a lane is gathered on top of the
narrower ones. Programs (``reading``) are laid out by ``assay.features.plan``.
"""

import numpy as np

from assay.features.arena import capacity
from assay.features.compiled import compiled, inlined
from assay.features.lane import clear, first_at, holds, lane_at, lift, merge
from assay.features.layout import (
    BLOCK,
    COUNT,
    CURRENT,
    DIFFERENT,
    DISTINCT,
    GATHERED_WORDS,
    LAST_AT,
    MISSING,
    NO_KEY,
    NULL,
    Ints,
    LaneAt,
    Word,
)


@compiled
def read(pool: Ints, rows: Ints, plan: Ints, io: Ints, slots: Ints, seen: Ints) -> int:
    """Gather every slot at T = ``io[0]``; rows per group and the request's inputs follow in it.

    ``slots`` holds ``GATHERED_WORDS`` a slot, then the newest ts used. ``seen`` tells values
    apart: a generation, then pairs (value, generation), a power of two of them. Returns 0, or how
    many values ``seen`` must hold at half load.
    """
    groups, newest = plan[0], np.int64(NULL)
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
            clear(slots, w)
            stop = first_at(pool, start, n, io[0])
            slots[w + DIFFERENT] = 0
            seen[0] += 1
        else:
            for word in range(GATHERED_WORDS):
                slots[w + word] = slots[w + word - GATHERED_WORDS]
        first = first_at(pool, start, stop, io[0] - plan[p + 4])
        if first < stop:
            newest = max(newest, pool[start + stop - 1])
            place = lane_at(start, cap, plan, 2 + 3 * plan[p], p + 1)
            _gather(pool, place, need, (first, stop), slots, w)
            if need & DISTINCT:
                if 4 * (slots[w + COUNT] + 1) >= len(seen):
                    return int(slots[w + COUNT] + 1)
                slots[w + DIFFERENT] += _tell_apart(pool, place, (first, stop), seen)
            stop = first
        slots[w + CURRENT], slots[w + MISSING] = NULL, 0
        if plan[p + 7] != -2:
            _set_current(plan, p, io, (slots, w), seen)
    slots[plan[1] * GATHERED_WORDS] = newest
    return 0


@inlined
def _gather(
    pool: Ints, place: LaneAt, need: Word, span: tuple[Word, Word], out: Ints, w: Word
) -> None:
    """Add the events of ``span`` to a slot: edges one by one, whole blocks at once."""
    first, stop = span
    if place[3] < 0 and place[2] < 0:
        out[w + COUNT] += stop - first
        if out[w + LAST_AT] == NULL:
            out[w + LAST_AT] = pool[place[0] + stop - 1]
        return
    head, tail = (first + BLOCK - 1) // BLOCK, stop // BLOCK
    if head >= tail:
        lift(pool, place, need, span, out, w)
        return
    lift(pool, place, need, (tail * BLOCK, stop), out, w)
    for block in range(tail - 1, head - 1, -1):
        merge(pool, place[4] + block * place[5], out, w)
    lift(pool, place, need, (first, head * BLOCK), out, w)


@compiled
def _tell_apart(pool: Ints, place: LaneAt, span: tuple[Word, Word], seen: Ints) -> Word:
    """How many values among the events of ``span`` were not seen before."""
    masks, bit, values, fresh = place[1], place[2], place[3], 0
    for i in range(span[0], span[1]):
        if bit >= 0 and not (pool[masks + i] >> bit) & 1:
            continue
        x = pool[values + i]
        if x == NULL:
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
    """Note what the request's own payload would add to the slot; ``NULL`` is nothing."""
    out, w = slot
    column, inputs = plan[p + 7], 1 + plan[0]
    if not holds(plan, plan[p + 8], plan[p + 9], io, inputs):
        return
    x = io[inputs + column] if column >= 0 else np.int64(0)
    out[w + CURRENT] = x
    if plan[p + 5] & DISTINCT and x != NULL:
        out[w + MISSING] = int(seen[_seen_at(seen, x) + 1] != seen[0])
