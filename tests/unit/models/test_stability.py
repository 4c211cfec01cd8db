"""Known answers for the population stability index, and the bugs others have."""

import numpy as np
import pytest

from assay.core.errors import Invalid
from assay.models.stability import Bins, psi, psi_noise


def test_psi_is_the_known_value() -> None:
    p = np.array([0.10, 0.20, 0.30, 0.25, 0.15])
    q = np.array([0.08, 0.17, 0.30, 0.28, 0.17])
    assert round(psi(p, q), 8) == 0.01524156
    assert psi(p, q) == pytest.approx(psi(q, p))
    deciles = np.full(10, 0.1)
    moved = np.array([0.05, 0.08, 0.09, 0.10, 0.10, 0.10, 0.11, 0.11, 0.12, 0.14])
    assert round(psi(deciles, moved), 8) == 0.05918536


def test_disjoint_populations_are_far_apart_and_not_at_zero() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.uniform(0, 0.3, 20_000), rng.uniform(0.7, 1.0, 20_000)
    bins = Bins.quantiles(before)
    assert psi(bins.counts(before), bins.counts(now)) == pytest.approx(8.28, abs=0.01)


def test_one_outlier_does_not_hide_a_shift() -> None:
    rng = np.random.default_rng(1)
    before, now = rng.normal(0, 1, 20_000), rng.normal(0.5, 1, 20_000)
    bins = Bins.quantiles(before)
    clean = psi(bins.counts(before), bins.counts(now))
    spoiled = psi(bins.counts(before), bins.counts(np.append(now, 1e4)))
    assert clean == pytest.approx(0.23, abs=0.03)
    assert spoiled == pytest.approx(clean, rel=0.01)


def test_values_that_go_missing_count_as_a_shift() -> None:
    values = np.random.default_rng(2).normal(size=10_000)
    half = values.copy()
    half[::2] = np.nan
    bins = Bins.quantiles(values)
    assert bins.counts(half)[-1] == 5_000
    assert psi(bins.counts(values), bins.counts(half)) > 1.0


def test_bins_lose_no_row_and_put_an_edge_in_the_upper_bin() -> None:
    bins = Bins((1.0, 2.0))
    counts = bins.counts(np.array([-np.inf, 0.9, 1.0, 1.5, 2.0, np.inf, np.nan]))
    assert counts.tolist() == [2, 2, 2, 1]


def test_a_constant_or_unknown_reference_still_gives_bins() -> None:
    assert Bins.quantiles(np.full(100, 3.0)).edges == ()
    assert Bins.quantiles(np.full(100, np.nan)).counts(np.array([1.0, np.nan])).tolist() == [1, 1]
    with pytest.raises(Invalid):
        Bins.quantiles(np.arange(5.0), 1)


def test_noise_is_the_known_critical_value_and_holds_in_simulation() -> None:
    known = {200: 0.1692, 500: 0.0677, 1000: 0.0338, 5000: 0.00677, 20000: 0.00169}
    for rows, value in known.items():
        assert psi_noise(10, rows, rows) == pytest.approx(value, rel=2e-3)
    rng = np.random.default_rng(3)
    over = 0
    for _ in range(400):
        one, two = rng.multinomial(1000, np.full(10, 0.1), size=2)
        over += psi(one, two) > psi_noise(10, 1000, 1000)
    assert 8 <= over <= 36


@pytest.mark.parametrize(
    ("before", "now"), [([1, 2], [1]), ([], []), ([0, 0], [1, 1]), ([-1, 2], [1, 1])]
)
def test_psi_refuses_what_has_no_meaning(before: list[int], now: list[int]) -> None:
    with pytest.raises(Invalid):
        psi(np.array(before), np.array(now))
