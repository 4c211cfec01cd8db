"""What do the values of a window themselves say? Quantiles, most frequent values, entropy.

Up to the cap from the values in order, above it from a bounded state (``sketch``). A lane comes
with the span of its window, wherever it lies: in a slab of the arena, or in one sorted column.
"""

import numpy as np

from assay.features.compiled import compiled
from assay.features.divide import divide
from assay.features.layout import (
    AGGREGATE,
    BLOCK,
    CAP,
    COUNT,
    DISTINCTS,
    ENTROPIES,
    IS_REAL,
    NTHS,
    NULL,
    OWN,
    PERMILLE,
    QUANTILES,
    SAMPLE_WORDS,
    TOP_COUNTS,
    TOPS,
    WORD_AT,
    Ints,
    K,
    LaneAt,
    Word,
)
from assay.features.sketch import (
    CELLS,
    ENTROPY_MAX,
    LOG_BITS,
    RANKS,
    REGISTERS,
    ROWS,
    STATE,
    bucket_of,
    bucket_value,
    cell_of,
    different,
    entropy_cell,
    frequency,
    is_counted,
    register_of,
    surprise,
)

#: Longest run that is sorted by insertion before runs are merged.
_RUN = 16
#: Buckets a coarse counter holds, as a shift, and coarse counters on either side of zero.
FINE, SIDE = 7, 1 << 11
#: Room that the most frequent values need, whatever the cap.
_ROOM = 256


def work_words(cap: int) -> int:
    """Words of the work space for features with that cap or less."""
    return 2 * max(cap + 1, _ROOM) + STATE


@compiled
def sample(
    pool: Ints, place: LaneAt, span: tuple[Word, Word], plan: Ints, at: tuple[Word, Word],
    slot: tuple[Ints, Word, Word], work: Ints,
) -> None:  # fmt: skip
    """Write the values that a slot's samples ask for; ``NULL`` for one that is not known.

    ``at`` says where in ``plan`` the samples stand, and how many; those that add the request's own
    value come last. ``slot`` is an array, where the slot starts in it, and the request's own value.
    ``work`` has ``work_words`` of the greatest cap.
    """
    out, w, own = slot
    n, held = out[w + COUNT], np.int64(-1)
    for s in range(at[0], at[0] + at[1] * SAMPLE_WORDS, SAMPLE_WORDS):
        x = own if plan[s + OWN] else np.int64(NULL)
        count, what = n + (1 if x != NULL else 0), plan[s + AGGREGATE]
        word = w + plan[s + WORD_AT]
        if what == NTHS:
            out[word] = _nth(pool, place, span, plan[s + K], x)
        elif count > plan[s + CAP]:
            out[word] = _above(pool, place, span, (plan, s), (count, x), work)
            held = np.int64(-1)
        elif what != DISTINCTS:
            if held < 0:
                held = sorted_values(pool, place, span, work)
            if held < count:
                insert_sorted(work, held, x)
                held = count
            out[word] = of_sorted(work, count, (plan, s))


@compiled
def of_sorted(work: Ints, n: Word, op: tuple[Ints, Word]) -> np.int64:
    """One value from ``n`` sorted ones."""
    plan, s = op
    what = plan[s + AGGREGATE]
    if what == QUANTILES:
        return np.int64(NULL) if n == 0 else work[nearest_rank(plan[s + PERMILLE], n) - 1]
    if what == ENTROPIES:
        return _entropy_of_runs(work, n)
    return most_frequent(work, n, (work, n, -1), op)


@compiled
def _above(
    pool: Ints, place: LaneAt, span: tuple[Word, Word], op: tuple[Ints, Word],
    more: tuple[Word, Word], work: Ints,
) -> np.int64:  # fmt: skip
    """One value from a bounded state; ``more`` is the count and the request's own value."""
    plan, s = op
    count, x = more
    what, state = plan[s + AGGREGATE], len(work) - STATE
    if what == QUANTILES:
        rank = nearest_rank(plan[s + PERMILLE], count)
        return _quantile_above(pool, place, span, (rank, x, plan[s + IS_REAL]), work)
    if what == DISTINCTS:
        return _different_above(pool, place, span, x, work)
    if what == ENTROPIES:
        return _entropy_above(pool, place, span, (count, x), work)
    work[state : state + WIDE] = 0
    kept = np.int64(0)
    if x != NULL:
        _count_frequency(work, state, x)
        work[0], kept = x, np.int64(1)
    for i in range(span[1] - 1, span[0] - 1, -1):
        if is_counted(pool, place[1], place[2], place[3], i):
            v = pool[place[3] + i]
            _count_frequency(work, state, v)
            if kept < plan[s + CAP]:
                work[kept] = v
                kept += 1
    sort(work, kept, state // 2)
    return most_frequent(work, kept, (work, count, state), op)


WIDE = ROWS << 14


@compiled
def _count_frequency(work: Ints, state: Word, x: Word) -> None:
    """Count a value in every row of the frequency table."""
    for row in range(ROWS):
        work[state + cell_of(x, row)] += 1


@compiled
def most_frequent(
    work: Ints, n: Word, among: tuple[Ints, Word, Word], op: tuple[Ints, Word]
) -> np.int64:
    """The k most frequent of ``n`` sorted values: the k-th, its count, or the share of all k.

    ``among`` has the frequency table, the count of all, and where the table stands in what holds
    it (-1: there is none, count the runs).
    """
    plan, s = op
    k, best, found = plan[s + K], (len(work) - STATE) // 2, np.int64(0)
    first = np.int64(0)
    while first < n:
        x, stop = work[first], first + 1
        while stop < n and work[stop] == x:
            stop += 1
        times = stop - first if among[2] < 0 else frequency(among[0], among[2], x)
        first = stop
        if found == k and times <= work[best + 2 * k - 2]:
            continue
        at = found if found < k else k - 1
        found = at + 1
        while at > 0 and work[best + 2 * at - 2] < times:
            work[best + 2 * at], work[best + 2 * at + 1] = (
                work[best + 2 * at - 2],
                work[best + 2 * at - 1],
            )
            at -= 1
        work[best + 2 * at], work[best + 2 * at + 1] = times, x
    if plan[s + AGGREGATE] == TOP_COUNTS:
        return work[best + 2 * k - 2] if found == k else np.int64(0)
    if plan[s + AGGREGATE] == TOPS:
        return work[best + 2 * k - 1] if found == k else np.int64(NULL)
    if found == 0:
        return np.int64(NULL)
    total = np.int64(0)
    for i in range(found):
        total += work[best + 2 * i]
    return np.float64(float(min(total, among[1])) / float(among[1])).view(np.int64)


@compiled
def _entropy_of_runs(work: Ints, n: Word) -> np.int64:
    """The entropy of ``n`` sorted values."""
    first, used = np.int64(0), np.int64(0)
    while first < n:
        stop = first + 1
        while stop < n and work[stop] == work[first]:
            stop += 1
        used += surprise(stop - first)
        first = stop
    return entropy_bits(n, used)


@compiled
def entropy_bits(n: Word, used: Word) -> np.int64:
    """The double ``(n log n - sum of c log c) / n`` in bits, rounded once; ``NULL`` if unknown."""
    if n == 0 or n >= ENTROPY_MAX:
        return np.int64(NULL)
    left = np.uint64(np.int64(surprise(n) - used))
    if left == np.uint64(0):
        return np.int64(0)
    bits = divide(np.uint64(0), left, np.uint64(np.int64(n) << LOG_BITS))
    return np.float64(bits).view(np.int64)


@compiled
def _entropy_above(
    pool: Ints, place: LaneAt, span: tuple[Word, Word], more: tuple[Word, Word], work: Ints
) -> np.int64:
    state, used = len(work) - STATE, np.int64(0)
    if more[0] >= ENTROPY_MAX:
        return np.int64(NULL)
    work[state : state + CELLS] = 0
    if more[1] != NULL:
        work[state + entropy_cell(more[1])] += 1
    for i in range(span[0], span[1]):
        if is_counted(pool, place[1], place[2], place[3], i):
            work[state + entropy_cell(pool[place[3] + i])] += 1
    for cell in range(CELLS):
        used += surprise(work[state + cell])
    return entropy_bits(more[0], used)


@compiled
def _different_above(
    pool: Ints, place: LaneAt, span: tuple[Word, Word], x: Word, work: Ints
) -> np.int64:
    state = len(work) - STATE
    work[state : state + REGISTERS] = 0
    if x != NULL:
        own = register_of(x)
        work[state + own[0]] = own[1]
    for i in range(span[0], span[1]):
        if is_counted(pool, place[1], place[2], place[3], i):
            register, rank = register_of(pool[place[3] + i])
            if rank > work[state + register]:
                work[state + register] = rank
    ranks = work[: RANKS + 1]
    ranks[:] = 0
    for place_of_rank in range(state, state + REGISTERS):
        ranks[work[place_of_rank]] += 1
    return np.int64(different(ranks))


@compiled
def _quantile_above(
    pool: Ints, place: LaneAt, span: tuple[Word, Word], ask: tuple[Word, Word, Word], work: Ints
) -> np.int64:
    """The bucket that holds a rank, found in two passes: 128 buckets at a time, then one."""
    rank, x, is_real = ask
    state = len(work) - STATE
    wanted, fine = np.int64(0), False
    for _ in range(2):
        width = (1 << FINE) if fine else 2 * SIDE
        work[state : state + width] = 0
        for i in range(span[0], span[1] + 1):
            if i == span[1]:
                if x == NULL:
                    continue
                bucket = bucket_of(x, is_real)
            elif is_counted(pool, place[1], place[2], place[3], i):
                bucket = bucket_of(pool[place[3] + i], is_real)
            else:
                continue
            if not fine:
                work[state + (bucket >> FINE) + SIDE] += 1
            elif bucket >> FINE == wanted:
                work[state + bucket - (wanted << FINE)] += 1
        at = np.int64(0)
        while rank > work[state + at]:
            rank -= work[state + at]
            at += 1
        if fine:
            return bucket_value((wanted << FINE) + at, is_real)
        wanted, fine = at - SIDE, True
    return np.int64(NULL)


@compiled
def nearest_rank(permille: Word, n: Word) -> np.int64:
    """The nearest rank, from 1 to n."""
    return (np.int64(permille) * np.int64(n) + 999) // 1000


@compiled
def _nth(pool: Ints, place: LaneAt, span: tuple[Word, Word], k: Word, x: Word) -> np.int64:
    """The k-th newest value, the request's own first; blocks that cannot hold it are skipped."""
    left = np.int64(k)
    if x != NULL:
        if left == 1:
            return np.int64(x)
        left -= 1
    i = np.int64(span[1]) - 1
    while i >= span[0]:
        if place[5] > 0 and (i + 1) % BLOCK == 0 and i + 1 - BLOCK >= span[0]:
            counted = pool[place[4] + i // BLOCK * place[5] + COUNT]
            if counted < left:
                left -= counted
                i -= BLOCK
                continue
        if is_counted(pool, place[1], place[2], place[3], i):
            left -= 1
            if left == 0:
                return np.int64(pool[place[3] + i])
        i -= 1
    return np.int64(NULL)


@compiled
def sorted_values(pool: Ints, place: LaneAt, span: tuple[Word, Word], work: Ints) -> np.int64:
    """Copy the counted values of a span and sort them; returns how many there are."""
    kept = np.int64(0)
    for i in range(span[0], span[1]):
        if is_counted(pool, place[1], place[2], place[3], i):
            work[kept] = pool[place[3] + i]
            kept += 1
    sort(work, kept, (len(work) - STATE) // 2)
    return kept


@compiled
def insert_sorted(work: Ints, n: Word, x: Word) -> None:
    """Put a value among ``n`` that are in order."""
    at = np.int64(n)
    while at > 0 and work[at - 1] > x:
        work[at] = work[at - 1]
        at -= 1
    work[at] = x


@compiled
def sort(work: Ints, n: Word, room: Word) -> None:
    """Sort the first ``n`` words by merging, with room for as many at ``room``.

    Its work is bounded whatever the values are: whoever chooses them cannot slow it down.
    """
    for first in range(0, n, _RUN):
        for i in range(first + 1, min(first + _RUN, n)):
            x, at = work[i], np.int64(i)
            while at > first and work[at - 1] > x:
                work[at] = work[at - 1]
                at -= 1
            work[at] = x
    width = np.int64(_RUN)
    while width < n:
        for i in range(n):
            work[room + i] = work[i]
        for first in range(0, n, 2 * width):
            middle, stop = min(first + width, n), min(first + 2 * width, n)
            left, right = first, middle
            for i in range(first, stop):
                if left < middle and (right >= stop or work[room + left] <= work[room + right]):
                    work[i] = work[room + left]
                    left += 1
                else:
                    work[i] = work[room + right]
                    right += 1
        width *= 2
