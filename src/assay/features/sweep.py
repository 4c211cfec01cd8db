"""What lies in a window, for many requests in order of time? The compiled core of backfills.

Live reads look one T up among sorted events; a sweep moves both edges of a window forward over
them, adding what enters and taking away what leaves. It gathers the same whole-number limbs as
``assay.features.kernel``, laid out the same, so that the same finaliser gives the same bits.
"""

import numpy as np
from numpy.typing import NDArray

from assay.features.compiled import compiled

Ints = NDArray[np.int64]

# The layout of a gathered slot, as in assay.features.kernel.
_COUNT, _SUM_0, _SUM_1, _SQ_0, _LOW, _HIGH, _LAST_AT, _LAST_VALUE = 0, 1, 2, 3, 7, 8, 9, 10
_DIFFERENT, _MISSING, _CURRENT = 11, 12, 13
_NULL, _MOST, _LIMB = -(2**63), 2**63 - 1, 0xFFFFFFFF
_SUM, _SQUARES, _EXTREMES, _LAST, _DISTINCT = 1, 2, 4, 8, 16


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
    """Each value's number by first appearance (-1 for ``_NULL``), and how many there are."""
    size = 16
    while size < 2 * len(values):
        size *= 2
    mask, used = np.uint64(size - 1), 0
    held, numbers = np.empty(size, np.int64), np.full(size, -1, np.int64)
    out = np.empty(len(values), np.int64)
    for i in range(len(values)):
        x = values[i]
        if x == _NULL:
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
def sweep(
    events: tuple[Ints, Ints, Ints, Ints],
    requests: tuple[Ints, Ints, Ints, Ints],
    span: tuple[int, int, int, int],
    slots: Ints,
    scratch: tuple[Ints, Ints, Ints],
) -> None:
    """Gather one slot for every request of the rows ``span[2]`` up to ``span[3]``.

    Args:
        events: start of each row, then ts, lane value (``_NULL``: not counted) and dense number
            of the value, each in (row, ts, id) order.
        requests: the same of the requests, whose values are what they would add themselves.
        span: window, what to gather, first row, row to stop before.
        slots: out, one row a request, from the first request of the first row.
        scratch: two queues as long as the longest row, and a zero for every dense number.
    """
    asked, at, base = requests[0], requests[1], requests[0][span[2]]
    window, need = span[0], span[1]
    queue = np.zeros(4, np.int64)  # heads and tails of the queues of least and greatest values
    work = np.zeros(12, np.int64)  # the group part of a slot, and the last event counted
    for row in range(span[2], span[3]):
        low, high, end = events[0][row], events[0][row], events[0][row + 1]
        queue[:] = 0
        work[:] = 0
        work[_LAST_AT] = -1
        for q in range(asked[row], asked[row + 1]):
            while high < end and events[1][high] < at[q]:
                if events[2][high] != _NULL:
                    _enter(events, need, high, work, queue, scratch)
                high += 1
            while low < high and events[1][low] < at[q] - window:
                if events[2][low] != _NULL:
                    _leave(events, need, low, work, scratch[2])
                low += 1
            _write(events, need, low, work, queue, scratch, slots[q - base])
            slots[q - base, _CURRENT] = requests[2][q]
            if need & _DISTINCT and requests[2][q] != _NULL:
                slots[q - base, _MISSING] = 1 if scratch[2][requests[3][q]] == 0 else 0
        if need & _DISTINCT:
            for i in range(low, high):
                if events[2][i] != _NULL:
                    scratch[2][events[3][i]] = 0


@compiled
def _enter(
    events: tuple[Ints, Ints, Ints, Ints],
    need: int,
    i: np.int64,
    work: Ints,
    queue: Ints,
    scratch: tuple[Ints, Ints, Ints],
) -> None:
    values, x = events[2], events[2][i]
    work[_COUNT] += 1
    work[_LAST_AT] = i
    if need & _SUM:
        work[_SUM_0] += x & _LIMB
        work[_SUM_1] += x >> 32
    if need & _SQUARES:
        _add_square(work, x, 1)
    if need & _EXTREMES:
        least, greatest = scratch[0], scratch[1]
        while queue[1] > queue[0] and values[least[queue[1] - 1]] >= x:
            queue[1] -= 1
        least[queue[1]] = i
        queue[1] += 1
        while queue[3] > queue[2] and values[greatest[queue[3] - 1]] <= x:
            queue[3] -= 1
        greatest[queue[3]] = i
        queue[3] += 1
    if need & _DISTINCT:
        number = events[3][i]
        if scratch[2][number] == 0:
            work[_DIFFERENT] += 1
        scratch[2][number] += 1


@compiled
def _leave(
    events: tuple[Ints, Ints, Ints, Ints], need: int, i: np.int64, work: Ints, counts: Ints
) -> None:
    x = events[2][i]
    work[_COUNT] -= 1
    if need & _SUM:
        work[_SUM_0] -= x & _LIMB
        work[_SUM_1] -= x >> 32
    if need & _SQUARES:
        _add_square(work, x, -1)
    if need & _DISTINCT:
        number = events[3][i]
        counts[number] -= 1
        if counts[number] == 0:
            work[_DIFFERENT] -= 1


@compiled
def _write(
    events: tuple[Ints, Ints, Ints, Ints],
    need: int,
    low: np.int64,
    work: Ints,
    queue: Ints,
    scratch: tuple[Ints, Ints, Ints],
    out: Ints,
) -> None:
    for word in range(_COUNT, _LOW):
        out[word] = work[word]
    out[_LOW], out[_HIGH], out[_LAST_AT], out[_LAST_VALUE] = _MOST, _NULL, _NULL, 0
    out[_DIFFERENT], out[_MISSING] = work[_DIFFERENT], 0
    if work[_COUNT] == 0:
        return
    if need & _EXTREMES:
        while scratch[0][queue[0]] < low:
            queue[0] += 1
        while scratch[1][queue[2]] < low:
            queue[2] += 1
        out[_LOW] = events[2][scratch[0][queue[0]]]
        out[_HIGH] = events[2][scratch[1][queue[2]]]
    last = work[_LAST_AT]
    out[_LAST_AT], out[_LAST_VALUE] = events[1][last], events[2][last]


@compiled
def _add_square(work: Ints, x: np.int64, sign: int) -> None:
    """Add or take away x squared: (a * 2**32 + b)**2, spread over four limbs."""
    size = np.uint64(np.int64(max(x, -x)))
    a, b = size >> np.uint64(32), size & np.uint64(_LIMB)
    aa, ab, bb, limb = a * a, a * b, b * b, np.uint64(_LIMB)
    work[_SQ_0] += sign * np.int64(bb & limb)
    work[_SQ_0 + 1] += sign * (np.int64(bb >> np.uint64(32)) + 2 * np.int64(ab & limb))
    work[_SQ_0 + 2] += sign * (2 * np.int64(ab >> np.uint64(32)) + np.int64(aa & limb))
    work[_SQ_0 + 3] += sign * np.int64(aa >> np.uint64(32))
