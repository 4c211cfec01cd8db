"""Known answers for tests of calibration."""

import numpy as np
import pytest
from scipy.special import expit

from assay.core.errors import Invalid
from assay.models.calibration import (
    binomial_test,
    calibration_line,
    hosmer_lemeshow,
    jeffreys_test,
    murphy,
    spiegelhalter,
)
from assay.models.metrics import brier


def test_jeffreys_and_binomial_are_the_known_values() -> None:
    assert round(jeffreys_test(1000, 20, 0.01), 8) == 0.00223073
    assert round(jeffreys_test(1000, 12, 0.01), 8) == 0.25238123
    assert round(jeffreys_test(500, 0, 0.005), 8) == 0.97487209
    assert round(binomial_test(1000, 20, 0.01), 8) == 0.00328836


def test_spiegelhalter_is_the_known_value() -> None:
    forecast = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    z, p = spiegelhalter(forecast, np.array([0, 0, 1, 0, 1, 0, 1, 1, 1, 1]))
    assert (round(z, 8), round(p, 5)) == (-0.41103969, 0.68104)


def test_spiegelhalter_rejects_true_forecasts_about_one_time_in_twenty() -> None:
    rng = np.random.default_rng(2)
    forecast = rng.beta(1, 9, 800)
    low = sum(spiegelhalter(forecast, rng.random(800) < forecast)[1] < 0.05 for _ in range(400))
    assert 6 <= low <= 38


def test_spiegelhalter_is_not_defined_for_certain_forecasts() -> None:
    with pytest.raises(Invalid, match="not defined"):
        spiegelhalter(np.array([0.0, 1.0, 0.5]), np.array([0, 1, 1]))


def test_calibration_line_finds_the_distortion_that_was_put_in() -> None:
    rng = np.random.default_rng(8)
    odds = rng.normal(-2, 1.5, 60_000)
    labels = (rng.random(60_000) < expit(0.3 + 0.7 * odds)).astype(np.int8)
    found = calibration_line(expit(odds), labels)
    assert found.slope == pytest.approx(0.7, abs=3.5 * found.slope_error)
    assert found.intercept == pytest.approx(0.3, abs=3.5 * found.intercept_error)
    assert 0 < found.slope_error < 0.02


@pytest.mark.parametrize(
    ("probs", "labels"),
    [
        ([0.0, 0.5], [0, 1]),
        ([0.2, 0.2], [0, 1]),
        ([0.2, 0.3], [0, 0]),
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),
    ],
)
def test_calibration_line_refuses_what_has_no_finite_answer(
    probs: list[float], labels: list[int]
) -> None:
    with pytest.raises(Invalid):
        calibration_line(np.array(probs), np.array(labels))


def test_hosmer_lemeshow_of_two_groups_by_hand() -> None:
    """Groups of two at 0.25 and 0.5 expect 0.5 and 1 frauds and hold 1 and 1."""
    value, p = hosmer_lemeshow(np.array([0.25, 0.25, 0.5, 0.5]), np.array([1, 0, 1, 0]), 2)
    assert value == pytest.approx(0.25 / 0.375)
    assert p == pytest.approx(np.exp(-value / 2))
    with pytest.raises(Invalid):
        hosmer_lemeshow(np.array([0.0, 0.0, 0.5, 0.5]), np.array([0, 0, 1, 0]), 2)


def test_murphy_parts_add_up_to_the_brier_score() -> None:
    rng = np.random.default_rng(3)
    probs = rng.integers(0, 11, 2_000) / 10
    labels = (rng.random(2_000) < probs**2).astype(np.int8)
    parts = murphy(probs, labels)
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(
        brier(probs, labels)
    )
