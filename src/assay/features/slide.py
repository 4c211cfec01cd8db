"""What comes into a window and what leaves it, as it moves over the events of a row?

Live reads look one T up among sorted events; here both edges only ever move forward. Counts and
sums are added to and taken from; extremes come from queues of candidates, different values from a
count per value. The same whole-number limbs as in ``assay.features.gather``, laid out the same, so
that the same finaliser gives the same bits.

Every function slides one slot over some requests of a row. ``between[span]`` holds each window's
first place in the row and the first after it; ``state[s]`` is what the slot is and how far it has
come; ``work`` has lines as long as the longest row. Whole arrays are passed with numbers: making a
view, or taking one out of a tuple, costs more than what is done with it. What every sweep does is
compiled into it, because even the call does; the rest is not, because compiling takes seconds.
"""

import numpy as np

from assay.features.compiled import borrowing, inlined
from assay.features.layout import (
    COUNT,
    DIFFERENT,
    FIRST_AT,
    FIRST_VALUE,
    HIGH,
    LAST_AT,
    LAST_VALUE,
    LIMB,
    LOW,
    MISSING,
    MOST,
    NULL,
    SQ_0,
    SUM_0,
    SUM_1,
    Ints,
    Word,
)
from assay.features.placed import TIMES
from assay.features.program import COUNTED, LANE, NUMBERING, QUEUE, SLOT_WORDS, SPAN

#: Words of a slot's state, after those of its program: places entered and left; then what is in
#: the window now.
ENTERED, LEFT, N, TOTAL_0, TOTAL_1, SQUARE_0 = range(SLOT_WORDS, SLOT_WORDS + 6)
NEWEST, DIFFERENT_NOW = SQUARE_0 + 4, SQUARE_0 + 5
#: The candidates for the extremes: the first in the queue, and the place after the last.
LEAST_HEAD, LEAST_TAIL, MOST_HEAD, MOST_TAIL = range(DIFFERENT_NOW + 1, DIFFERENT_NOW + 5)
#: The oldest event that counts, or the place from which to look for one.
OLDEST_NOW = MOST_TAIL + 1
STATE_WORDS = OLDEST_NOW + 1
#: The slot, the place of its row's first event, how many requests, and the first of them.
Chunk = tuple[Word, Word, Word, Word]


@inlined
def slide_all(between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """How many events there are, whatever they hold."""
    s, _, count, _ = chunk
    span = state[s, SPAN]
    for r in range(count):
        slots[r, COUNT] = between[span, r, 1] - between[span, r, 0]


@borrowing
def slide_counts(lanes: Ints, between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """How many events of every window have a value."""
    s, base, count, _ = chunk
    lane, span = state[s, LANE], state[s, SPAN]
    entered, left, n = state[s, ENTERED], state[s, LEFT], state[s, N]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(base + entered, base + high):
            n += 1 if lanes[lane, i] != NULL else 0
        for i in range(base + left, base + low):
            n -= 1 if lanes[lane, i] != NULL else 0
        left, entered = low, high
        slots[r, COUNT] = n
    state[s, N] = n


@inlined
def slide_totals(lanes: Ints, between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """Count and sum of every window."""
    s, base, count, _ = chunk
    lane, span = state[s, LANE], state[s, SPAN]
    entered, left = state[s, ENTERED], state[s, LEFT]
    n, low_limb, high_limb = state[s, N], state[s, TOTAL_0], state[s, TOTAL_1]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(base + entered, base + high):
            x = lanes[lane, i]
            if x != NULL:
                n += 1
                low_limb += x & LIMB
                high_limb += x >> 32
        for i in range(base + left, base + low):
            x = lanes[lane, i]
            if x != NULL:
                n -= 1
                low_limb -= x & LIMB
                high_limb -= x >> 32
        left, entered = low, high
        slots[r, COUNT], slots[r, SUM_0], slots[r, SUM_1] = n, low_limb, high_limb
    state[s, N], state[s, TOTAL_0], state[s, TOTAL_1] = n, low_limb, high_limb


@borrowing
def slide_squares(lanes: Ints, between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """The sum of squares of every window, in four limbs."""
    s, base, count, _ = chunk
    lane, span = state[s, LANE], state[s, SPAN]
    entered, left = state[s, ENTERED], state[s, LEFT]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(base + entered, base + high):
            _add_square(lanes[lane, i], 1, state, s)
        for i in range(base + left, base + low):
            _add_square(lanes[lane, i], -1, state, s)
        left, entered = low, high
        for limb in range(4):
            slots[r, SQ_0 + limb] = state[s, SQUARE_0 + limb]


@inlined
def _add_square(x: Word, sign: int, state: Ints, s: Word) -> None:
    """Add or take x squared, ``(a * 2**32 + b)**2``, spread over four limbs."""
    if x != NULL:
        size = np.uint64(np.int64(max(x, -x)))
        a, b = size >> np.uint64(32), size & np.uint64(LIMB)
        aa, ab, bb, limb = a * a, a * b, b * b, np.uint64(LIMB)
        state[s, SQUARE_0] += sign * np.int64(bb & limb)
        state[s, SQUARE_0 + 1] += sign * (np.int64(bb >> np.uint64(32)) + 2 * np.int64(ab & limb))
        state[s, SQUARE_0 + 2] += sign * (2 * np.int64(ab >> np.uint64(32)) + np.int64(aa & limb))
        state[s, SQUARE_0 + 3] += sign * np.int64(aa >> np.uint64(32))


@borrowing
def slide_last(lanes: Ints, between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """The newest event of every window: its ts (``NULL`` for none) and value."""
    s, base, count, _ = chunk
    lane, span = state[s, LANE], state[s, SPAN]
    entered, newest = state[s, ENTERED], state[s, NEWEST]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(high - 1, entered - 1, -1):
            if lane == TIMES or lanes[lane, base + i] != NULL:
                newest = np.int64(i)
                break
        entered = high
        slots[r, LAST_AT], slots[r, LAST_VALUE] = NULL, 0
        if newest >= low:
            slots[r, LAST_AT] = lanes[TIMES, base + newest]
            slots[r, LAST_VALUE] = lanes[lane, base + newest] if lane != TIMES else np.int64(0)
    state[s, NEWEST] = newest


@borrowing
def slide_first(lanes: Ints, between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """The oldest event of every window: its ts (``NULL`` for none) and value."""
    s, base, count, _ = chunk
    lane, span, oldest = state[s, LANE], state[s, SPAN], state[s, OLDEST_NOW]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        oldest = max(oldest, low)
        while oldest < high and lane != TIMES and lanes[lane, base + oldest] == NULL:
            oldest += 1
        slots[r, FIRST_AT], slots[r, FIRST_VALUE] = NULL, 0
        if oldest < high:
            slots[r, FIRST_AT] = lanes[TIMES, base + oldest]
            slots[r, FIRST_VALUE] = lanes[lane, base + oldest] if lane != TIMES else np.int64(0)
    state[s, OLDEST_NOW] = oldest


@borrowing
def slide_least(
    lanes: Ints, between: Ints, chunk: Chunk, state: Ints, work: Ints, slots: Ints
) -> None:
    """The least value of every window: a queue holds places whose value no later one undercuts."""
    s, base, count, _ = chunk
    lane, span, queue = state[s, LANE], state[s, SPAN], state[s, QUEUE]
    entered, head, tail = state[s, ENTERED], state[s, LEAST_HEAD], state[s, LEAST_TAIL]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(max(entered, low), high):
            x = lanes[lane, base + i]
            if x != NULL:
                while tail > head and lanes[lane, base + work[queue, tail - 1]] >= x:
                    tail -= 1
                work[queue, tail] = i
                tail += 1
        entered = high
        while head < tail and work[queue, head] < low:
            head += 1
        slots[r, LOW] = lanes[lane, base + work[queue, head]] if head < tail else MOST
    state[s, LEAST_HEAD], state[s, LEAST_TAIL] = head, tail


@borrowing
def slide_greatest(
    lanes: Ints, between: Ints, chunk: Chunk, state: Ints, work: Ints, slots: Ints
) -> None:
    """The greatest value of every window; as ``slide_least``."""
    s, base, count, _ = chunk
    lane, span, queue = state[s, LANE], state[s, SPAN], state[s, QUEUE] + 1
    entered, head, tail = state[s, ENTERED], state[s, MOST_HEAD], state[s, MOST_TAIL]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(max(entered, low), high):
            x = lanes[lane, base + i]
            if x != NULL:
                while tail > head and lanes[lane, base + work[queue, tail - 1]] <= x:
                    tail -= 1
                work[queue, tail] = i
                tail += 1
        entered = high
        while head < tail and work[queue, head] < low:
            head += 1
        slots[r, HIGH] = lanes[lane, base + work[queue, head]] if head < tail else NULL
    state[s, MOST_HEAD], state[s, MOST_TAIL] = head, tail


@inlined
def slide_different(
    asked: Ints, between: Ints, chunk: Chunk, state: Ints, work: Ints, slots: Ints
) -> None:
    """How many different values every window holds, and whether the request's own is missing.

    Lines of ``work`` hold the numbers of the values of the row's events (-1: none) and how often
    each is in the window; ``asked`` the numbers of the requests' own, if a feature counts them.
    """
    s, _, count, first = chunk
    span, n, c = state[s, SPAN], state[s, NUMBERING], state[s, COUNTED]
    entered, left, different = state[s, ENTERED], state[s, LEFT], state[s, DIFFERENT_NOW]
    for r in range(count):
        low, high = between[span, r, 0], between[span, r, 1]
        for i in range(entered, high):
            number = work[n, i]
            if number >= 0:
                different += 1 if work[c, number] == 0 else 0
                work[c, number] += 1
        for i in range(left, low):
            number = work[n, i]
            if number >= 0:
                work[c, number] -= 1
                different -= 1 if work[c, number] == 0 else 0
        left, entered = low, high
        slots[r, DIFFERENT] = different
        if asked.shape[1]:
            number = asked[n, first + r]
            slots[r, MISSING] = 1 if number >= 0 and work[c, number] == 0 else 0
    state[s, DIFFERENT_NOW] = different
