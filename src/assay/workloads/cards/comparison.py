"""Is one model better than another on a test week, or is it the luck of which cards were in it?

A card brings all its payments or none, so the bootstrap draws cards, and both models are judged on
the same draw: what they share cancels in the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.models.intervals import Interval
from assay.workloads.cards.protocol import REVIEWED_CARDS, TestSet

METRICS = ("auc_roc", "average_precision", "card_precision_at_100")
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """Metrics of several models on one test week.

    ``point[name]`` has shape ``(3,)`` and ``draws[name]`` shape ``(draws, 3)``, both in the order
    of ``METRICS``; row ``i`` of every model comes from the same resampled cards.
    """

    point: dict[str, NDArray[np.float64]]
    draws: dict[str, NDArray[np.float64]]

    def interval(self, name: str, metric: str) -> Interval:
        """One model's metric."""
        place = METRICS.index(metric)
        return _interval(self.point[name][place], self.draws[name][:, place])

    def difference(self, name: str, other: str, metric: str) -> Interval:
        """``name`` minus ``other`` on the same cards."""
        place = METRICS.index(metric)
        return _interval(
            self.point[name][place] - self.point[other][place],
            self.draws[name][:, place] - self.draws[other][:, place],
        )


def judge(
    test: TestSet,
    scores: Mapping[str, NDArray[np.float64]],
    *,
    draws: int,
    generator: np.random.Generator,
) -> Judged:
    """The metrics of each model, and the same metrics on ``draws`` resamples of the cards.

    Args:
        test: the rows that are scored.
        scores: by model name, shape ``(n,)``; a higher score is a higher risk.
        draws: number of resamples, at least 1.
        generator: source of the resamples.

    Raises:
        Invalid: no fraud or no good row, a score that is not finite, or of another length.
    """
    if not 0 < int(test.fraud.sum()) < test.fraud.size:
        raise Invalid("expected a test week with frauds and good payments")
    rankings = {name: Ranking(test, score) for name, score in scores.items()}
    cards, place = np.unique(test.card, return_inverse=True)
    once = np.ones(cards.size, dtype=np.int64)
    resampled = {name: np.empty((draws, len(METRICS))) for name in scores}
    for draw in range(draws):
        copies = np.bincount(generator.integers(0, cards.size, cards.size), minlength=cards.size)
        weight = copies[place]
        for name, ranking in rankings.items():
            resampled[name][draw] = ranking.metrics(weight, copies)
    point = {name: ranking.metrics(once[place], once) for name, ranking in rankings.items()}
    return Judged(point, resampled)


class Ranking:
    """The rows of a test week in the order of one model's scores, judged under any weights.

    Ties count half in the area under the curve and are one threshold in average precision; among
    cards of equal score the lower card number is looked at first.

    Raises:
        Invalid: a score that is not finite, or another number of scores than rows.

    Example:
        >>> test = TestSet(np.array([True, False, True]), np.array([1, 2, 3]), np.zeros(3, int))
        >>> Ranking(test, np.array([0.9, 0.5, 0.1])).metrics(np.ones(3, int), np.ones(3, int))
        array([0.5       , 0.83333333, 0.02      ])
    """

    def __init__(self, test: TestSet, score: NDArray[np.float64]) -> None:
        if score.shape != test.fraud.shape or not np.isfinite(score).all():
            raise Invalid(
                f"expected {test.fraud.size} finite scores, got shape {score.shape} with "
                f"{int((~np.isfinite(score)).sum())} not finite"
            )
        # Only the frauds' scores divide the ranking: goods between two of them are alike. Codes
        # fall with the score; odd ones tie with a fraud, even ones lie between two.
        levels = np.unique(score[test.fraud])
        rank = np.searchsorted(levels, score, "left") + np.searchsorted(levels, score, "right")
        self._codes = 2 * levels.size + 1
        self._fraud_rows = np.flatnonzero(test.fraud)
        self._good_rows = np.flatnonzero(~test.fraud)
        code = self._codes - 1 - rank
        self._fraud_code, self._good_code = code[self._fraud_rows], code[self._good_rows]
        self._card_days = _card_days(test, score)

    def metrics(self, weight: NDArray[np.int64], copies: NDArray[np.int64]) -> NDArray[np.float64]:
        """The three ``METRICS``, shape ``(3,)``; NaN where the weights leave no class.

        Args:
            weight: how often each row counts, shape ``(n,)``.
            copies: how often each card counts, in ascending order of cards, shape ``(cards,)``.
        """
        frauds = self._counted(self._fraud_code, weight[self._fraud_rows])
        goods = self._counted(self._good_code, weight[self._good_rows])
        caught, alarmed = np.cumsum(frauds), np.cumsum(frauds + goods)
        total, good = int(caught[-1]), int(alarmed[-1] - caught[-1])
        if total == 0 or good == 0:  # a resample without a class says nothing
            return np.full(len(METRICS), np.nan)
        # Twice the area, in whole numbers: exact up to the last division.
        twice = int((goods * (2 * caught - frauds)).sum())
        steps = frauds > 0
        precision = caught[steps] / alarmed[steps]
        average = float((frauds[steps] * precision).sum()) / total
        return np.array([twice / (2 * total * good), average, self._card_precision(copies)])

    def _counted(self, code: NDArray[np.int64], weight: NDArray[np.int64]) -> NDArray[np.int64]:
        # Sums of whole numbers far below 2**53: the doubles in between lose nothing.
        return np.bincount(code, weights=weight, minlength=self._codes).astype(np.int64)

    def _card_precision(self, copies: NDArray[np.int64]) -> float:
        left = copies.copy()
        found = 0
        for cards, compromised in self._card_days:
            here = left[cards]
            before = np.cumsum(here) - here
            looked_at = np.clip(REVIEWED_CARDS - before, 0, here)
            hits = np.where(compromised, looked_at, 0)
            left[cards] -= hits  # a card found compromised is blocked from then on
            found += int(hits.sum())
        return found / (REVIEWED_CARDS * len(self._card_days))


def _card_days(
    test: TestSet, score: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Per day: the places of its cards by falling highest score, and which had a fraud."""
    _, place = np.unique(test.card, return_inverse=True)
    days = []
    for day in np.unique(test.day):
        rows = np.flatnonzero(test.day == day)
        cards, inside = np.unique(place[rows], return_inverse=True)
        highest = np.full(cards.size, -np.inf)
        np.maximum.at(highest, inside, score[rows])
        compromised = np.bincount(inside, weights=test.fraud[rows]) > 0
        order = np.argsort(-highest, kind="stable")
        days.append((cards[order].astype(np.int64), compromised[order]))
    return days


def _interval(value: float, draws: NDArray[np.float64]) -> Interval:
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.nanquantile(draws, [tail, 1.0 - tail])
    return Interval(float(value), float(low), float(high), CONFIDENCE)
