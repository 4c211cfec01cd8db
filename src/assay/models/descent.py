"""Where is a smooth convex loss smallest? L-BFGS in plain numpy, the same steps every time.

Dot products go through numpy's pairwise summation and not through BLAS, whose result can depend on
the number of threads.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_MEMORY = 8


def minimise(
    loss: Callable[[Vector], tuple[float, Vector]],
    start: Vector,
    *,
    rounds: int,
    tolerance: float = 1e-6,
) -> Vector:
    """The point reached after ``rounds`` steps, or when no slope exceeds ``tolerance``.

    Args:
        loss: value and gradient at a point.
        start: where to begin, shape ``(k,)``.
        rounds: most steps taken.
        tolerance: largest absolute slope that counts as flat.

    Source:
        Nocedal (1980), Updating quasi-Newton matrices with limited storage, Math. Comp. 35:773.

    Example:
        >>> import numpy as np
        >>> minimise(lambda p: (float(((p - 3) ** 2).sum()), 2 * (p - 3)), np.zeros(2), rounds=20)
        array([3., 3.])
    """
    point = start.copy()
    value, slope = loss(point)
    history: list[tuple[Vector, Vector, float]] = []
    for _ in range(rounds):
        if float(np.abs(slope).max()) <= tolerance:
            break
        direction = -_scaled(slope, history)
        fall = _dot(slope, direction)
        step = 1.0 if history else min(1.0, 1.0 / float(np.abs(slope).sum()))
        for _ in range(40):
            tried = point + step * direction
            tried_value, tried_slope = loss(tried)
            # Armijo: accept once the loss falls by a small part of what the slope promised.
            if tried_value <= value + 1e-4 * step * fall:
                break
            step *= 0.5
        else:
            break
        moved, turned = tried - point, tried_slope - slope
        if (bend := _dot(moved, turned)) > 0:
            history = [*history[1 - _MEMORY :], (moved, turned, bend)]
        point, value, slope = tried, tried_value, tried_slope
    return point


def _scaled(slope: Vector, history: list[tuple[Vector, Vector, float]]) -> Vector:
    """The slope multiplied by the approximate inverse Hessian (two-loop recursion)."""
    result = slope.copy()
    shares = []
    for moved, turned, bend in reversed(history):
        share = _dot(moved, result) / bend
        result -= share * turned
        shares.append(share)
    if history:
        _, turned, bend = history[-1]
        result *= bend / _dot(turned, turned)
    for (moved, turned, bend), share in zip(history, reversed(shares), strict=True):
        result += (share - _dot(turned, result) / bend) * moved
    return result


def _dot(left: Vector, right: Vector) -> float:
    return float((left * right).sum())
