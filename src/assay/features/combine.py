"""What do two values of one vector say together? Ratios, differences, rates and limits, exactly.

Whole numbers are combined as whole numbers and rounded once; reals by one IEEE operation. A whole
number that meets a real is first rounded to the nearest double.
"""

import math
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid, Unknown, shown
from assay.core.time import DAY, SECOND
from assay.features.compiled import compiled, inlined
from assay.features.definition import LIFETIME, Combined, Feature, How, ValueKind
from assay.features.divide import product, quotient
from assay.features.encode import real_code
from assay.features.layout import MOST, NULL, Ints, Word

Bytes = NDArray[np.uint8]
HOWS: tuple[How, ...] = get_args(How)
_RATIO, _DIFFERENCE, _RATE, _OVER = range(4)
#: Words of a step: how, a, whether a is real, b, whether b is real, limit or per, window, place.
_STEP = 8
_PER_MAX = 366 * DAY


def combined_kind(item: Combined, kinds: Mapping[str, ValueKind]) -> ValueKind:
    """How the value is held; ``kinds`` are those of the values before it.

    Raises:
        Unknown: it is made of a value that is not before it; the message names the nearest.
        Invalid: it has no exact meaning; the message says why.
    """
    wanted = 2 if item.how in ("ratio", "difference") else 1
    if item.how not in HOWS:
        _refuse(item, f"unknown how {shown(item.how)}; there are {', '.join(HOWS)}")
    if len(item.of) != wanted:
        _refuse(item, f"{item.how} is made of {wanted} values, got {item.of}")
    for name in item.of:
        if name not in kinds:
            raise Unknown(f"part of combined value {item.name!r}:", name, known=kinds)
    if item.how != "over" and item.limit != 0:
        _refuse(item, f"only over takes a limit, not {item.how}")
    if item.how != "rate" and item.per != SECOND:
        _refuse(item, f"only a rate is per a time, not {item.how}; leave per out")
    if item.how == "over":
        _check_limit(item, kinds[item.of[0]])
        return "bool"
    if item.how == "difference":
        return "real" if "real" in (kinds[name] for name in item.of) else "int"
    return "real"


def check_rate(item: Combined, features: Mapping[str, Feature], kind: ValueKind) -> None:
    """Refuse a rate that has no window or no whole number to divide by it.

    Raises:
        Invalid: the message names the value and says why.
    """
    if type(item.per) is not int or not 1 <= item.per <= _PER_MAX:
        _refuse(item, f"per: expected microseconds between 1 and a year, got {shown(item.per)}")
    part = features.get(item.of[0])
    if part is None or kind != "int":
        _refuse(
            item,
            f"a rate is of a feature that is a whole number (a count, a sum), and {item.of[0]!r} "
            f"is not; use a ratio of two features",
        )
    elif part.window == LIFETIME:
        _refuse(
            item,
            f"{part.name!r} looks back for a lifetime, which has no length to divide by; give it a "
            f"window, or use the ratio to a time_since_first",
        )


def combined_program(
    combined: Sequence[Combined],
    features: Mapping[str, Feature],
    places: Mapping[str, int],
    kinds: Mapping[str, ValueKind],
) -> Ints:
    """The steps of checked definitions, shape ``(n, 8)``, each after those it is made of."""
    steps = []
    for item in combined:
        a, b = item.of[0], item.of[-1]
        number: int = item.per
        window = features[a].window if item.how == "rate" else 0
        if item.how == "over":
            number = real_code(float(item.limit)) if kinds[a] == "real" else int(item.limit)
        steps.append(
            (
                HOWS.index(item.how),
                places[a],
                kinds[a] == "real",
                places[b],
                kinds[b] == "real",
                number,
                window,
                places[item.name],
            )
        )
    return np.array(steps, np.int64).reshape(-1, _STEP)


@compiled
def combine(steps: Ints, bits: Ints, known: Bytes) -> int:
    """Fill the combined values of many vectors, shape ``(rows, values)``.

    Returns how many did not fit their arithmetic and are therefore not known.
    """
    lost = 0
    for r in range(len(bits)):
        for s in range(len(steps)):
            place = steps[s, 7]
            bits[r, place], known[r, place] = 0, 0
            if known[r, steps[s, 1]] and known[r, steps[s, 3]]:
                value, state = _combined(steps, s, bits[r, steps[s, 1]], bits[r, steps[s, 3]])
                if state == 1:
                    bits[r, place], known[r, place] = value, 1
                lost += 1 if state == 2 else 0
    return lost


@compiled
def _combined(steps: Ints, s: Word, a: Word, b: Word) -> tuple[np.int64, int]:
    """One value, and whether it is not known (0), known (1) or lost (2)."""
    how, a_real, b_real = steps[s, 0], steps[s, 2], steps[s, 4]
    if how == _OVER:
        x = _code(a) if a_real else np.int64(a)
        return np.int64(1 if x > steps[s, 5] else 0), 1
    if how == _RATE:
        high, low = product(a, steps[s, 5])
        return _bits(quotient(high, low, steps[s, 6]))
    if how == _RATIO:
        if (_real(b) if b_real else float(b)) == 0.0:
            return np.int64(0), 0
        if a_real or b_real:
            return _bits((_real(a) if a_real else float(a)) / (_real(b) if b_real else float(b)))
        return _bits(_whole_ratio(a, b))
    if a_real or b_real:
        return _bits((_real(a) if a_real else float(a)) - (_real(b) if b_real else float(b)))
    difference = np.int64(a) - np.int64(b)
    if ((a ^ b) & (a ^ difference)) < 0:
        return np.int64(0), 2
    return difference, 1


@compiled
def _whole_ratio(a: Word, b: Word) -> float:
    """The ratio of two whole numbers, rounded once; b is not 0."""
    if b == NULL:  # its size does not fit, but dividing by a power of two only scales
        return -float(a) / 9223372036854775808.0
    found = quotient(np.int64(a) >> 63, np.uint64(np.int64(a)), np.int64(max(b, -b)))
    return -found if b < 0 else found


@inlined
def _real(bits: Word) -> float:
    return float(np.int64(bits).view(np.float64))


@inlined
def _code(bits: Word) -> np.int64:
    """The order-preserving code of a double's bits."""
    return np.int64(bits) if bits >= 0 else np.int64(bits) ^ MOST


@compiled
def _bits(value: float) -> tuple[np.int64, int]:
    """A double as bits, if it is finite; -0.0 becomes 0.0."""
    if not math.isfinite(value):
        return np.int64(0), 2
    return np.float64(value + 0.0).view(np.int64), 1


def _check_limit(item: Combined, kind: ValueKind) -> None:
    whole = kind != "real"
    wanted = (int,) if whole else (int, float)
    if type(item.limit) not in wanted or not math.isfinite(item.limit):
        _refuse(
            item,
            f"limit: expected a {'whole' if whole else 'finite'} number, because "
            f"{item.of[0]!r} is {kind}, got {shown(item.limit)}",
        )
    if whole and not -(2**63) < item.limit < 2**63:
        _refuse(item, f"limit: {item.limit} does not fit 64 bits")


def _refuse(item: Combined, why: str) -> None:
    raise Invalid(f"combined value {item.name!r}: {why}")
