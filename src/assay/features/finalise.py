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

from assay.features.compiled import compiled

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
#: Python sees either kind of integer, the compiled code only the second.
Word = int | np.int64

# The layout of a gathered slot, as in assay.features.kernel.
_COUNT, _SUM_0, _SUM_1, _SQ_0, _LOW, _HIGH, _LAST_AT, _LAST_VALUE = 0, 1, 2, 3, 7, 8, 9, 10
_DIFFERENT, _MISSING, _CURRENT = 11, 12, 13
_NULL, _MOST, _LIMB = -(2**63), 2**63 - 1, 0xFFFFFFFF
# The order of assay.features.plan.AGGREGATES.
_COUNTS, _SUMS, _MEANS, _MINS, _MAXS, _STDS, _LASTS, _SINCES, _DISTINCTS = range(9)
#: Limbs of a sum of squares.
_WORK = 4


@compiled
def finalise_vector(slots: Ints, operations: Ints, at: int, bits: Ints, known: Bytes) -> int:
    """Write one vector; returns how many values overflowed and are therefore not known."""
    overflows: Word = 0
    work = np.empty(_WORK, np.int64)
    for o in range(len(operations)):
        slot = operations[o, 0]
        overflows += _finalise(slots[slot], operations[o], at, work, bits, known, o)
    return int(overflows)


@compiled
def finalise_rows(
    slots: Ints, operations: Ints, places: Ints, at: Ints, out: Ints, bits: Ints, known: Bytes
) -> int:
    """Write the features ``places`` of many vectors from one slot gathered for each.

    ``slots`` has shape ``(n, words)``, ``at`` and ``out`` (the row of ``bits`` to write) ``(n,)``.
    """
    overflows: Word = 0
    work = np.empty(_WORK, np.int64)
    for r in range(len(at)):
        for p in range(len(places)):
            o = places[p]
            row = out[r]
            overflows += _finalise(slots[r], operations[o], at[r], work, bits[row], known[row], o)
    return int(overflows)


@compiled
def _finalise(
    slot: Ints, operation: Ints, at: Word, work: Ints, bits: Ints, known: Bytes, o: Word
) -> Word:
    bits[o], known[o] = 0, 0
    if slot[_COUNT] < 0:
        return 0
    aggregate, x = operation[1], slot[_CURRENT] if operation[2] else np.int64(_NULL)
    n = slot[_COUNT] + (1 if x != _NULL else 0)
    reals = bits.view(np.float64)
    if aggregate == _COUNTS:
        bits[o] = n
    elif aggregate == _DISTINCTS:
        bits[o] = slot[_DIFFERENT] + (slot[_MISSING] if operation[2] else 0)
    elif aggregate == _SUMS:
        high, low = _total(slot, x)
        if high != np.int64(low) >> 63:
            return 1
        bits[o] = np.int64(low)
    elif n == 0:
        return 0
    elif aggregate == _MEANS:
        high, low = _total(slot, x)
        reals[o] = _quotient(high, low, n)
    elif aggregate == _STDS:
        size = max(-_lowest(slot, x), _highest(slot, x))
        if size > 0 and n > _MOST // size:
            return 1
        reals[o] = math.sqrt(_variance(slot, x, n, work))
    else:
        return _finalise_one(slot, operation, at, x, bits, known, o)
    known[o] = 1
    return 0


@compiled
def _finalise_one(
    slot: Ints, operation: Ints, at: Word, x: Word, bits: Ints, known: Bytes, o: Word
) -> Word:
    """The aggregates whose value is that of one event."""
    aggregate = operation[1]
    value: Word
    if aggregate == _MINS:
        value = _lowest(slot, x)
    elif aggregate == _MAXS:
        value = _highest(slot, x)
    elif aggregate == _LASTS:
        value = slot[_LAST_VALUE] if x == _NULL else np.int64(x)
    else:
        value = np.int64(at) - slot[_LAST_AT] if x == _NULL else np.int64(0)
    if operation[3] and aggregate != _SINCES and value < 0:
        value ^= _MOST  # back from the order-preserving code of a real to its bits
    bits[o], known[o] = value, 1
    return 0


@compiled
def _lowest(slot: Ints, x: Word) -> Word:
    return np.int64(slot[_LOW] if x == _NULL else min(slot[_LOW], np.int64(x)))


@compiled
def _highest(slot: Ints, x: Word) -> Word:
    return np.int64(max(slot[_HIGH], np.int64(x)))


@compiled
def _total(slot: Ints, x: Word) -> tuple[np.int64, np.uint64]:
    """The sum as a 128-bit two's complement (high, low)."""
    low, high = slot[_SUM_0], slot[_SUM_1]
    if x != _NULL:
        low, high = low + (x & _LIMB), high + (x >> 32)
    shifted = np.uint64(high) << np.uint64(32)
    total = shifted + np.uint64(low)
    return (high >> 32) + (1 if total < shifted else 0), total


@compiled
def _quotient(high: np.int64, low: np.uint64, n: Word) -> float:
    """A signed 128-bit sum over a count, correctly rounded."""
    if high >= 0:
        return _divide(np.uint64(high), low, np.uint64(n))
    low = ~low + np.uint64(1)
    upper = np.uint64(~high) + (np.uint64(1) if low == np.uint64(0) else np.uint64(0))
    return -_divide(upper, low, np.uint64(n))


@compiled
def _variance(slot: Ints, x: Word, n: Word, limbs: Ints) -> float:
    """``(n * squares - sum**2) / n**2`` rounded once; the caller has bounded every part."""
    for i in range(4):
        limbs[i] = slot[_SQ_0 + i]
    if x != _NULL:
        size = np.uint64(np.int64(max(x, -x)))
        a, b = size >> np.uint64(32), size & np.uint64(_LIMB)
        ab = a * b
        limbs[0] += np.int64((b * b) & np.uint64(_LIMB))
        limbs[1] += np.int64((b * b) >> np.uint64(32)) + 2 * np.int64(ab & np.uint64(_LIMB))
        limbs[2] += 2 * np.int64(ab >> np.uint64(32)) + np.int64((a * a) & np.uint64(_LIMB))
        limbs[3] += np.int64((a * a) >> np.uint64(32))
    carry, product = np.int64(0), np.uint64(0)
    for i in range(4):
        carry += limbs[i]
        limbs[i] = carry & _LIMB
        carry >>= 32
    for i in range(4):
        product += np.uint64(limbs[i]) * np.uint64(n)
        limbs[i] = np.int64(product & np.uint64(_LIMB))
        product >>= np.uint64(32)
    low = np.uint64(limbs[0]) | np.uint64(limbs[1]) << np.uint64(32)
    high = np.uint64(limbs[2]) | np.uint64(limbs[3]) << np.uint64(32)
    total = np.uint64(abs(np.int64(_total(slot, x)[1])))
    a, b = total >> np.uint64(32), total & np.uint64(_LIMB)
    middle = a * b
    square = b * b + (middle << np.uint64(33))
    high -= a * a + (middle >> np.uint64(31))
    high -= np.uint64(1) if square < b * b else np.uint64(0)
    high -= np.uint64(1) if low < square else np.uint64(0)
    return _divide(high, low - square, np.uint64(n) * np.uint64(n))


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
def _size(x: np.uint64) -> Word:
    """Bits of a number: 0 for 0, 1 for 1, 3 for 4."""
    size = 0
    while x > np.uint64(0):
        size += 1
        x >>= np.uint64(1)
    return size


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
