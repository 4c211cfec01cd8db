"""What lies in a window, for many requests in order of time? The compiled core of backfills.

Live reads look one T up among sorted events; a sweep moves both edges of a window forward over
them. Counts and sums are differences of running totals; extremes come from queues of candidates,
different values from a count per value. It gathers the same whole-number limbs as
``assay.features.gather``, laid out the same, so that the same finaliser gives the same bits.

Events and requests are grouped by row and sorted by time within it, so that both edges, as places
among all events, only ever move forward.
"""

import numpy as np

from assay.features.compiled import compiled
from assay.features.layout import (
    CURRENT,
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
    SAMPLE_WORDS,
    SQUARES,
    SUM,
    Ints,
)
from assay.features.sample import sample


@compiled
def by_row(rows: Ints, buckets: int) -> tuple[Ints, Ints]:
    """Where each row starts, shape ``(buckets + 1,)``, and the stable order that groups them."""
    start = np.zeros(buckets + 1, np.int64)
    for row in rows:
        start[row + 1] += 1
    for bucket in range(buckets):
        start[bucket + 1] += start[bucket]
    at, order = start.copy(), np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        order[at[rows[i]]] = i
        at[rows[i]] += 1
    return start, order


@compiled
def dense(values: Ints) -> tuple[Ints, int]:
    """Each value's number by first appearance (-1 for ``NULL``), and how many there are."""
    size = 16
    while size < 2 * len(values):
        size *= 2
    mask, used = np.uint64(size - 1), 0
    held, numbers = np.empty(size, np.int64), np.full(size, -1, np.int64)
    out = np.empty(len(values), np.int64)
    for i in range(len(values)):
        x = values[i]
        if x == NULL:
            out[i] = -1
            continue
        h = np.uint64(x) * np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(32))) & mask
        while numbers[h] >= 0 and held[h] != x:
            h = (h + np.uint64(1)) & mask
        if numbers[h] < 0:
            held[h], numbers[h] = x, used
            used += 1
        out[i] = numbers[h]
    return out, used


@compiled
def edges(
    start: Ints,
    ts: tuple[Ints, Ints],
    asked: Ints,
    ends: tuple[Ints, Ints],
    span: tuple[int, int, int],
) -> Ints:
    """First place in the window of each request and first place after it, shape ``(n, 2)``.

    ``ts`` are the times of the events, and what is compared to where a window stops: times again,
    or ranks by (ts, id). ``ends`` are the end of each window and where it stops. ``span`` is the
    window, the first row and the row to stop before; ``start`` and ``asked`` say where the events
    and requests of each row begin.
    """
    window, first, stop = span
    out = np.empty((asked[stop] - asked[first], 2), np.int64)
    for row in range(first, stop):
        low, high, end = start[row], start[row], start[row + 1]
        for q in range(asked[row], asked[row + 1]):
            while high < end and ts[1][high] < ends[1][q]:
                high += 1
            while low < high and ts[0][low] < ends[0][q] - window:
                low += 1
            out[q - asked[first], 0], out[q - asked[first], 1] = low, high
    return out


@compiled
def running_totals(values: Ints, need: int) -> Ints:
    """Totals before each place, shape ``(n + 1, 1, 3 or 7)``: count, sums, squares as needed."""
    width = 7 if need & SQUARES else 3 if need & SUM else 1
    out = np.zeros((len(values) + 1, width), np.int64)
    for i in range(len(values)):
        x = values[i]
        for word in range(width):
            out[i + 1, word] = out[i, word]
        if x == NULL:
            continue
        out[i + 1, 0] += 1
        if width > 1:
            out[i + 1, 1] += x & LIMB
            out[i + 1, 2] += x >> 32
        if width > 3:
            # x squared is (a * 2**32 + b)**2, spread over four limbs.
            size = np.uint64(np.int64(max(x, -x)))
            a, b = size >> np.uint64(32), size & np.uint64(LIMB)
            aa, ab, bb, limb = a * a, a * b, b * b, np.uint64(LIMB)
            out[i + 1, 3] += np.int64(bb & limb)
            out[i + 1, 4] += np.int64(bb >> np.uint64(32)) + 2 * np.int64(ab & limb)
            out[i + 1, 5] += 2 * np.int64(ab >> np.uint64(32)) + np.int64(aa & limb)
            out[i + 1, 6] += np.int64(aa >> np.uint64(32))
    return out


@compiled
def last_counted(values: Ints) -> Ints:
    """The last place before each that is not ``NULL``, shape ``(n + 1,)``; -1 for none."""
    out = np.full(len(values) + 1, -1, np.int64)
    for i in range(len(values)):
        out[i + 1] = i if values[i] != NULL else out[i]
    return out


@compiled
def next_counted(values: Ints) -> Ints:
    """The first place from each on that is not ``NULL``, shape ``(n + 1,)``; n for none."""
    out = np.full(len(values) + 1, len(values), np.int64)
    for i in range(len(values) - 1, -1, -1):
        out[i] = i if values[i] != NULL else out[i + 1]
    return out


@compiled
def gather_first(values: Ints, ts: Ints, after: Ints, between: Ints, slots: Ints) -> None:
    """The oldest event of every window: its ts (``NULL`` for none) and value."""
    for q in range(len(between)):
        place = after[between[q, 0]]
        found = place < between[q, 1]
        slots[q, FIRST_AT] = ts[place] if found else NULL
        slots[q, FIRST_VALUE] = values[place] if found else 0


@compiled
def gather_samples(values: Ints, between: Ints, samples: Ints, work: Ints, slots: Ints) -> None:
    """What is computed from the values of every window; counts and own values stand there."""
    lane = np.int64(0), np.int64(0), np.int64(-1), np.int64(0), np.int64(0), np.int64(0)
    asked = np.int64(0), np.int64(len(samples) // SAMPLE_WORDS)
    for q in range(len(between)):
        span = between[q, 0], between[q, 1]
        own = slots[q], np.int64(0), slots[q, CURRENT]
        sample(values, lane, span, samples, asked, own, work)


@compiled
def gather_totals(totals: Ints, between: Ints, current: Ints, slots: Ints) -> None:
    """Count, sums and squares of every window; no extremes yet; what the request would add."""
    for q in range(len(between)):
        low, high = between[q, 0], between[q, 1]
        for word in range(totals.shape[1]):
            slots[q, word] = totals[high, word] - totals[low, word]
        slots[q, LOW], slots[q, HIGH], slots[q, CURRENT] = MOST, NULL, current[q]


@compiled
def gather_last(values: Ints, ts: Ints, last: Ints, between: Ints, slots: Ints) -> None:
    """The newest event of every window: its ts (``NULL`` for none) and value."""
    for q in range(len(between)):
        place = last[between[q, 1]]
        found = place >= between[q, 0]
        slots[q, LAST_AT] = ts[place] if found else NULL
        slots[q, LAST_VALUE] = values[place] if found else 0


@compiled
def gather_extremes(values: Ints, between: Ints, greatest: int, queue: Ints, slots: Ints) -> None:
    """Least (or greatest) value of every window; an empty one keeps what stands there.

    ``queue`` is as long as the longest row: places whose value no later one undercuts (or
    exceeds), oldest first.
    """
    sign, word = (-1, HIGH) if greatest else (1, LOW)
    head, tail, entered = 0, 0, np.int64(0)
    for q in range(len(between)):
        low, high = between[q, 0], between[q, 1]
        if low >= entered:
            head, tail, entered = 0, 0, low
        for i in range(entered, high):
            x = values[i]
            if x != NULL:
                while tail > head and sign * values[queue[tail - 1]] >= sign * x:
                    tail -= 1
                queue[tail] = i
                tail += 1
        entered = max(entered, high)
        while head < tail and queue[head] < low:
            head += 1
        if head < tail:
            slots[q, word] = values[queue[head]]


@compiled
def gather_different(numbers: Ints, between: Ints, asked: Ints, counts: Ints, slots: Ints) -> None:
    """How many different values every window holds, and whether the request's own is missing.

    ``numbers`` and ``asked`` are dense numbers of the values (-1: none) of events and requests;
    ``counts`` has a zero for each number, and gets it back.
    """
    different, left, entered = 0, np.int64(0), np.int64(0)
    for q in range(len(between)):
        low, high = between[q, 0], between[q, 1]
        for i in range(left, min(low, entered)):
            if numbers[i] >= 0:
                counts[numbers[i]] -= 1
                different -= 1 if counts[numbers[i]] == 0 else 0
        left = low
        for i in range(max(entered, low), high):
            if numbers[i] >= 0:
                different += 1 if counts[numbers[i]] == 0 else 0
                counts[numbers[i]] += 1
        entered = max(entered, high)
        slots[q, DIFFERENT] = different
        slots[q, MISSING] = 1 if asked[q] >= 0 and counts[asked[q]] == 0 else 0
    for i in range(left, entered):
        if numbers[i] >= 0:
            counts[numbers[i]] = 0
