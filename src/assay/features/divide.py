"""What is a 128-bit whole number over a 64-bit one, rounded once? Long division, bit for bit."""

import math

import numpy as np

from assay.features.compiled import compiled
from assay.features.layout import LIMB, Word


@compiled
def quotient(high: np.int64, low: np.uint64, n: Word) -> float:
    """A signed 128-bit sum over a count, correctly rounded."""
    if high >= 0:
        return divide(np.uint64(high), low, np.uint64(n))
    low = ~low + np.uint64(1)
    upper = np.uint64(~high) + (np.uint64(1) if low == np.uint64(0) else np.uint64(0))
    return -divide(upper, low, np.uint64(n))


@compiled
def product(a: Word, b: Word) -> tuple[np.int64, np.uint64]:
    """A signed 64-bit number times one of 0 to 2**63 - 1: 128 bits (high, low)."""
    negative, size = a < 0, np.uint64(np.int64(max(a, -a)))
    x, y, limb, half = size, np.uint64(np.int64(b)), np.uint64(LIMB), np.uint64(32)
    low = (x & limb) * (y & limb)
    first, second = (x >> half) * (y & limb), (x & limb) * (y >> half)
    middle = (low >> half) + (first & limb) + (second & limb)
    high = (x >> half) * (y >> half) + (first >> half) + (second >> half) + (middle >> half)
    low = (middle << half) | (low & limb)
    if negative:
        low = ~low + np.uint64(1)
        high = ~high + (np.uint64(1) if low == np.uint64(0) else np.uint64(0))
    return np.int64(high), low


@compiled
def divide(high: np.uint64, low: np.uint64, d: np.uint64) -> float:
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
