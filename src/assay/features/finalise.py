"""How does a gathered slot become a value? One fixed sequence per aggregate, for every path.

Sums, counts and extremes are whole numbers. A mean is the exact sum over the exact count, rounded
once to the nearest double (ties to even). A std is the population's: the square root, rounded
once, of ``(n * sum of squares - sum**2) / n**2``, itself computed in whole numbers and rounded
once. In Python: ``mean = total / n`` and ``std = math.sqrt((n * squares - total**2) / n**2)``
with ints, whose ``/`` rounds correctly.
"""

import math

import numpy as np
from numpy.typing import NDArray

from assay.features.compiled import borrowing, inlined
from assay.features.divide import divide, quotient
from assay.features.layout import (
    COUNT,
    COUNTS,
    CURRENT,
    DIFFERENT,
    DISTINCTS,
    ENTROPIES,
    FIRST_AT,
    FIRST_VALUE,
    HIGH,
    LAST_AT,
    LAST_VALUE,
    LASTS,
    LIMB,
    LOW,
    MAXS,
    MEANS,
    MINS,
    MISSING,
    MOST,
    NTHS,
    NULL,
    QUANTILES,
    SINCE_FIRSTS,
    SINCES,
    SQ_0,
    STDS,
    SUM_0,
    SUM_1,
    SUMS,
    TOPS,
    VARIANCES,
    Ints,
    Word,
)
from assay.features.placed import AT, TARGET

Bytes = NDArray[np.uint8]
#: Up to here, in either direction, every whole number is a double.
EXACT = 1 << 53
#: Aggregate, whether the request itself is added, whether values are codes of reals, the oldest
#: age of the newest event (0: any), the word of a sample, the cap.
_How = tuple[Word, Word, Word, Word, Word, Word]

#: How a value ended: not known, known, or beyond its exact arithmetic (and so not known).
_UNKNOWN, _KNOWN, _OVERFLOW = range(3)


@inlined
def _how(operations: Ints, o: Word) -> _How:
    return (
        operations[o, 1], operations[o, 2], operations[o, 3],
        operations[o, 4], operations[o, 5], operations[o, 6],
    )  # fmt: skip


@borrowing
def finalise_vector(slots: Ints, operations: Ints, at: int, bits: Ints, known: Bytes) -> int:
    """Write one vector; returns how many values overflowed and are therefore not known."""
    overflows = 0
    for o in range(len(operations)):
        how = _how(operations, o)
        value, ended = _finalise(slots, operations[o, 0], how, at)
        bits[o] = value
        known[o] = 1 if ended == _KNOWN else 0
        overflows += 1 if ended == _OVERFLOW else 0
    return overflows


@borrowing
def finalise_rows(
    slots: Ints,
    features: Ints,
    which: tuple[Word, Word],
    asks: Ints,
    asked: tuple[Word, Word],
    bits: Ints,
    known: Bytes,
) -> int:
    """Write some features of many requests, whose slot was gathered for each of them.

    ``features`` hold what an operation does after its slot, and the column to write; ``which`` are
    the first and the one to stop before. ``asked`` is the first of the requests and how many. The
    usual aggregates have loops of their own, which need not ask for each value which it is.
    """
    overflows = 0
    for f in range(which[0], which[1]):
        plain = not (features[f, 1] or features[f, 2] or features[f, 3])
        if plain and features[f, 0] in (COUNTS, SUMS, MEANS, MAXS):
            to = (features[f, 0], *asked, features[f, 6])
            overflows += _finalise_plain(slots, to, asks, bits, known)
            continue
        how = (
            features[f, 0], features[f, 1], features[f, 2],
            features[f, 3], features[f, 4], features[f, 5],
        )  # fmt: skip
        for q in range(asked[1]):
            row, column = asks[asked[0] + q, TARGET], features[f, 6]
            value, ended = _finalise(slots, q, how, asks[asked[0] + q, AT])
            bits[row, column], known[row, column] = value, 1 if ended == _KNOWN else 0
            overflows += 1 if ended == _OVERFLOW else 0
    return overflows


@inlined
def _finalise_plain(
    slots: Ints, to: tuple[Word, Word, Word, Word], asks: Ints, bits: Ints, known: Bytes
) -> int:
    """A count, sum, mean or maximum of whole numbers without the request's own."""
    (aggregate, first, count, column), overflows, none = to, 0, np.int64(NULL)
    if aggregate == COUNTS:
        for q in range(count):
            row = asks[first + q, TARGET]
            bits[row, column], known[row, column] = slots[q, COUNT], 1
    elif aggregate == SUMS:
        for q in range(count):
            row, (value, ended) = asks[first + q, TARGET], _sum(slots, q, none)
            bits[row, column], known[row, column] = value, 1 if ended == _KNOWN else 0
            overflows += 1 if ended == _OVERFLOW else 0
    elif aggregate == MEANS:
        for q in range(count):
            row, n = asks[first + q, TARGET], slots[q, COUNT]
            bits[row, column] = _mean(slots, q, none, n) if n > 0 else np.int64(0)
            known[row, column] = 1 if n > 0 else 0
    else:
        for q in range(count):
            row, n = asks[first + q, TARGET], slots[q, COUNT]
            bits[row, column] = slots[q, HIGH] if n > 0 else np.int64(0)
            known[row, column] = 1 if n > 0 else 0
    return overflows


@inlined
def _sum(slots: Ints, r: Word, x: Word) -> tuple[Word, int]:
    high, low = _total(slots[r, SUM_0], slots[r, SUM_1], x)
    if high != np.int64(low) >> 63:
        return np.int64(0), _OVERFLOW
    return np.int64(low), _KNOWN


@inlined
def _mean(slots: Ints, r: Word, x: Word, n: Word) -> Word:
    high, low = _total(slots[r, SUM_0], slots[r, SUM_1], x)
    total = np.int64(low)
    if high == total >> 63 and -EXACT <= total <= EXACT and n <= EXACT:
        # Both are doubles as they are: one division rounds once.
        return np.float64(float(total) / float(n)).view(np.int64)
    return np.float64(quotient(high, low, n)).view(np.int64)


@inlined
def _finalise(slots: Ints, r: Word, how: _How, at: Word) -> tuple[Word, int]:
    """The bits of one value, 0 unless known, and how it ended."""
    n = slots[r, COUNT]
    if n < 0:
        return np.int64(0), _UNKNOWN
    aggregate = how[0]
    x = slots[r, CURRENT] if how[1] else np.int64(NULL)
    if how[3] and x == NULL and slots[r, LAST_AT] < at - how[3]:
        return np.int64(0), _UNKNOWN
    n += 1 if x != NULL else 0
    if aggregate == COUNTS:
        return n, _KNOWN
    if aggregate == SUMS:
        return _sum(slots, r, x)
    if aggregate == DISTINCTS or aggregate >= NTHS:
        return _of_values(slots, r, how, n)
    if n == 0:
        return np.int64(0), _UNKNOWN
    if aggregate == MEANS:
        return _mean(slots, r, x, n), _KNOWN
    if aggregate in (STDS, VARIANCES):
        return _spread(slots, r, (x, n), aggregate)
    return _of_one_event(slots, r, how, at), _KNOWN


@inlined
def _spread(slots: Ints, r: Word, added: tuple[Word, Word], aggregate: Word) -> tuple[Word, int]:
    """A variance or its root; ``added`` is the request's own value, and the count with it."""
    x, n = added
    size = max(-_lowest(slots[r, LOW], x), _highest(slots[r, HIGH], x))
    if size > 0 and n > MOST // size:
        return np.int64(0), _OVERFLOW
    found = _variance(slots, r, x, n)
    if aggregate == STDS:
        found = math.sqrt(found)
    return np.float64(found).view(np.int64), _KNOWN


@inlined
def _of_values(slots: Ints, r: Word, how: _How, n: Word) -> tuple[Word, int]:
    """The aggregates that stand ready in a word of their own, or as a count of different values."""
    aggregate = how[0]
    if aggregate == DISTINCTS and n <= how[5]:
        return slots[r, DIFFERENT] + (slots[r, MISSING] if how[1] else np.int64(0)), _KNOWN
    word = slots[r, how[4]]
    if word == NULL:
        # The values of a window that has some are only lost when they are too many.
        return np.int64(0), _OVERFLOW if aggregate == ENTROPIES and n > 0 else _UNKNOWN
    picked = aggregate in (NTHS, QUANTILES, TOPS)
    return _uncoded(word, how[2] if picked else np.int64(0)), _KNOWN


@inlined
def _of_one_event(slots: Ints, r: Word, how: _How, at: Word) -> Word:
    """The aggregates whose value is that of one event; there is one."""
    aggregate = how[0]
    x = slots[r, CURRENT] if how[1] else np.int64(NULL)
    if aggregate == SINCES:
        return np.int64(at) - slots[r, LAST_AT] if x == NULL else np.int64(0)
    if aggregate == SINCE_FIRSTS:
        return np.int64(at) - slots[r, FIRST_AT] if slots[r, FIRST_AT] != NULL else np.int64(0)
    if aggregate == MINS:
        value = _lowest(slots[r, LOW], x)
    elif aggregate == MAXS:
        value = _highest(slots[r, HIGH], x)
    elif aggregate == LASTS:
        value = slots[r, LAST_VALUE] if x == NULL else np.int64(x)
    else:
        value = slots[r, FIRST_VALUE] if slots[r, FIRST_AT] != NULL else np.int64(x)
    return _uncoded(value, how[2])


@inlined
def _uncoded(value: Word, is_real: Word) -> Word:
    """Back from the order-preserving code of a real to its bits."""
    return value ^ MOST if is_real and value < 0 else np.int64(value)


@borrowing
def _lowest(low: Word, x: Word) -> Word:
    return low if x == NULL else min(low, x)


@borrowing
def _highest(high: Word, x: Word) -> Word:
    return max(high, x)


@borrowing
def _total(low: Word, high: Word, x: Word) -> tuple[np.int64, np.uint64]:
    """The sum of limbs, with x, as a 128-bit two's complement (high, low)."""
    if x != NULL:
        low, high = low + (x & LIMB), high + (x >> 32)
    shifted = np.uint64(np.int64(high)) << np.uint64(32)
    total = shifted + np.uint64(np.int64(low))
    return np.int64(high >> 32) + np.int64(total < shifted), total


@borrowing
def _variance(slots: Ints, r: Word, x: Word, n: Word) -> float:
    """``(n * squares - sum**2) / n**2`` rounded once; the caller has bounded every part."""
    high, low = _times(slots, r, x, np.uint64(np.int64(n)))
    total = np.int64(_total(slots[r, SUM_0], slots[r, SUM_1], x)[1])
    size = np.uint64(np.int64(max(total, -total)))
    a, b = size >> np.uint64(32), size & np.uint64(LIMB)
    middle = a * b
    square = b * b + (middle << np.uint64(33))
    high -= a * a + (middle >> np.uint64(31))
    high -= np.uint64(1) if square < b * b else np.uint64(0)
    high -= np.uint64(1) if low < square else np.uint64(0)
    return divide(high, low - square, np.uint64(np.int64(n)) * np.uint64(np.int64(n)))


@borrowing
def _times(slots: Ints, r: Word, x: Word, n: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The sum of squares, with that of x, times n: 128 bits (high, low); n below 2**31."""
    limb, half = np.uint64(LIMB), np.uint64(32)
    size = np.uint64(0) if x == NULL else np.uint64(np.int64(max(x, -x)))
    a, b = size >> half, size & limb
    own = (
        (b * b) & limb,
        ((b * b) >> half) + np.uint64(2) * ((a * b) & limb),
        np.uint64(2) * ((a * b) >> half) + ((a * a) & limb),
        (a * a) >> half,
    )
    carry, product, low, high = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    for i in range(4):
        carry += np.uint64(slots[r, SQ_0 + i]) + own[i]
        product += (carry & limb) * n
        carry >>= half
        if i < 2:
            low |= (product & limb) << np.uint64(32 * i)
        else:
            high |= (product & limb) << np.uint64(32 * (i - 2))
        product >>= half
    return high, low
