"""Known answers and scikit-learn as an oracle for the metrics."""

import numpy as np
import pytest

from assay.core.errors import Invalid
from assay.models.metrics import (
    OneClass,
    auc,
    average_precision,
    brier,
    card_precision_at_k,
    expected_calibration_error,
    gini,
    ks,
    log_loss,
    precision_at_budget,
    recall_at_budget,
    value_detected,
)

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="the peers extra is the oracle")
sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="the peers extra is the oracle")


def test_auc_with_a_tie_across_classes_is_the_published_value() -> None:
    labels = np.array([0, 0, 1, 1, 1, 0])
    scores = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.6])
    assert round(auc(scores, labels), 6) == 0.611111
    assert gini(scores, labels) == pytest.approx(2 * 11 / 18 - 1)


def test_breast_cancer_areas_and_ks_are_the_known_ones() -> None:
    x, y = sklearn_datasets.load_breast_cancer(return_X_y=True)
    malignant = 1 - y
    assert round(auc(x[:, 0], malignant), 6) == 0.937517
    assert round(auc(x[:, 1], malignant), 6) == 0.775824
    assert round(ks(x[:, 0], malignant), 9) == 0.728621637


@pytest.mark.parametrize("levels", [3, 50, 10_000])
def test_areas_equal_scikit_learn_with_few_and_many_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    scores = rng.integers(0, levels, 3_000) / levels
    labels = (rng.random(3_000) < 0.1 + 0.3 * scores).astype(np.int8)
    assert auc(scores, labels) == pytest.approx(sklearn_metrics.roc_auc_score(labels, scores))
    assert average_precision(scores, labels) == pytest.approx(
        sklearn_metrics.average_precision_score(labels, scores)
    )
    assert brier(scores, labels) == pytest.approx(sklearn_metrics.brier_score_loss(labels, scores))
    inside = np.clip(scores, 0.01, 0.99)
    assert log_loss(inside, labels) == pytest.approx(sklearn_metrics.log_loss(labels, inside))


def test_brier_is_the_known_value() -> None:
    assert brier(np.array([0.9, 0.2, 0.7, 0.6, 0.4]), np.array([1, 0, 1, 1, 0])) == pytest.approx(
        0.092
    )


def test_log_loss_of_a_certain_error_is_finite() -> None:
    assert log_loss(np.array([0.0, 1.0]), np.array([1, 0])) == pytest.approx(34.538776, rel=1e-3)


def test_ece_puts_one_in_the_last_bin_and_an_edge_in_the_upper_bin() -> None:
    assert expected_calibration_error(np.array([1.0]), np.array([1]), 10) == 0.0
    # 0.5 belongs to the upper of two bins: alone there, its gap is 0.5; so is that of 0.4.
    probs, labels = np.array([0.4, 0.5]), np.array([0, 1])
    assert expected_calibration_error(probs, labels, 2) == pytest.approx(0.45)
    assert expected_calibration_error(probs, labels, 1) == pytest.approx(0.05)


def test_ece_equals_a_plain_loop_over_bins() -> None:
    rng = np.random.default_rng(4)
    probs = rng.integers(0, 64, 5_000) / 64  # binary fractions: no bin edge is rounded
    labels = (rng.random(5_000) < probs).astype(np.int8)
    total = 0.0
    for index in range(16):
        low, high = index / 16, (index + 1) / 16
        held = [
            (p, y) for p, y in zip(probs.tolist(), labels.tolist(), strict=True) if low <= p < high
        ]
        if held:
            total += abs(sum(p for p, _ in held) - sum(y for _, y in held))
    assert expected_calibration_error(probs, labels, 16) == pytest.approx(total / 5_000)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.bool_, np.float64])
def test_ece_of_many_rows_has_the_bits_of_the_numpy_path(
    kind: type[np.generic], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    probs = rng.random(20_000)
    labels = (rng.random(20_000) < probs).astype(kind)
    small = expected_calibration_error(probs, labels, 15)
    monkeypatch.setattr("assay.models.metrics._COMPILED_ROWS_MIN", 1)
    assert expected_calibration_error(probs, labels, 15) == small
    for bad in (np.nan, 1.5, -0.1):
        with pytest.raises(Invalid):
            expected_calibration_error(np.append(probs, bad), np.append(labels, kind(1)), 15)
    with pytest.raises(Invalid):
        expected_calibration_error(probs, labels[:-1], 15)


@pytest.mark.parametrize(
    ("probs", "labels", "bins"),
    [
        ([], [], 10),
        ([0.5], [0, 1], 10),
        ([1.5], [1], 10),
        ([-0.1], [1], 10),
        ([float("nan")], [1], 10),
        ([0.5], [2], 10),
        ([0.5], [1], 0),
    ],
)
def test_ece_refuses_what_has_no_meaning(probs: list[float], labels: list[int], bins: int) -> None:
    with pytest.raises(Invalid):
        expected_calibration_error(np.array(probs), np.array(labels), bins)


def test_one_class_is_refused_and_not_scored() -> None:
    with pytest.raises(OneClass):
        auc(np.array([0.1, 0.2]), np.array([1, 1]))
    with pytest.raises(OneClass):
        average_precision(np.array([0.1, 0.2]), np.array([0, 0]))


def test_budget_is_per_day_and_ties_are_taken_in_order() -> None:
    scores = np.array([0.5, 0.5, 0.5, 0.9, 0.1])
    labels = np.array([0, 1, 1, 1, 0])
    day = np.array([1, 1, 1, 2, 2])
    amount = np.array([10, 20, 30, 40, 50])
    assert recall_at_budget(scores, labels, day, 1) == pytest.approx(1 / 3)
    assert recall_at_budget(scores, labels, day, 2) == pytest.approx(2 / 3)
    assert precision_at_budget(scores, labels, day, 1) == pytest.approx(1 / 2)
    assert value_detected(scores, labels, day, amount, 2) == pytest.approx(60 / 90)


def test_budget_larger_than_a_day_takes_the_whole_day() -> None:
    scores, labels = np.array([0.3, 0.1]), np.array([1, 0])
    assert precision_at_budget(scores, labels, np.array([5, 5]), 100) == 0.5
    with pytest.raises(Invalid, match="budget"):
        precision_at_budget(scores, labels, np.array([5, 5]), 0)


def test_card_precision_counts_cards_once_and_drops_those_found_before() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.9, 0.2])
    labels = np.array([1, 1, 0, 1, 1])
    card = np.array(["a", "a", "b", "a", "c"])
    day = np.array([1, 1, 1, 2, 2])
    # Day 1: cards a (fraud) and b; day 2: a was found, so c alone fills one of two places.
    assert card_precision_at_k(scores, labels, card, day, 2) == pytest.approx((0.5 + 0.5) / 2)
    assert card_precision_at_k(scores, labels, card, day, 2, drop_detected=False) == pytest.approx(
        (0.5 + 1.0) / 2
    )


def _handbook(
    scores: list[float], labels: list[int], card: list[int], day: list[int], k: int
) -> float:
    """Card precision written the slow way, from the definition in words."""
    found: set[int] = set()
    daily = []
    for today in sorted(set(day)):
        risk: dict[int, float] = {}
        bad: dict[int, int] = {}
        for s, y, c, d in zip(scores, labels, card, day, strict=True):
            if d == today and c not in found:
                risk[c] = max(risk.get(c, s), s)
                bad[c] = max(bad.get(c, 0), y)
        best = sorted(risk, key=lambda c: (-risk[c], c))[:k]
        caught = {c for c in best if bad[c]}
        daily.append(len(caught) / k)
        found |= caught
    return sum(daily) / len(daily)


def test_card_precision_equals_the_definition_written_out() -> None:
    rng = np.random.default_rng(11)
    n = 4_000
    scores, card = rng.integers(0, 40, n) / 40, rng.integers(0, 300, n)
    labels, day = (rng.random(n) < 0.05).astype(np.int8), rng.integers(0, 7, n)
    assert card_precision_at_k(scores, labels, card, day, 20) == pytest.approx(
        _handbook(scores.tolist(), labels.tolist(), card.tolist(), day.tolist(), 20)
    )
