"""Known answers for intervals, and coverage where there is none."""

import numpy as np
import pytest
from scipy.stats import beta

from assay.core.errors import Invalid
from assay.models.intervals import bootstrap_by_group, delong, delong_paired, jeffreys, wilson
from assay.models.metrics import OneClass, auc

sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="the peers extra is the oracle")


def test_paired_delong_is_the_known_z_on_breast_cancer() -> None:
    x, y = sklearn_datasets.load_breast_cancer(return_X_y=True)
    malignant = 1 - y
    texture = delong_paired(x[:, 0], x[:, 1], malignant)
    assert (round(texture.first, 6), round(texture.second, 6)) == (0.937517, 0.775824)
    assert round(texture.z, 6) == 7.308787
    perimeter = delong_paired(x[:, 0], x[:, 2], malignant)
    assert round(perimeter.second, 6) == 0.946898
    assert round(perimeter.z, 6) == -5.101752
    assert perimeter.difference.high < 0


def test_a_score_does_not_differ_from_itself() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.random(200), np.arange(200) % 2
    same = delong_paired(scores, scores, labels)
    assert (same.z, same.p, same.difference.value) == (0.0, 1.0, 0.0)


def test_delong_covers_the_truth_about_as_often_as_it_says() -> None:
    """Scores N(0,1) against N(1,1): the true area is Phi(1 / sqrt 2)."""
    truth, hits = 0.7602499389, 0
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], [400, 80])
    for _ in range(300):
        found = delong(rng.normal(size=480) + labels, labels)
        hits += found.low <= truth <= found.high
    assert 0.91 <= hits / 300 <= 0.985


def test_delong_needs_two_of_each_class() -> None:
    with pytest.raises(Invalid, match="two frauds"):
        delong(np.array([0.1, 0.2, 0.3]), np.array([0, 0, 1]))
    with pytest.raises(OneClass):
        delong(np.array([0.1, 0.2]), np.array([0, 0]))


def test_wilson_is_wilson() -> None:
    """0 of 10 and 8 of 10, from the closed form."""
    none, most = wilson(0, 10), wilson(8, 10)
    assert (none.low, round(none.high, 6)) == (0.0, 0.277533)
    assert (round(most.low, 6), round(most.high, 6)) == (0.490162, 0.943318)


@pytest.mark.parametrize(("hits", "rows"), [(1, 10), (20, 1000), (499, 500)])
def test_jeffreys_is_the_posterior_of_the_half_half_prior(hits: int, rows: int) -> None:
    found = jeffreys(hits, rows, 0.9)
    assert found.low == pytest.approx(beta.ppf(0.05, hits + 0.5, rows - hits + 0.5))
    assert found.high == pytest.approx(beta.ppf(0.95, hits + 0.5, rows - hits + 0.5))


def test_jeffreys_ends_at_zero_and_one() -> None:
    assert jeffreys(0, 5).low == 0.0
    assert jeffreys(5, 5).high == 1.0
    with pytest.raises(Invalid):
        jeffreys(6, 5)
    with pytest.raises(Invalid):
        wilson(0, 0)
    with pytest.raises(Invalid, match="confidence"):
        wilson(1, 2, 1.0)


def test_bootstrap_draws_whole_groups() -> None:
    """Ten copies of each row are one observation: the interval must not shrink."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=60)
    wide = bootstrap_by_group(
        lambda rows: float(values[rows].mean()), np.arange(60), draws=400,
        rng=np.random.default_rng(2),
    )  # fmt: skip
    copies = np.repeat(values, 10)
    grouped = bootstrap_by_group(
        lambda rows: float(copies[rows].mean()), np.repeat(np.arange(60), 10), draws=400,
        rng=np.random.default_rng(2),
    )  # fmt: skip
    assert grouped.value == pytest.approx(wide.value)
    assert (grouped.low, grouped.high) == pytest.approx((wide.low, wide.high))
    expected = 1.96 * values.std() / np.sqrt(60)
    assert (wide.high - wide.low) / 2 == pytest.approx(expected, rel=0.2)


def test_bootstrap_of_a_paired_difference_sees_a_small_but_sure_gain() -> None:
    rng = np.random.default_rng(3)
    labels = (rng.random(2_000) < 0.2).astype(np.int8)
    good = labels + rng.normal(size=2_000)
    worse = good + 0.8 * rng.normal(size=2_000)

    def gain(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        return auc(good[rows], labels[rows]) - auc(worse[rows], labels[rows])

    found = bootstrap_by_group(gain, rng.integers(0, 400, 2_000), draws=200, rng=rng)
    assert 0 < found.low < found.value < found.high


def test_bootstrap_gives_the_same_interval_for_the_same_seed() -> None:
    values = np.arange(50.0)
    one, two = (
        bootstrap_by_group(
            lambda rows: float(values[rows].mean()), np.arange(50), draws=100,
            rng=np.random.default_rng(9),
        )
        for _ in range(2)
    )  # fmt: skip
    assert one == two


def test_bootstrap_refuses_too_little() -> None:
    with pytest.raises(Invalid, match="2 groups"):
        bootstrap_by_group(lambda _: 0.0, np.zeros(5), draws=100, rng=np.random.default_rng(0))
    with pytest.raises(Invalid, match="had an answer"):
        bootstrap_by_group(
            lambda _: float("nan"), np.arange(5), draws=100, rng=np.random.default_rng(0)
        )
