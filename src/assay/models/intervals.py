"""How sure is a number? Intervals for AUC, proportions and any statistic of grouped rows."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from assay.core.errors import Invalid
from assay.models.metrics import Floats, Labels, checked


class Interval(msgspec.Struct, frozen=True):
    """A value between ``low`` and ``high`` at ``confidence``."""

    value: float
    low: float
    high: float
    confidence: float


class Comparison(msgspec.Struct, frozen=True):
    """Two AUCs on the same rows: their difference, its interval, z and two-sided p."""

    first: float
    second: float
    difference: Interval
    z: float
    p: float


def delong(scores: Floats, labels: Labels, confidence: float = 0.95) -> Interval:
    """The AUC with DeLong's interval, cut to [0, 1].

    Raises:
        OneClass: a class is missing.
        Invalid: see ``metrics.auc``; or fewer than two rows of a class.

    Source:
        DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837-845, by midranks as in Sun and
        Xu (2014), IEEE Signal Processing Letters 21:1389-1393.
    """
    areas, covariance = _delong([scores], labels)
    reach = _z(confidence) * float(np.sqrt(covariance[0, 0]))
    area = float(areas[0])
    return Interval(area, max(0.0, area - reach), min(1.0, area + reach), confidence)


def delong_paired(
    first: Floats, second: Floats, labels: Labels, confidence: float = 0.95
) -> Comparison:
    """Whether two scores of the same rows differ in AUC; ``difference`` is first minus second.

    ``z`` is 0 when the two never differ.

    Raises:
        OneClass: a class is missing.
        Invalid: see ``metrics.auc``; or fewer than two rows of a class.

    Source:
        See ``delong``.
    """
    areas, covariance = _delong([first, second], labels)
    gap = float(areas[0] - areas[1])
    spread = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)))
    z = gap / spread if spread > 0 else 0.0
    reach = _z(confidence) * spread
    return Comparison(
        first=float(areas[0]),
        second=float(areas[1]),
        difference=Interval(gap, gap - reach, gap + reach, confidence),
        z=z,
        p=float(2.0 * ndtr(-abs(z))),
    )


def wilson(hits: int, rows: int, confidence: float = 0.95) -> Interval:
    """The score interval of a proportion.

    Raises:
        Invalid: no rows, or hits outside ``0..rows``.

    Source:
        Wilson (1927), J. Am. Stat. Assoc. 22:209-212.

    Example:
        >>> found = wilson(8, 10)
        >>> round(found.low, 4), round(found.high, 4)
        (0.4902, 0.9433)
    """
    share = _share(hits, rows)
    z = _z(confidence)
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z * np.sqrt(share * (1 - share) / rows + z * z / (4.0 * rows * rows))
    reach = float(reach) / (1 + z * z / rows)
    low = 0.0 if hits == 0 else middle - reach
    return Interval(share, low, 1.0 if hits == rows else middle + reach, confidence)


def jeffreys(hits: int, rows: int, confidence: float = 0.95) -> Interval:
    """The equal-tailed interval of a proportion under the Jeffreys prior Beta(1/2, 1/2).

    Its lower end is 0 without hits and its upper end 1 without misses.

    Source:
        Brown, Cai and DasGupta (2001), Statistical Science 16:101-133.

    Example:
        >>> found = jeffreys(20, 1000)
        >>> round(found.low, 6), round(found.high, 6)
        (0.012651, 0.030117)
    """
    share = _share(hits, rows)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(betaincinv(hits + 0.5, rows - hits + 0.5, tail))
    high = 1.0 if hits == rows else float(betaincinv(hits + 0.5, rows - hits + 0.5, 1.0 - tail))
    return Interval(share, low, high, confidence)


def bootstrap_by_group(
    statistic: Callable[[NDArray[np.int64]], float],
    groups: NDArray[Any],
    *,
    draws: int,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> Interval:
    """The percentile interval of a statistic when whole groups (cards, users) are drawn again.

    Rows of one group are not independent, so groups and not rows are sampled with replacement.
    For a paired difference let ``statistic`` compute both sides on the same rows.

    Args:
        statistic: of the row numbers it is given, which repeat as groups are drawn repeatedly;
            NaN where the draw holds no answer (no fraud, say): such draws are left out.
        groups: group of each row, shape ``(n,)``.
        draws: at least 100.
        rng: the only source of chance.
        confidence: of the interval.

    Raises:
        Invalid: fewer than 100 draws, fewer than two groups, or half of the draws gave NaN.

    Source:
        Field and Welsh (2007), Bootstrapping clustered data, J. R. Statist. Soc. B 69:369-390.
    """
    names, place = np.unique(groups, return_inverse=True)
    if draws < 100 or names.size < 2:
        raise Invalid(f"expected 100 draws and 2 groups at least, got {draws} and {names.size}")
    order = np.argsort(place, kind="stable")
    size = np.bincount(place)
    start = np.cumsum(size) - size
    found = np.empty(draws)
    for draw in range(draws):
        picked = rng.integers(0, names.size, names.size)
        found[draw] = statistic(order[_ranges(start[picked], size[picked])])
    kept = found[~np.isnan(found)]
    if kept.size * 2 < draws:
        raise Invalid(f"only {kept.size} of {draws} draws had an answer: too few rows of a class")
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(kept, [tail, 1.0 - tail])
    value = statistic(np.arange(place.size))
    return Interval(float(value), float(low), float(high), confidence)


def _ranges(start: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """``start[0], start[0]+1, ... (size[0] of them), start[1], ...`` without a Python loop."""
    ends = np.cumsum(size)
    rows: NDArray[np.int64] = np.arange(ends[-1]) + np.repeat(start - (ends - size), size)
    return rows


def _delong(scores: Sequence[Floats], labels: Labels) -> tuple[Floats, Floats]:
    """Areas and their covariance matrix from the placement values of each row."""
    fraud_places, good_places = [], []
    for column in scores:
        values, truth = checked(column, labels, both=True)
        frauds, goods = values[truth == 1], values[truth == 0]
        if min(frauds.size, goods.size) < 2:
            raise Invalid("expected at least two frauds and two good rows for an interval")
        fraud_places.append(_placements(frauds, goods))
        good_places.append(1.0 - _placements(goods, frauds))
    by_fraud, by_good = np.stack(fraud_places), np.stack(good_places)
    spread = np.atleast_2d(np.cov(by_fraud)) / by_fraud.shape[1]
    spread = spread + np.atleast_2d(np.cov(by_good)) / by_good.shape[1]
    return by_fraud.mean(axis=1), spread


def _placements(values: Floats, others: Floats) -> Floats:
    """For each value the share of ``others`` below it, ties counting half."""
    ranked = np.sort(others)
    below = np.searchsorted(ranked, values, side="left")
    upto = np.searchsorted(ranked, values, side="right")
    shares: Floats = (below + upto) / (2.0 * others.size)
    return shares


def _share(hits: int, rows: int) -> float:
    if rows < 1 or not 0 <= hits <= rows:
        raise Invalid(f"expected 0 <= hits <= rows and at least one row, got {hits} of {rows}")
    return hits / rows


def _z(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise Invalid(f"expected a confidence between 0 and 1, got {confidence}")
    return float(ndtri(0.5 + confidence / 2.0))
