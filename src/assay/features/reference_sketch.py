"""What is said above the cap, in plain Python? The same definitions, computed another way."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from assay.features.definition import Feature

_64 = 2**64
_REGISTERS, _RANKS, _WIDTH, _ROWS, _CELLS = 4096, 53, 16_384, 4, 65_536


def above_cap(feature: Feature, codes: Sequence[int], *, is_real: bool) -> int | float | None:
    """A capped aggregate of more values than its cap, oldest first."""
    match feature.aggregate:
        case "distinct":
            return _different(codes)
        case "quantile":
            rank = -(-feature.permille * len(codes) // 1000)
            return _middle(sorted(_bucket(code, is_real) for code in codes)[rank - 1], is_real)
        case "entropy":
            return entropy(list(Counter(mixed(code) >> 48 for code in codes).values()))
        case _:
            return top(feature, _frequencies(feature.cap, codes), len(codes))


def mixed(code: int) -> int:
    """SplitMix64 of a value."""
    z = (code + 0x9E3779B97F4A7C15) % _64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % _64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % _64
    return z ^ z >> 31


def top(feature: Feature, counts: Mapping[int, int], total: int) -> int | float | None:
    """The k-th most frequent value, its count, or the share of the first k."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if feature.aggregate == "top_share":
        found = min(total, sum(count for _, count in islice(ranked, feature.k)))
        return found / total if total else None
    if len(ranked) < feature.k:
        return 0 if feature.aggregate == "top_count" else None
    return ranked[feature.k - 1][feature.aggregate == "top_count"]


def entropy(counts: Sequence[int]) -> float | None:
    """In bits: whole numbers of 2**-30 until one division."""
    n = sum(counts)
    if n == 0:
        return None
    if n >= 2**28:
        return math.inf
    return (n * _logarithm(n) - sum(count * _logarithm(count) for count in counts)) / (n << 30)


def _logarithm(n: int) -> int:
    """Thirty bits after the point, each by squaring what is left, kept to 31 bits."""
    whole = n.bit_length() - 1
    left, bits = (n << 31) >> whole, ""
    for _ in range(30):
        left = left * left // 2**31
        bits += "1" if left >= 2**32 else "0"
        left //= 2 if left >= 2**32 else 1
    return (whole << 30) + int(bits, 2)


def _different(codes: Sequence[int]) -> int:
    """Ertl's estimate from the greatest rank of every register."""
    greatest: dict[int, int] = defaultdict(int)
    for code in codes:
        hashed = mixed(code)
        rank = _RANKS - (hashed % 2**52).bit_length()
        greatest[hashed >> 52] = max(greatest[hashed >> 52], rank)
    held = Counter(greatest.values())
    held[0] = _REGISTERS - len(greatest)
    z = _REGISTERS * _tail(1 - held[_RANKS] / _REGISTERS)
    for rank in reversed(range(1, _RANKS)):
        z = (z + held[rank]) * 0.5
    z += _REGISTERS * _head(held[0] / _REGISTERS)
    return math.floor(0.7213475204444817 * _REGISTERS * _REGISTERS / z + 0.5)


def _head(x: float) -> float:
    """X + sum of x**(2**i) * 2**(i - 1): the share of empty registers."""
    if x == 1:
        return math.inf
    total, weight, before = x, 1.0, -1.0
    while total != before:
        x, before = x * x, total
        total += x * weight
        weight *= 2
    return total


def _tail(x: float) -> float:
    """The same for full registers."""
    if x in (0, 1):
        return 0.0
    total, weight, before = 1 - x, 1.0, -1.0
    while total != before:
        x, before, weight = math.sqrt(x), total, weight / 2
        total -= (1 - x) * (1 - x) * weight
    return total / 3


def _bucket(code: int, is_real: bool) -> int:
    if is_real:
        return code // 2**45
    exponent = max(0, abs(code).bit_length() - 8)
    bucket = (exponent << 7) + (abs(code) >> exponent)
    return bucket if code >= 0 else -bucket


def _middle(bucket: int, is_real: bool) -> int:
    if is_real:
        return 0 if bucket in (0, -1) else bucket * 2**45 + 2**44
    exponent = max(0, abs(bucket) // 128 - 1)
    low = (abs(bucket) - 128 * exponent) << exponent
    middle = low + (1 << exponent >> 1)
    return middle if bucket >= 0 else -middle


def _frequencies(cap: int, codes: Sequence[int]) -> dict[int, int]:
    """The estimated counts of the candidates: the different ones of the newest values."""
    cells = Counter(cell for code in codes for cell in _cells(code))
    return {code: min(cells[cell] for cell in _cells(code)) for code in set(codes[-cap:])}


def _cells(code: int) -> list[tuple[int, int]]:
    return [(row, (mixed(code) >> 14 * row) % _WIDTH) for row in range(_ROWS)]
