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

from assay.features.compiled import compiled, inlined
from assay.features.layout import (
    COUNT,
    CURRENT,
    DIFFERENT,
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

Bytes = NDArray[np.uint8]
#: Aggregate, whether the request itself is added, whether values are codes of reals.
_How = tuple[Word, Word, Word]

# The order of assay.features.plan.AGGREGATES.
_COUNTS, _SUMS, _MEANS, _MINS, _MAXS, _STDS, _LASTS, _SINCES, _DISTINCTS = range(9)
#: How a value ended: not known, known, or beyond its exact arithmetic (and so not known).
_UNKNOWN, _KNOWN, _OVERFLOW = range(3)
#: Rows finalised feature by feature before the next ones: they stay in the first-level cache.
_TOGETHER = 64


@compiled
def finalise_vector(slots: Ints, operations: Ints, at: int, bits: Ints, known: Bytes) -> int:
    """Write one vector; returns how many values overflowed and are therefore not known."""
    overflows = 0
    for o in range(len(operations)):
        how = (operations[o, 1], operations[o, 2], operations[o, 3])
        value, ended = _finalise(slots, operations[o, 0], how, at)
        bits[o] = value
        known[o] = 1 if ended == _KNOWN else 0
        overflows += 1 if ended == _OVERFLOW else 0
    return overflows


@compiled
def finalise_rows(
    slots: Ints, operations: Ints, places: Ints, at: Ints, bits: Ints, known: Bytes
) -> int:
    """Write features of many vectors from one slot gathered for each.

    ``slots`` has shape ``(n, words)``, ``at`` ``(n,)``; ``places`` pairs a feature with the column
    of ``bits`` and ``known`` to write.
    """
    overflows = 0
    for first in range(0, len(at), _TOGETHER):
        for p in range(len(places)):
            o, column = places[p, 0], places[p, 1]
            how = (operations[o, 1], operations[o, 2], operations[o, 3])
            for r in range(first, min(first + _TOGETHER, len(at))):
                value, ended = _finalise(slots, r, how, at[r])
                bits[r, column] = value
                known[r, column] = 1 if ended == _KNOWN else 0
                overflows += 1 if ended == _OVERFLOW else 0
    return overflows


@compiled
def scatter(
    vectors: tuple[Ints, Bytes], features: Ints, rows: Ints, bits: Ints, known: Bytes
) -> None:
    """Copy parts of vectors, one per row of ``rows``, to where they belong in a frame.

    Every row of the frame is visited once, because it may lie anywhere in memory.
    """
    for r in range(len(rows)):
        row = rows[r]
        for column in range(len(features)):
            bits[row, features[column]] = vectors[0][r, column]
        for column in range(len(features)):
            known[row, features[column]] = vectors[1][r, column]


@inlined
def _finalise(slots: Ints, r: Word, how: _How, at: Word) -> tuple[Word, int]:
    """The bits of one value, 0 unless known, and how it ended."""
    n = slots[r, COUNT]
    if n < 0:
        return np.int64(0), _UNKNOWN
    aggregate = how[0]
    x = slots[r, CURRENT] if how[1] else np.int64(NULL)
    n += 1 if x != NULL else 0
    if aggregate == _COUNTS:
        return n, _KNOWN
    if aggregate == _DISTINCTS:
        missing = slots[r, MISSING] if how[1] else np.int64(0)
        return slots[r, DIFFERENT] + missing, _KNOWN
    if aggregate == _SUMS:
        high, low = _total(slots[r, SUM_0], slots[r, SUM_1], x)
        if high != np.int64(low) >> 63:
            return np.int64(0), _OVERFLOW
        return np.int64(low), _KNOWN
    if n == 0:
        return np.int64(0), _UNKNOWN
    if aggregate == _MEANS:
        high, low = _total(slots[r, SUM_0], slots[r, SUM_1], x)
        return np.float64(_quotient(high, low, n)).view(np.int64), _KNOWN
    if aggregate == _STDS:
        size = max(-_lowest(slots[r, LOW], x), _highest(slots[r, HIGH], x))
        if size > 0 and n > MOST // size:
            return np.int64(0), _OVERFLOW
        return np.float64(math.sqrt(_variance(slots, r, x, n))).view(np.int64), _KNOWN
    return _of_one_event(slots, r, how, at), _KNOWN


@inlined
def _of_one_event(slots: Ints, r: Word, how: _How, at: Word) -> Word:
    """The aggregates whose value is that of one event; there is one."""
    aggregate = how[0]
    x = slots[r, CURRENT] if how[1] else np.int64(NULL)
    if aggregate == _SINCES:
        return np.int64(at) - slots[r, LAST_AT] if x == NULL else np.int64(0)
    if aggregate == _MINS:
        value = _lowest(slots[r, LOW], x)
    elif aggregate == _MAXS:
        value = _highest(slots[r, HIGH], x)
    else:
        value = slots[r, LAST_VALUE] if x == NULL else np.int64(x)
    if how[2] and value < 0:
        value ^= MOST  # back from the order-preserving code of a real to its bits
    return value


@compiled
def _lowest(low: Word, x: Word) -> Word:
    return low if x == NULL else min(low, x)


@compiled
def _highest(high: Word, x: Word) -> Word:
    return max(high, x)


@compiled
def _total(low: Word, high: Word, x: Word) -> tuple[np.int64, np.uint64]:
    """The sum of limbs, with x, as a 128-bit two's complement (high, low)."""
    if x != NULL:
        low, high = low + (x & LIMB), high + (x >> 32)
    shifted = np.uint64(np.int64(high)) << np.uint64(32)
    total = shifted + np.uint64(np.int64(low))
    return np.int64(high >> 32) + np.int64(total < shifted), total


@compiled
def _quotient(high: np.int64, low: np.uint64, n: Word) -> float:
    """A signed 128-bit sum over a count, correctly rounded."""
    if high >= 0:
        return _divide(np.uint64(high), low, np.uint64(n))
    low = ~low + np.uint64(1)
    upper = np.uint64(~high) + (np.uint64(1) if low == np.uint64(0) else np.uint64(0))
    return -_divide(upper, low, np.uint64(n))


@compiled
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
    return _divide(high, low - square, np.uint64(np.int64(n)) * np.uint64(np.int64(n)))


@compiled
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


@compiled
def _divide(high: np.uint64, low: np.uint64, d: np.uint64) -> float:
    """A 128-bit whole number over one below 2**63, rounded to the nearest double, ties to even.

    55 or 56 bits of the quotient come from long division; what is left over only breaks ties.
    """
    exact = np.uint64(1 << 53)
    if high == np.uint64(0) and low < exact and d < exact:
        return float(low) / float(d)
    size = _size(high) + 64 if high > np.uint64(0) else _size(low)
    steps = 55 + _size(d)
    taken = min(_size(d) - 1, size)
    rest = _shifted(high, low, size - taken)
    q = np.uint64(0)
    for i in range(taken, steps):
        at = size - 1 - i
        bit = _shifted(high, low, at) & np.uint64(1) if at >= 0 else np.uint64(0)
        rest = (rest << np.uint64(1)) | bit
        q <<= np.uint64(1)
        if rest >= d:
            rest -= d
            q |= np.uint64(1)
    dropped = size - steps
    if rest != np.uint64(0) or (dropped > 0 and _any_below(high, low, dropped)):
        q |= np.uint64(1)
    extra = np.uint64(_size(q) - 53)
    half = np.uint64(1) << (extra - np.uint64(1))
    below = q & ((half << np.uint64(1)) - np.uint64(1))
    q >>= extra
    if below > half or (below == half and (q & np.uint64(1)) == np.uint64(1)):
        q += np.uint64(1)
    return math.ldexp(float(q), int(np.int64(extra) + size - steps))


@compiled
def _size(x: np.uint64) -> int:
    """Bits of a number: 0 for 0, 1 for 1, 3 for 4."""
    size = 0
    for step in (32, 16, 8, 4, 2, 1):
        if x >> np.uint64(step) > np.uint64(0):
            x >>= np.uint64(step)
            size += step
    return size + int(x)


@compiled
def _shifted(high: np.uint64, low: np.uint64, by: Word) -> np.uint64:
    """The low 64 bits of ``(high, low) >> by`` for ``by`` from 0 to 127."""
    if by >= 64:
        return high >> np.uint64(by - 64)
    if by == 0:
        return low
    return (low >> np.uint64(by)) | (high << np.uint64(64 - by))


@compiled
def _any_below(high: np.uint64, low: np.uint64, bits: Word) -> bool:
    """Whether any of the lowest ``bits`` (1 to 127) bits is set."""
    if bits >= 64:
        if low != np.uint64(0):
            return True
        return bool(high & ((np.uint64(1) << np.uint64(bits - 64)) - np.uint64(1)) != np.uint64(0))
    return bool(low & ((np.uint64(1) << np.uint64(bits)) - np.uint64(1)) != np.uint64(0))
