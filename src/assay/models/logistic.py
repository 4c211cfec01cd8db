"""What is the logistic of x, to the last bit, on every machine? Only IEEE 754 basic operations.

``math.exp`` belongs to the platform's C library, whose last bit differs between systems. A text
score is an input of hashed, replayed decisions, so it may not.
"""

from math import ldexp

#: ln 2 in two parts: the first has trailing zeros, so ``k * _LN2_HIGH`` is exact for |k| < 2**11.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700
#: 1/k! for k = 13 .. 0: on |r| <= ln2/2 the remainder is below 1e-17.
_TAYLOR = (
    1.6059043836821613e-10,
    2.08767569878681e-09,
    2.505210838544172e-08,
    2.755731922398589e-07,
    2.7557319223985893e-06,
    2.48015873015873e-05,
    0.0001984126984126984,
    0.001388888888888889,
    0.008333333333333333,
    0.041666666666666664,
    0.16666666666666666,
    0.5,
    1.0,
    1.0,
)


def logistic(x: float) -> float:
    """``1 / (1 + exp(-x))`` in (0, 1), within a few units in the last place; x is cut to +-36.

    Example:
        >>> logistic(0.0), round(logistic(2.0), 12)
        (0.5, 0.880797077978)
    """
    return 1.0 / (1.0 + _exp(-min(max(x, -36.0), 36.0)))


def _exp(x: float) -> float:
    """The exponential by reduction to ``2**k * exp(r)``; round() is half-to-even everywhere."""
    k = round(x * _LOG2_E)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = 0.0
    for coefficient in _TAYLOR:
        total = total * r + coefficient
    return ldexp(total, k)
