"""How differently are two groups treated, and could chance alone explain it?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import fisher_exact

from assay.core.errors import Invalid
from assay.models.intervals import wilson


class Estimate(NamedTuple):
    """A number with its interval; ``None`` ends when it cannot be bounded."""

    value: float
    low: float | None
    high: float | None


class Count(NamedTuple):
    """``hits`` of ``rows``."""

    hits: int
    rows: int

    @property
    def share(self) -> float:
        """Hits over rows."""
        return self.hits / self.rows


def impact_ratio(group: Count, reference: Count, confidence: float = 0.95) -> Estimate | None:
    """The share of favourable outcomes in a group over that of the reference group.

    The interval is Katz's (the logarithm of a ratio is about normal); it has no ends when either
    group has no favourable outcome. None when the reference group has none.

    Raises:
        Invalid: a group without rows, or more hits than rows.

    Source:
        Katz, Baptista, Azen and Pike (1978), Biometrics 34:469-474. The four-fifths rule: Uniform
        Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D).

    Example:
        >>> found = impact_ratio(Count(12, 40), Count(48, 80))
        >>> [round(number, 4) for number in found]
        [0.5, 0.3014, 0.8294]
    """
    _check(group, reference)
    if reference.hits == 0:
        return None
    ratio = group.share / reference.share
    if group.hits == 0:
        return Estimate(ratio, None, None)
    spread = np.sqrt(1 / group.hits - 1 / group.rows + 1 / reference.hits - 1 / reference.rows)
    reach = float(ndtri((1 + confidence) / 2) * spread)
    return Estimate(ratio, ratio * float(np.exp(-reach)), ratio * float(np.exp(reach)))


def chance(group: Count, reference: Count) -> float:
    """The two-sided p-value of Fisher's exact test that both groups have one rate.

    Example:
        >>> round(chance(Count(12, 40), Count(48, 80)), 8)
        0.00340922
    """
    _check(group, reference)
    table = [
        [group.hits, group.rows - group.hits],
        [reference.hits, reference.rows - reference.hits],
    ]
    return float(fisher_exact(table)[1])


def gap(group: Count, reference: Count, confidence: float = 0.95) -> Estimate:
    """The difference of two shares, group minus reference, with Newcombe's interval.

    Source:
        Newcombe (1998), Statistics in Medicine 17:873-890, method 10.

    Example:
        >>> found = gap(Count(56, 70), Count(48, 80))
        >>> [round(number, 4) for number in found]
        [0.2, 0.0524, 0.3339]
    """
    _check(group, reference)
    one = wilson(group.hits, group.rows, confidence)
    two = wilson(reference.hits, reference.rows, confidence)
    value = one.value - two.value
    below = np.hypot(one.value - one.low, two.high - two.value)
    above = np.hypot(one.high - one.value, two.value - two.low)
    return Estimate(value, value - float(below), value + float(above))


def mean_difference(group: NDArray[np.float64], reference: NDArray[np.float64]) -> float | None:
    """The difference of two means in units of the standard deviation of both groups together.

    Args:
        group: values of the group, shape ``(n,)``.
        reference: values of the reference group, shape ``(m,)``.

    Returns:
        None when all values are equal.

    Example:
        >>> mean_difference(np.array([1.0, 3.0]), np.array([2.0, 4.0])).__round__(4)
        -0.8944
    """
    spread = float(np.concatenate([group, reference]).std())
    if spread == 0.0:
        return None
    return (float(group.mean()) - float(reference.mean())) / spread


def _check(*counts: Count) -> None:
    for count in counts:
        if not 0 <= count.hits <= count.rows or count.rows == 0:
            raise Invalid(f"expected hits among at least one row, got {count.hits} of {count.rows}")
