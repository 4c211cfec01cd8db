"""Where does the simulator's chance come from, so that every machine draws the same world?

Two sources, both made of integers only:

* ``Draws``: a stream of PCG64 words seeded by ``SeedSequence(seed, spawn_key=path)``. numpy
  promises that the words of a bit generator and the hashing of a seed sequence never change
  (NEP 19); it does *not* promise that for the methods of ``Generator``, so none is used.
* ``hashed``: a keyed 64-bit mix of an entity's number. A trait of a user is a function of the
  user, not a row of a table, so the world's memory does not grow with its population.

Everything after the words is shifts, products below 2**63, comparisons and table look-ups on
64-bit integers, which C, numpy and every processor define alike. No float, no logarithm and no
exponential is evaluated: shapes such as "long-tailed" are tables of whole quantiles.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

_MASK64 = (1 << 64) - 1
_MASK32 = (1 << 32) - 1
#: Odd constants of the SplitMix64 finaliser.
#: Source: Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


class Draws:
    """A stream of integers that depends on ``seed`` and ``path`` alone.

    Example:
        >>> Draws(7, 1, 2).below(100, 4).tolist() == Draws(7, 1, 2).below(100, 4).tolist()
        True
    """

    def __init__(self, seed: int, *path: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=path))

    def halves(self, size: int) -> Ints:
        """``size`` words of 32 bits, as int64 in ``[0, 2**32)``."""
        return (self._words(size) >> np.uint64(32)).astype(np.int64)

    def long(self, size: int) -> Ints:
        """``size`` words of 63 bits, as int64 in ``[0, 2**63)``."""
        return (self._words(size) >> np.uint64(1)).astype(np.int64)

    def below(self, bound: int | Ints, size: int) -> Ints:
        """``size`` whole numbers in ``[0, bound)``; ``bound`` is below 2**31, or one per draw."""
        return (self.halves(size) * bound) >> 32

    def between(self, low: int, high: int, size: int) -> Ints:
        """``size`` whole numbers in ``[low, high]``, both included."""
        return low + self.below(high - low + 1, size)

    def chance(self, per_10k: int | Ints, size: int) -> NDArray[np.bool_]:
        """``size`` yes/no draws that are yes in ``per_10k`` of 10,000 cases."""
        return self.below(10_000, size) < per_10k

    def choose(self, weights: Sequence[int], size: int) -> Ints:
        """``size`` positions in ``weights``, each as often as its whole-number weight says."""
        return choose(weights, self.halves(size))

    def spread(self, quantiles: Sequence[int], size: int) -> Ints:
        """``size`` values of the distribution with these equally spaced quantiles."""
        return spread(quantiles, self.halves(size))

    def _words(self, size: int) -> Words:
        return np.asarray(self._bits.random_raw(size), dtype=np.uint64)


def choose(weights: Sequence[int], halves: Ints) -> Ints:
    """Positions in ``weights`` for 32-bit words: the cumulative weights are integer thresholds."""
    edges = np.cumsum(np.asarray(weights, dtype=np.int64))
    return np.searchsorted(edges, (halves * int(edges[-1])) >> 32, side="right").astype(np.int64)


def spread(quantiles: Sequence[int], halves: Ints) -> Ints:
    """Values of the distribution whose equally spaced quantiles are given, for 32-bit words.

    Between two quantiles the value is interpolated in 1/65536 steps and rounded down.

    Example:
        >>> spread((0, 10, 1000), np.array([0, 1 << 31, (1 << 32) - 1])).tolist()
        [0, 10, 999]
    """
    table: Ints = np.asarray(quantiles, dtype=np.int64)
    scaled = halves * (table.size - 1)
    place, part = scaled >> 32, (scaled & _MASK32) >> 16
    low: Ints = table[place]
    value: Ints = low + (((table[place + 1] - low) * part) >> 16)
    return value


def hashed(seed: int, trait: int, numbers: ArrayLike) -> Ints:
    """A 32-bit word per number, a fixed function of ``(seed, trait, number)``.

    Args:
        seed: of the world.
        trait: which property is drawn; two traits of one entity are independent.
        numbers: entity numbers, shape ``(n,)``.
    """
    key = _mixed((seed & _MASK64) ^ _mixed(trait * _GOLDEN & _MASK64))
    words = np.atleast_1d(np.asarray(numbers, dtype=np.int64)).astype(np.uint64)
    words = (words + np.uint64(1)) * np.uint64(_GOLDEN) ^ np.uint64(key)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(_MIX_1)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(_MIX_2)
    return ((words ^ (words >> np.uint64(31))) >> np.uint64(32)).astype(np.int64)


def scrambled(seed: int, trait: int, numbers: Ints) -> Ints:
    """Each number below 2**32 as another one: a keyed bijection, so ids are unique and mute.

    Consecutive numbers would tell in which order, and so by whom, an entity was made.

    Source:
        The 32-bit finaliser of MurmurHash3 (A. Appleby, public domain); each step is invertible.
    """
    key = np.uint64(_mixed((seed ^ trait * _GOLDEN) & _MASK64) & _MASK32)
    x = numbers.astype(np.uint64) ^ key
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(_MASK32)
    x = ((x ^ (x >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & np.uint64(_MASK32)
    return (x ^ (x >> np.uint64(16))).astype(np.int64)


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & _MASK64
    value = ((value ^ (value >> 30)) * _MIX_1) & _MASK64
    value = ((value ^ (value >> 27)) * _MIX_2) & _MASK64
    return value ^ (value >> 31)
