"""The protocol's rows and metrics, against a literal reading of the handbook."""

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.time import DAY, HOUR, parse_time
from assay.models.metrics import auc, average_precision, card_precision_at_k
from assay.workloads.cards.comparison import METRICS, Ranking, judge
from assay.workloads.cards.protocol import TEST_WEEK, VALIDATION_WEEKS, TestSet, Week

WEEK = Week(parse_time("2018-06-20T00:00:00Z"))


def handbook_rows(
    day: NDArray[np.int64], card: NDArray[np.int64], fraud: NDArray[np.bool_], first: int
) -> list[int]:
    """Chapter 3's loop over test days, with sets, as one would explain it on a board."""
    compromised = {
        int(card[i]) for i in range(day.size) if first <= day[i] < first + 7 and fraud[i]
    }
    kept = []
    for number in range(7):
        known_day = first + 7 + number - 1
        compromised |= {int(card[i]) for i in range(day.size) if day[i] == known_day and fraud[i]}
        kept += [
            i
            for i in range(day.size)
            if day[i] == first + 14 + number and int(card[i]) not in compromised
        ]
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_test_rows_are_the_handbooks(seed: int) -> None:
    generator = np.random.default_rng(seed)
    at = WEEK.train_start - 3 * DAY + np.sort(generator.integers(0, 26 * 24, 600)) * HOUR
    card, fraud = generator.integers(0, 80, 600), generator.random(600) < 0.08
    expected = handbook_rows(at // DAY, card, fraud, WEEK.train_start // DAY)
    assert WEEK.test_rows(at, card, fraud).tolist() == expected
    in_training = (at >= WEEK.train_start) & (at < WEEK.train_start + 7 * DAY)
    assert WEEK.train_rows(at).tolist() == np.flatnonzero(in_training).tolist()


def test_the_weeks_are_those_of_the_published_table() -> None:
    assert TEST_WEEK.start == parse_time("2018-08-08T00:00:00Z")
    assert TEST_WEEK.cutoff == parse_time("2018-08-01T00:00:00Z")
    assert TEST_WEEK.train_start == parse_time("2018-07-25T00:00:00Z")


def test_everything_about_a_validation_week_is_known_before_the_test_week() -> None:
    assert all(week.end + 7 * DAY <= TEST_WEEK.start for week in VALIDATION_WEEKS)


def test_a_week_starts_at_midnight() -> None:
    with pytest.raises(Invalid, match="midnight"):
        Week(TEST_WEEK.start + HOUR)


def scored(seed: int, rows: int = 900, levels: int = 50) -> tuple[TestSet, NDArray[np.float64]]:
    """Rows of 250 cards over three days with scores on few levels: ties everywhere."""
    generator = np.random.default_rng(seed)
    fraud = generator.random(rows) < 0.1
    score = generator.integers(0, levels, rows) / levels + 0.4 * fraud
    test = TestSet(fraud, generator.integers(0, 250, rows), np.sort(generator.integers(0, 3, rows)))
    return test, score


@pytest.mark.parametrize("seed", range(4))
def test_metrics_equal_the_model_rooms(seed: int) -> None:
    test, score = scored(seed)
    cards = np.unique(test.card).size
    found = Ranking(test, score).metrics(
        np.ones(test.fraud.size, np.int64), np.ones(cards, np.int64)
    )
    labels = test.fraud.astype(np.int64)
    assert found[0] == pytest.approx(auc(score, labels), abs=1e-14)
    assert found[1] == pytest.approx(average_precision(score, labels), abs=1e-14)
    expected = card_precision_at_k(score, labels, test.card, test.day, 100)
    assert found[2] == pytest.approx(expected, abs=1e-14)


def test_weights_mean_what_repeated_rows_mean() -> None:
    """A card drawn twice counts as two cards with the same payments."""
    test, score = scored(9)
    cards, place = np.unique(test.card, return_inverse=True)
    copies = np.random.default_rng(1).integers(0, 3, cards.size)
    weight = copies[place]
    rows = np.repeat(np.arange(place.size), weight)
    twin = np.concatenate([np.arange(count) for count in weight])
    repeated = TestSet(test.fraud[rows], test.card[rows] * 10 + twin, test.day[rows])
    labels = repeated.fraud.astype(np.int64)
    found = Ranking(test, score).metrics(weight, copies)
    assert found[0] == pytest.approx(auc(score[rows], labels), abs=1e-14)
    assert found[1] == pytest.approx(average_precision(score[rows], labels), abs=1e-14)
    expected = card_precision_at_k(score[rows], labels, repeated.card, repeated.day, 100)
    assert found[2] == pytest.approx(expected, abs=1e-14)


def test_a_model_does_not_differ_from_itself() -> None:
    test, score = scored(2)
    judged = judge(
        test, {"a": score, "b": score.copy()}, draws=50, generator=np.random.default_rng(0)
    )
    for metric in METRICS:
        gap = judged.difference("a", "b", metric)
        assert (gap.value, gap.low, gap.high) == (0.0, 0.0, 0.0)
        own = judged.interval("a", metric)
        assert own.low < own.value < own.high


def test_the_same_seed_gives_the_same_intervals() -> None:
    test, score = scored(3)
    first, again = (
        judge(test, {"a": score}, draws=40, generator=np.random.default_rng(7)).draws["a"]
        for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_a_better_model_is_better_beyond_doubt() -> None:
    test, _ = scored(4)
    noise = np.random.default_rng(0).random(test.fraud.size)
    judged = judge(
        test,
        {"good": noise + test.fraud, "bad": noise},
        draws=200,
        generator=np.random.default_rng(0),
    )
    assert judged.difference("good", "bad", "auc_roc").low > 0.2


@pytest.mark.parametrize("wrong", [np.array([0.1, 0.2]), np.array([0.1, np.nan, 0.3])])
def test_scores_that_are_not_numbers_of_the_rows_are_refused(wrong: NDArray[np.float64]) -> None:
    test = TestSet(np.array([True, False, True]), np.array([1, 2, 3]), np.zeros(3, np.int64))
    with pytest.raises(Invalid, match="3 finite scores"):
        Ranking(test, wrong)


def test_a_week_without_fraud_cannot_be_judged() -> None:
    test = TestSet(np.array([False, False]), np.array([1, 2]), np.zeros(2, np.int64))
    with pytest.raises(Invalid, match="frauds and good"):
        judge(test, {}, draws=1, generator=np.random.default_rng(0))
