"""What lies in each window, as it moves over the events of some rows that are swept together?

Live reads look one T up among sorted events; here both edges only ever move forward, from one row
on to the next. Counts and sums are differences of running totals; extremes come from queues of
candidates, different values from a count per value. What an earlier row left behind leaves the
window before the next one is looked at, so only the edges know where rows end. The same
whole-number limbs as in ``assay.features.gather``, laid out the same, so that the same finaliser
gives the same bits.

Every function slides one slot over some requests. ``between[span]`` holds the first place in each
window and the first after it, both counted from the first event swept together; ``state[s]`` is
what the slot is and how far it has come; ``work`` has lines as long as these events. Whole arrays
are passed with numbers: making a view, or taking one out of a tuple, costs more than what is done
with it. What every sweep does is compiled into it, because even the call does; the rest is not,
because compiling takes seconds.
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
    SUM_0,
    Ints,
    Word,
)
from assay.features.placed import TIMES
from assay.features.program import (
    COUNTED,
    LANE,
    NUMBERING,
    POWERS,
    QUEUE,
    RUNNING,
    SLOT_WORDS,
    SPAN,
    TOTALS,
)

#: Words of a slot's state, after those of its program: places entered and left; then what is in
#: the window now.
ENTERED, LEFT, NEWEST, DIFFERENT_NOW = range(SLOT_WORDS, SLOT_WORDS + 4)
#: The candidates for the extremes: the first in the queue, and the place after the last.
LEAST_HEAD, LEAST_TAIL, MOST_HEAD, MOST_TAIL = range(DIFFERENT_NOW + 1, DIFFERENT_NOW + 5)
#: The oldest event that counts, or the place from which to look for one.
OLDEST_NOW = MOST_TAIL + 1
#: Values in order: how many, and of which events: from and up to.
HELD, HELD_FROM, HELD_TO = range(OLDEST_NOW + 1, OLDEST_NOW + 4)
STATE_WORDS = HELD_TO + 1
#: The number of a value that none of the events has.
ABSENT = -2
#: The slot, the place of the first event swept together, how many requests, and the first of them.
Chunk = tuple[Word, Word, Word, Word]


@inlined
def slide_all(between: Ints, chunk: Chunk, state: Ints, slots: Ints) -> None:
    """How many events there are, whatever they hold."""
    s, _, count, _ = chunk
    span = state[s, SPAN]
    for r in range(count):
        slots[r, COUNT] = between[span, r, 1] - between[span, r, 0]


@borrowing
def add_up(
    lanes: Ints, which: tuple[Word, Word], where: tuple[Word, Word], work: Ints, line: Word
) -> None:
    """Running totals of a lane in lines of ``work``: how many values, their sum, their squares.

    ``which`` is the lane and how much of this; ``where`` the first event and how many. Sums wrap
    around where they must; their differences, which are within bounds, do not.
    """
    lane, lines = which
    base, length = where
    for at in range(line, line + lines):
        work[at, 0] = 0
    n, low, high = np.int64(0), np.int64(0), np.int64(0)
    for i in range(length):
        x = lanes[lane, base + i]
        if x != NULL:
            n += 1
            low += x & LIMB
            high += x >> 32
        work[line, i + 1] = n
        if lines >= TOTALS:
            work[line + 1, i + 1], work[line + 2, i + 1] = low, high
    if lines == POWERS:
        _add_up_squares(lanes, lane, where, work, line + TOTALS)


@borrowing
def _add_up_squares(
    lanes: Ints, lane: Word, where: tuple[Word, Word], work: Ints, line: Word
) -> None:
    """Squares, ``(a * 2**32 + b)**2``, spread over four limbs."""
    base, length = where
    s0, s1, s2, s3 = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    limb, half = np.uint64(LIMB), np.uint64(32)
    for i in range(length):
        x = lanes[lane, base + i]
        if x != NULL:
            size = np.uint64(np.int64(max(x, -x)))
            a, b = size >> half, size & limb
            aa, ab, bb = a * a, a * b, b * b
            s0 += np.int64(bb & limb)
            s1 += np.int64(bb >> half) + 2 * np.int64(ab & limb)
            s2 += 2 * np.int64(ab >> half) + np.int64(aa & limb)
            s3 += np.int64(aa >> half)
        work[line, i + 1], work[line + 1, i + 1] = s0, s1
        work[line + 2, i + 1], work[line + 3, i + 1] = s2, s3


@inlined
def slide_totals(
    between: Ints, chunk: Chunk, state: Ints, work: Ints, slots: Ints, lines: Word
) -> None:
    """As much of count, sum and squares of every window as ``lines`` of running totals tell."""
    s, _, count, _ = chunk
    line, span = state[s, RUNNING], state[s, SPAN]
    for r in range(count):
        slots[r, COUNT] = work[line, between[span, r, 1]] - work[line, between[span, r, 0]]
    for at in range(1, lines):
        word = np.int64(SUM_0 - 1 + at)
        for r in range(count):
            low, high = between[span, r, 0], between[span, r, 1]
            slots[r, word] = work[line + at, high] - work[line + at, low]


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
    asked: Ints, own: Word, between: Ints, chunk: Chunk, state: Ints, work: Ints, slots: Ints
) -> None:
    """How many different values every window holds, and whether the request's own is missing.

    Lines of ``work`` hold the numbers of the values of the events (-1: none) and how often each is
    in the window; ``asked`` the numbers of the requests' own, if a feature counts them, the first
    of them at line ``own`` of the events'.
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
            number = asked[n - own, first + r]
            absent = number == ABSENT or (number >= 0 and work[c, number] == 0)
            slots[r, MISSING] = 1 if absent else 0
    state[s, DIFFERENT_NOW] = different
