"""What does the classic skew cost on card payments that nobody here wrote? Planted, and measured.

As in ``skew``: one model learns from the values at each payment, one from those of a table made at
the midnight before it, with the same definitions by the same kernel; both are asked about the same
later payments. The weeks asked about are those on which anything may be chosen
(``workloads.cards.protocol``): the handbook's test week is not looked at.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.time import DAY, format_time
from assay.models.intervals import Interval
from assay.models.train import Trained
from assay.runtime.cards import train_history, week_scores
from assay.runtime.cards_frames import (
    CardsFrames,
    earlier,
    fed,
    known_span,
    own_frames,
    vectors_at,
)
from assay.runtime.skew import NAME, ModelFigures, ValueSkew, value_skew
from assay.workloads.cards.comparison import METRICS, judge
from assay.workloads.cards.features import CATALOG
from assay.workloads.cards.payments import Payments
from assay.workloads.cards.protocol import VALIDATION_WEEKS, Week
from assay.workloads.cards.selection import PRIMARY, SEED

Progress = Callable[[str], None]
Scores = Mapping[str, NDArray[np.float64]]

DRAWS = 500  #: resamples of the cards
SOUND, BELIEVED, SERVED = "sound", "believed", "served"


class FedModel(ModelFigures, frozen=True):
    """How well a model ranks a week's payments, and how many of 100 cards a day are right."""

    card_precision_at_100: float


class WeekSkew(msgspec.Struct, frozen=True, kw_only=True):
    """What the skew does to the models of one week.

    ``believed`` is what the team with the snapshots measures offline, ``served`` what it gets in
    production, ``sound`` the model that was trained on what is served. ``lost`` is served minus
    sound, ``promised`` believed minus served, by metric and on the same draws of cards.
    ``rank_shift`` is the mean change of a payment's rank by the snapshot model, as a share of all.
    """

    week: str
    train_payments: int
    test_payments: int
    test_frauds: int
    sound: FedModel
    believed: FedModel
    served: FedModel
    lost: dict[str, Interval]
    promised: dict[str, Interval]
    rank_shift: float


class CardsSkew(msgspec.Struct, frozen=True, kw_only=True):
    """The skew on a card stream, value by value over ``rows`` payments, and week by week."""

    name: str
    rows: int
    values: tuple[ValueSkew, ...]
    weeks: tuple[WeekSkew, ...]
    draws: int
    seed: int

    @property
    def share(self) -> float:
        """Of all values, those that differ."""
        total = sum(one.rows for one in self.values)
        return sum(one.differing for one in self.values) / total if total else 0.0

    @property
    def mean_lost(self) -> dict[str, float]:
        """Served minus sound by metric, the mean over the weeks."""
        found = {name: [week.lost[name].value for week in self.weeks] for name in METRICS}
        return {name: sum(lost) / len(lost) for name, lost in found.items()}


def measure_cards_skew(
    payments: Payments,
    *,
    weeks: Sequence[Week] = VALIDATION_WEEKS,
    draws: int = DRAWS,
    threads: int = 1,
    progress: Progress = lambda _: None,
) -> CardsSkew:
    """Plant the skew on a stream and measure it.

    Args:
        payments: the stream.
        weeks: those asked about, the newest last; each has models of its own, trained on what was
            known when it began.
        draws: resamples of each week's cards.
        threads: of LightGBM; another number may give other trees.
        progress: told what is being done.

    Raises:
        Invalid: no week, or the stream does not reach to the end of the newest.
        NotEnoughData: too few frauds are known by the first instant of a week.
    """
    if not weeks:
        raise Invalid("expected at least one week to ask about")
    newest = max(weeks, key=lambda week: week.start)
    if not len(payments) or int(payments.at[-1]) < newest.end - DAY:
        raise Invalid(f"expected payments up to {format_time(newest.end)}, the stream ends before")
    live = own_frames(payments, newest, progress)
    rows = known_span(payments, newest)
    progress(f"computing them again as of the midnight before each of {rows.size:,} payments")
    midnight = vectors_at(CATALOG, payments, rows, payments.at[rows] // DAY * DAY)
    stale = fed(live, midnight)
    values = tuple(value_skew(live.vectors, midnight))
    measured = []
    for week in weeks:
        progress(f"training both models for the week of {format_time(week.start)[:10]}")
        measured.append(_week(earlier(live, week), earlier(stale, week), draws, threads))
    return CardsSkew(
        name=NAME, rows=rows.size, values=values, weeks=tuple(measured), draws=draws, seed=SEED
    )


def _week(live: CardsFrames, stale: CardsFrames, draws: int, threads: int) -> WeekSkew:
    sound = train_history(live, PRIMARY, threads=threads)
    skewed = train_history(stale, PRIMARY, threads=threads)
    scores = _scores(live, stale, sound, skewed)
    test = live.test
    judged = judge(test, scores, draws=draws, generator=np.random.default_rng(SEED))

    def figures(name: str, trained_on: str, given: str) -> FedModel:
        return FedModel(trained_on, given, *(float(value) for value in judged.point[name]))

    return WeekSkew(
        week=format_time(live.week.start)[:10],
        train_payments=sound.rows["fit"],
        test_payments=int(test.fraud.size),
        test_frauds=int(test.fraud.sum()),
        sound=figures(SOUND, "values of T", "values of T"),
        believed=figures(BELIEVED, "midnight", "midnight"),
        served=figures(SERVED, "midnight", "values of T"),
        lost={metric: judged.difference(SERVED, SOUND, metric) for metric in METRICS},
        promised={metric: judged.difference(BELIEVED, SERVED, metric) for metric in METRICS},
        rank_shift=float(np.abs(_ranks(scores[SERVED]) - _ranks(scores[BELIEVED])).mean()),
    )


def _scores(live: CardsFrames, stale: CardsFrames, sound: Trained, skewed: Trained) -> Scores:
    return {
        SOUND: week_scores(live, sound),
        BELIEVED: week_scores(stale, skewed),
        SERVED: week_scores(live, skewed),
    }


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place of each score among all, from 0 to 1; equal scores share one."""
    return np.searchsorted(np.sort(scores), scores, "left") / max(scores.size, 1)
