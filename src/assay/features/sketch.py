"""What is said about more values than are kept apart? Bounded states of whole numbers.

Each state is a sum (or maximum) over the values, so no order of arrival changes it, and all but
the registers can also take a value back. The errors stand in docs/explanation/features.md.
"""

import math

import numpy as np

from assay.features.compiled import compiled, inlined
from assay.features.layout import NULL, Ints, Word

#: Registers of the count of different values, and the ranks (1 to 53) they can hold.
REGISTERS, RANKS = 1 << 12, 53
#: Counters a row of the frequency table, and its rows.
WIDTH, ROWS = 1 << 14, 4
#: Counters of the entropy.
CELLS = 1 << 16
#: Words any of the states needs.
STATE = 1 << 16
#: 1 / (2 ln 2), the constant of the estimator for many registers.
_ALPHA = 0.7213475204444817
#: Leading bits of a magnitude that a bucket keeps apart after the first one.
_PRECISION = 7
_REAL_SHIFT = 52 - _PRECISION
#: Fraction bits of a logarithm.
LOG_BITS = 30
#: Counts from here on have no fixed-point entropy in 64 bits.
ENTROPY_MAX = 1 << 28


@inlined
def mixed(x: Word) -> np.uint64:
    """64 well-mixed bits of a value: the finaliser of SplitMix64."""
    z = np.uint64(np.int64(x)) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def register_of(x: Word) -> tuple[np.int64, np.int64]:
    """The register of a value, and its rank: leading zeros of the other 52 bits, plus one."""
    h = mixed(x)
    rest, rank = h & np.uint64((1 << 52) - 1), np.int64(1)
    while rank < RANKS and not (rest >> np.uint64(52 - rank)) & np.uint64(1):
        rank += 1
    return np.int64(h >> np.uint64(52)), rank


@compiled
def different(ranks: Ints) -> int:
    """About how many values filled the registers, from how many of them hold which rank.

    Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog sketches",
    2017): one fixed sequence of additions, multiplications and square roots. ``ranks`` has shape
    ``(RANKS + 1,)``.
    """
    m = float(REGISTERS)
    z = m * _tau(1.0 - ranks[RANKS] / m)
    for rank in range(RANKS - 1, 0, -1):
        z = 0.5 * (z + ranks[rank])
    z = z + m * _sigma(ranks[0] / m)
    return math.floor(_ALPHA * m * m / z + 0.5)


@compiled
def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y, z = 1.0, x
    while True:
        x = x * x
        before = z
        z = z + x * y
        y = y + y
        if z == before:
            return z


@compiled
def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z = 1.0, 1.0 - x
    while True:
        x = math.sqrt(x)
        before = z
        y = 0.5 * y
        z = z - (1.0 - x) * (1.0 - x) * y
        if z == before:
            return z / 3.0


@inlined
def bucket_of(x: Word, is_real: Word) -> np.int64:
    """The bucket of a value: its sign, magnitude and next seven bits; greater for greater values.

    A real comes as its order-preserving code, whose first bits are sign, exponent and fraction.
    """
    if is_real:
        return np.int64(x) >> _REAL_SHIFT
    size = np.uint64(np.int64(max(x, -x)))
    exponent = np.int64(0)
    while size >> np.uint64(exponent + _PRECISION) > np.uint64(1):
        exponent += 1
    bucket = (exponent << _PRECISION) + np.int64(size >> np.uint64(exponent))
    return bucket if x >= 0 else -bucket


@inlined
def bucket_value(bucket: Word, is_real: Word) -> np.int64:
    """The value that stands for a bucket: its middle."""
    if is_real:
        if bucket in (0, -1):
            return np.int64(0)
        return (np.int64(bucket) << _REAL_SHIFT) + (np.int64(1) << (_REAL_SHIFT - 1))
    size = np.int64(max(bucket, -bucket))
    exponent = max(np.int64(0), (size >> _PRECISION) - 1)
    low = (size - (exponent << _PRECISION)) << exponent
    middle = low + ((np.int64(1) << exponent) >> 1)
    return middle if bucket >= 0 else -middle


@inlined
def cell_of(x: Word, row: Word) -> np.int64:
    """The counter of a value in a row of the frequency table."""
    return np.int64(row) * WIDTH + np.int64(
        (mixed(x) >> np.uint64(14 * row)) & np.uint64(WIDTH - 1)
    )


@compiled
def frequency(table: Ints, at: Word, x: Word) -> np.int64:
    """About how often a value was counted: never less than it was, and rarely much more."""
    least = table[at + cell_of(x, 0)]
    for row in range(1, ROWS):
        least = min(least, table[at + cell_of(x, row)])
    return np.int64(least)


@inlined
def entropy_cell(x: Word) -> np.int64:
    """The counter of a value for the entropy above the cap."""
    return np.int64(mixed(x) >> np.uint64(48))


@compiled
def logarithm(n: Word) -> np.int64:
    """The binary logarithm of a positive count in steps of 2**-30, by squaring, cut off.

    Below the exact value by less than 2**-29.
    """
    whole = np.int64(0)
    while np.int64(n) >> (whole + 1) > 0:
        whole += 1
    found = whole
    x = np.uint64(np.int64(n)) << np.uint64(31 - whole)
    if x == np.uint64(1) << np.uint64(31):
        return whole << LOG_BITS
    for _ in range(LOG_BITS):
        x = (x * x) >> np.uint64(31)
        found <<= 1
        if x >> np.uint64(32) > np.uint64(0):
            x >>= np.uint64(1)
            found |= 1
    return found


@compiled
def surprise(count: Word) -> np.int64:
    """A count times its logarithm, in steps of 2**-30; the count is below ``ENTROPY_MAX``."""
    return np.int64(count) * logarithm(count) if count > 1 else np.int64(0)


@inlined
def is_counted(pool: Ints, masks: Word, bit: Word, values: Word, place: Word) -> bool:
    """Whether the event at a place of a lane counts."""
    return bool((bit < 0 or (pool[masks + place] >> bit) & 1 == 1) and pool[values + place] != NULL)
