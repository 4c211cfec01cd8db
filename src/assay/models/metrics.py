"""How well does a score tell fraud from good? Numbers every risk team knows, exact about ties.

Everywhere: ``scores`` and ``probs`` are doubles of shape ``(n,)``, higher meaning riskier;
``labels`` are 1 for fraud and 0 for good, shape ``(n,)``. Intervals are in ``intervals``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.models.bins import bin_sums

Floats = NDArray[np.float64]
#: 0/1 labels of any whole or boolean type.
Labels = NDArray[Any]

#: From here on a compiled pass is worth loading: it saves more than its 50 ms of warming.
_COMPILED_ROWS_MIN = 1_000_000


class OneClass(Invalid):
    """A measure of telling two classes apart needs rows of both."""

    code = "one_class"


def auc(scores: Floats, labels: Labels) -> float:
    """The chance that a fraud scores above a good one, ties counting half.

    The Mann-Whitney count is taken in whole numbers, so only the last division rounds.

    Raises:
        OneClass: only frauds or only good ones.
        Invalid: shapes differ, a score is NaN, or a label is not 0 or 1.

    Source:
        Hanley and McNeil (1982), Radiology 143:29-36.

    Example:
        >>> import numpy as np
        >>> y = np.array([0, 0, 1, 1, 1, 0])
        >>> round(auc(np.array([.1, .4, .35, .8, .4, .6]), y), 6)
        0.611111
    """
    scores, labels = checked(scores, labels, both=True)
    frauds, goods = _by_level(scores, labels)
    below = np.cumsum(goods) - goods
    doubled = int((frauds * (2 * below + goods)).sum())
    return doubled / (2 * int(frauds.sum()) * int(goods.sum()))


def gini(scores: Floats, labels: Labels) -> float:
    """Twice the AUC minus one: 0 for chance, 1 for perfect (also called accuracy ratio)."""
    return 2.0 * auc(scores, labels) - 1.0


def average_precision(scores: Floats, labels: Labels) -> float:
    """The mean, over frauds, of the precision at the cut-off that just catches each of them.

    Rows of equal score pass the cut-off together; nothing is interpolated.

    Raises:
        OneClass: no fraud.

    Source:
        Zhu (2004), Recall, precision and average precision; as in scikit-learn.

    Example:
        >>> import numpy as np
        >>> average_precision(np.array([.9, .8, .7]), np.array([1, 0, 1]))
        0.8333333333333333
    """
    scores, labels = checked(scores, labels)
    if not labels.any():
        raise OneClass("average precision needs at least one fraud, got none")
    frauds, goods = _by_level(scores, labels)
    caught = np.cumsum(frauds[::-1])
    flagged = np.cumsum((frauds + goods)[::-1])
    return float((frauds[::-1] * (caught / flagged)).sum() / caught[-1])


def ks(scores: Floats, labels: Labels) -> float:
    """The largest gap between the score distributions of frauds and of good ones.

    Source:
        The two-sample statistic of Kolmogorov and Smirnov.

    Example:
        >>> import numpy as np
        >>> ks(np.array([.1, .2, .8, .9]), np.array([0, 0, 1, 1]))
        1.0
    """
    scores, labels = checked(scores, labels, both=True)
    frauds, goods = _by_level(scores, labels)
    gap = np.cumsum(frauds) / frauds.sum() - np.cumsum(goods) / goods.sum()
    return float(np.abs(gap).max())


def brier(probs: Floats, labels: Labels) -> float:
    """The mean squared difference between probability and label: 0 is best.

    Source:
        Brier (1950), Monthly Weather Review 78:1-3.

    Example:
        >>> import numpy as np
        >>> round(brier(np.array([.9, .2, .7, .6, .4]), np.array([1, 0, 1, 1, 0])), 12)
        0.092
    """
    probs, labels = checked_probs(probs, labels)
    return float(np.square(probs - labels).mean())


def log_loss(probs: Floats, labels: Labels, *, floor: float = 1e-15) -> float:
    """The mean negative log-likelihood in nats; probabilities are clipped to ``[floor, 1-floor]``.

    Example:
        >>> import numpy as np
        >>> round(log_loss(np.array([.5, .5]), np.array([1, 0])), 12)
        0.69314718056
    """
    probs, labels = checked_probs(probs, labels)
    clipped = np.clip(probs, floor, 1.0 - floor)
    return float(-np.where(labels == 1, np.log(clipped), np.log1p(-clipped)).mean())


def expected_calibration_error(probs: Floats, labels: Labels, num_bins: int) -> float:
    """The mean gap between forecast and frequency over equal-width bins, weighted by rows.

    Bin ``i`` of ``num_bins`` holds ``i/num_bins <= p < (i+1)/num_bins``; 1 is in the last.

    Args:
        probs: probabilities in [0, 1], shape ``(n,)``.
        labels: 0 or 1, shape ``(n,)``.
        num_bins: at least 1.

    Raises:
        Invalid: no rows, a probability outside [0, 1] or NaN, or fewer than one bin.

    Source:
        Naeini, Cooper and Hauskrecht (2015), AAAI; bins as in Guo et al. (2017), ICML.

    Example:
        >>> import numpy as np
        >>> expected_calibration_error(np.array([.25, .25, .75, 1.0]), np.array([0, 1, 1, 1]), 2)
        0.1875
    """
    if num_bins < 1:
        raise Invalid(f"expected at least one bin, got {num_bins}")
    if np.size(probs) < _COMPILED_ROWS_MIN:
        probs, labels = checked_probs(probs, labels)
        place = np.minimum((probs * num_bins).astype(np.int64), num_bins - 1)
        forecast = np.asarray(np.bincount(place, probs, num_bins), dtype=np.float64)
        frauds = np.asarray(np.bincount(place, labels, num_bins), dtype=np.float64)
    else:
        forecast, frauds = _compiled_sums(probs, labels, num_bins)
    return float(np.abs(forecast - frauds).sum() / np.size(probs))


def recall_at_budget(scores: Floats, labels: Labels, day: Labels, budget: int) -> float:
    """The share of all frauds found when the ``budget`` riskiest rows of each day are looked at.

    Rows of equal score are taken in the order given (first come, first served).

    Raises:
        OneClass: no fraud.
        Invalid: a budget below 1.

    Example:
        >>> import numpy as np
        >>> recall_at_budget(np.array([.9, .1, .8, .2]), np.array([1, 1, 0, 1]),
        ...                  np.array([1, 1, 2, 2]), budget=1)
        0.3333333333333333
    """
    scores, labels = checked(scores, labels)
    if not labels.any():
        raise OneClass("recall needs at least one fraud, got none")
    return int(labels[_alerts(scores, day, budget)].sum()) / int(labels.sum())


def precision_at_budget(scores: Floats, labels: Labels, day: Labels, budget: int) -> float:
    """The share of frauds among the ``budget`` riskiest rows of each day (fewer on short days)."""
    scores, labels = checked(scores, labels)
    return float(labels[_alerts(scores, day, budget)].mean())


def value_detected(
    scores: Floats, labels: Labels, day: Labels, amount: Labels, budget: int
) -> float:
    """The share of the defrauded amount in the ``budget`` riskiest rows of each day.

    Raises:
        OneClass: no fraud has a positive amount.
    """
    scores, labels = checked(scores, labels)
    at_stake = labels * np.asarray(amount, dtype=np.int64)
    if int(at_stake.sum()) <= 0:
        raise OneClass("value detected needs a fraud with a positive amount, got none")
    return int(at_stake[_alerts(scores, day, budget)].sum()) / int(at_stake.sum())


def card_precision_at_k(
    scores: Floats,
    labels: Labels,
    card: NDArray[Any],
    day: Labels,
    k: int,
    *,
    drop_detected: bool = True,
) -> float:
    """The mean over days of: compromised cards among the day's ``k`` riskiest cards, over ``k``.

    A card's score of the day is the highest of its rows, and it is compromised if any of them is
    fraud. With ``drop_detected`` a compromised card found on one day is left out on later days,
    as it would have been blocked. Cards of equal score rank by their name's order.

    Args:
        scores: higher is riskier, shape ``(n,)``.
        labels: 0 or 1, shape ``(n,)``.
        card: card of each row, shape ``(n,)``.
        day: day number of each row, shape ``(n,)``.
        k: cards looked at per day.
        drop_detected: leave out cards found before.

    Raises:
        Invalid: shapes differ, no rows, or ``k`` below 1.

    Source:
        Le Borgne, Siblini, Lebichot and Bontempi (2022), Reproducible machine learning for credit
        card fraud detection: practical handbook, section 4.4.

    Example:
        >>> import numpy as np
        >>> card_precision_at_k(np.array([.9, .8, .7, .9]), np.array([1, 0, 0, 1]),
        ...                     np.array(["a", "b", "b", "a"]), np.array([1, 1, 2, 2]), k=1)
        0.5
    """
    scores, labels = checked(scores, labels)
    if k < 1 or card.shape != scores.shape or day.shape != scores.shape:
        raise Invalid(f"expected k >= 1 and one card and day per score, got k={k}")
    _, who = np.unique(card, return_inverse=True)
    known = np.zeros(int(who.max()) + 1, dtype=np.bool_)
    found = []
    for today in np.unique(day):
        rows = np.flatnonzero((day == today) & ~known[who])
        cards, place = np.unique(who[rows], return_inverse=True)
        risk = np.full(cards.size, -np.inf)
        np.maximum.at(risk, place, scores[rows])
        fraud = np.zeros(cards.size, dtype=np.bool_)
        fraud[place[labels[rows] == 1]] = True
        looked_at = np.argsort(-risk, kind="stable")[:k]
        caught = cards[looked_at[fraud[looked_at]]]
        found.append(caught.size / k)
        if drop_detected:
            known[caught] = True
    return float(np.mean(found))


def checked(
    scores: Floats, labels: Labels, *, both: bool = False
) -> tuple[Floats, NDArray[np.int64]]:
    """The same columns as doubles and int64 if they are sound.

    Raises:
        Invalid: no rows, shapes differ, a score is NaN, or a label is not 0 or 1.
        OneClass: ``both`` is asked and one class is missing.
    """
    scores, given = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if scores.ndim != 1 or scores.shape != given.shape or not scores.size:
        raise Invalid(
            f"expected scores and labels of one length, got shapes {scores.shape} and {given.shape}"
        )
    if np.isnan(scores).any() or not ((given == 0) | (given == 1)).all():
        raise Invalid("expected scores without NaN and labels of 0 or 1")
    whole = given.astype(np.int64)
    if both and not 0 < int(whole.sum()) < whole.size:
        raise OneClass(f"expected rows of both classes, got {whole.sum()} of {whole.size} frauds")
    return scores, whole


def checked_probs(probs: Floats, labels: Labels) -> tuple[Floats, NDArray[np.int64]]:
    """``checked``, and every probability lies in [0, 1].

    Raises:
        Invalid: it does not.
    """
    probs, labels = checked(probs, labels)
    if float(probs.min()) < 0.0 or float(probs.max()) > 1.0:
        raise Invalid(f"expected probabilities in [0, 1], got {probs.min()} to {probs.max()}")
    return probs, labels


def _compiled_sums(probs: Floats, labels: Labels, num_bins: int) -> tuple[Floats, Floats]:
    """The sums per bin with the bits numpy would give, in one pass over many rows."""
    probs, labels = np.ascontiguousarray(probs, dtype=np.float64), np.ascontiguousarray(labels)
    if labels.dtype not in (np.int8, np.int64, np.bool_):
        labels = labels.astype(np.float64)
    forecast, frauds = np.zeros(num_bins), np.zeros(num_bins)
    if probs.ndim != 1 or probs.shape != labels.shape:
        raise Invalid(f"expected one label per probability, got {labels.shape} for {probs.shape}")
    if not bin_sums(probs, labels, forecast, frauds):
        raise Invalid("expected probabilities in [0, 1] and labels of 0 or 1")
    return forecast, frauds


def _by_level(scores: Floats, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frauds and good ones at every distinct score, ascending."""
    order = np.argsort(scores, kind="stable")
    ranked, truth = scores[order], labels[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    frauds = np.diff(np.cumsum(truth)[ends], prepend=0)
    return frauds, np.diff(ends, prepend=-1) - frauds


def _alerts(scores: Floats, day: Labels, budget: int) -> NDArray[np.int64]:
    """Row numbers of each day's ``budget`` highest scores, ties in the order given."""
    if budget < 1 or day.shape != scores.shape:
        raise Invalid(f"expected a budget of at least 1 and one day per score, got {budget}")
    order = np.lexsort((np.arange(scores.size), -scores, day))
    days = day[order]
    starts = np.flatnonzero(np.append(True, days[1:] != days[:-1]))
    rank = np.arange(days.size) - np.repeat(starts, np.diff(np.append(starts, days.size)))
    return order[rank < budget]
