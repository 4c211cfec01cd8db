"""What does one lane of a slab hold between two places? Its events, lifted into a slot.

A lane is a column under a filter. Lifting adds the events of a span to a slot one by one; merging
adds the summary of a whole block. Both give the same bits.
"""

import numpy as np

from assay.features.compiled import compiled, inlined
from assay.features.layout import (
    COUNT,
    HIGH,
    LAST_AT,
    LAST_VALUE,
    LIMB,
    LOW,
    MOST,
    NULL,
    SQ_0,
    SQ_1,
    SQ_2,
    SQ_3,
    SQUARES,
    SUM_0,
    SUM_1,
    SUMMARY,
    Ints,
    LaneAt,
    Word,
)


@compiled
def lift(
    pool: Ints, place: LaneAt, need: Word, span: tuple[Word, Word], out: Ints, w: Word
) -> None:
    """Add the events of ``span`` to a slot, newest first."""
    times, masks, bit, values = place[0], place[1], place[2], place[3]
    count, low_limb, high_limb = np.int64(0), np.int64(0), np.int64(0)
    low, high = np.int64(MOST), np.int64(NULL)
    last: Word = np.int64(-1)
    for i in range(span[1] - 1, span[0] - 1, -1):
        if bit >= 0 and not (pool[masks + i] >> bit) & 1:
            continue
        x = pool[values + i] if values >= 0 else np.int64(0)
        if x == NULL:
            continue
        count += 1
        low_limb += x & LIMB
        high_limb += x >> 32
        low, high = min(low, x), max(high, x)
        if last < 0:
            last = i
        if need & SQUARES:
            _add_square(out, w, x)
    out[w + COUNT] += count
    out[w + SUM_0] += low_limb
    out[w + SUM_1] += high_limb
    out[w + LOW], out[w + HIGH] = min(out[w + LOW], low), max(out[w + HIGH], high)
    if last >= 0 and out[w + LAST_AT] == NULL:
        out[w + LAST_AT] = pool[times + last]
        out[w + LAST_VALUE] = pool[values + last] if values >= 0 else np.int64(0)


@inlined
def merge(pool: Ints, at: Word, out: Ints, w: Word) -> None:
    """Add the summary of a block to a slot."""
    if pool[at + COUNT] == 0:
        return
    for word in range(COUNT, LOW):
        out[w + word] += pool[at + word]
    out[w + LOW] = min(out[w + LOW], pool[at + LOW])
    out[w + HIGH] = max(out[w + HIGH], pool[at + HIGH])
    if out[w + LAST_AT] == NULL:
        out[w + LAST_AT], out[w + LAST_VALUE] = pool[at + LAST_AT], pool[at + LAST_VALUE]


@inlined
def clear(out: Ints, w: Word) -> None:
    """Make a slot or summary that of no events."""
    for word in range(COUNT, LOW):
        out[w + word] = 0
    out[w + LOW], out[w + HIGH] = MOST, NULL
    out[w + LAST_AT], out[w + LAST_VALUE] = NULL, 0


@inlined
def lane_at(start: Word, cap: Word, plan: Ints, shape: Word, lane: Word) -> LaneAt:
    """Where a lane lies: times, masks, bit, values (-1: none), first summary, summary stride.

    ``plan[shape:]`` is columns, masked, lanes; ``plan[lane:]`` is the lane's index, column, filter.
    """
    columns, masked, lanes = plan[shape], plan[shape + 1], plan[shape + 2]
    index, column = plan[lane], plan[lane + 1]
    values = start + (2 + masked + column) * cap if column >= 0 else np.int64(-1)
    summaries = start + (2 + masked + columns) * cap + index * SUMMARY
    return start, start + 2 * cap, plan[lane + 2], values, summaries, lanes * SUMMARY


@compiled
def first_at(pool: Ints, start: Word, n: Word, ts: Word) -> Word:
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
def filter_mask(plan: Ints, head: Word, io: Ints, inputs: Word) -> Word:
    """Which filters of a table the inputs at ``io[inputs:]`` pass, one bit each."""
    mask = np.int64(0)
    for f in range(plan[head + 6]):
        span = plan[head + 5] + 2 * f
        if holds(plan, plan[span], plan[span + 1], io, inputs):
            mask |= np.int64(1) << f
    return mask


@compiled
def holds(plan: Ints, at: Word, count: Word, io: Ints, inputs: Word) -> bool:
    """Whether all conditions hold; one on a value that is not known never does."""
    for c in range(at, at + 3 * count, 3):
        x, comparison, constant = io[inputs + plan[c]], plan[c + 1], plan[c + 2]
        if x == NULL:
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


@inlined
def _add_square(out: Ints, w: Word, x: Word) -> None:
    """Add x squared: (a * 2**32 + b)**2 with both below 2**32, spread over four limbs."""
    size = np.uint64(np.int64(max(x, -x)))
    a, b = size >> np.uint64(32), size & np.uint64(LIMB)
    aa, ab, bb, limb = a * a, a * b, b * b, np.uint64(LIMB)
    out[w + SQ_0] += np.int64(bb & limb)
    out[w + SQ_1] += np.int64(bb >> np.uint64(32)) + 2 * np.int64(ab & limb)
    out[w + SQ_2] += 2 * np.int64(ab >> np.uint64(32)) + np.int64(aa & limb)
    out[w + SQ_3] += np.int64(aa >> np.uint64(32))
