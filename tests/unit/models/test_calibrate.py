"""Pooling is exact, the map is monotone, and its bytes read back to the same bits."""

import msgspec
import numpy as np
import pytest

from assay.core.errors import Corrupt, Invalid
from assay.models.calibrate import Calibrator, fit_calibrator, pool_adjacent_violators

sklearn_isotonic = pytest.importorskip("sklearn.isotonic", reason="the peers extra is the oracle")


@pytest.mark.parametrize("levels", [5, 200, 1_000_000])
def test_blocks_equal_scikit_learn_with_and_without_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    raw = rng.integers(0, levels, 2_000) / levels * 6 - 3
    labels = (rng.random(2_000) < 1 / (1 + np.exp(-raw))).astype(np.int8)
    oracle = sklearn_isotonic.IsotonicRegression().fit(raw, labels)
    fitted = np.empty(2_000)
    for block in pool_adjacent_violators(raw, labels):
        fitted[(raw >= block.low) & (raw <= block.high)] = block.frauds / block.rows
    np.testing.assert_allclose(fitted, oracle.predict(raw), atol=1e-12)


def test_block_rates_increase_strictly_and_lose_no_row() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=3_000)
    labels = (rng.random(3_000) < 0.3).astype(np.int8)
    blocks = pool_adjacent_violators(raw, labels)
    rates = [block.frauds / block.rows for block in blocks]
    assert rates == sorted(set(rates))
    assert sum(block.rows for block in blocks) == 3_000
    assert sum(block.frauds for block in blocks) == int(labels.sum())
    assert all(block.low <= block.centre <= block.high for block in blocks)


def test_the_order_of_rows_does_not_matter_to_a_single_bit() -> None:
    rng = np.random.default_rng(2)
    raw = np.round(rng.normal(size=1_000), 1)
    labels = (rng.random(1_000) < 0.2).astype(np.int8)
    mixed = rng.permutation(1_000)
    assert (
        fit_calibrator(raw, labels).to_bytes()
        == fit_calibrator(raw[mixed], labels[mixed]).to_bytes()
    )


def test_one_row_at_a_time_gives_the_bits_of_many() -> None:
    rng = np.random.default_rng(3)
    raw = rng.normal(size=4_000)
    map_ = fit_calibrator(raw, (rng.random(4_000) < 1 / (1 + np.exp(2 - raw))).astype(np.int8))
    asked = np.concatenate([rng.normal(0, 3, 5_000), map_.raw, [-1e308, 1e308]])
    assert [map_(value) for value in asked.tolist()] == map_.rows(asked).tolist()
    assert (np.diff(map_.rows(np.sort(asked))) >= 0).all()


def test_bytes_read_back_to_the_same_map() -> None:
    rng = np.random.default_rng(4)
    raw = rng.normal(size=500)
    map_ = fit_calibrator(raw, (rng.random(500) < 0.4).astype(np.int8))
    again = Calibrator.from_bytes(map_.to_bytes())
    assert again == map_
    assert again.to_bytes() == map_.to_bytes()
    assert again(0.123) == map_(0.123)


def test_pure_ends_get_the_rule_of_succession() -> None:
    raw = np.arange(12.0)
    labels = np.array([0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1], np.int8)
    map_ = fit_calibrator(raw, labels)
    assert (map_(-5.0), map_(50.0)) == (1 / 6, 1 - 1 / 6)


def test_a_pure_end_never_overtakes_its_neighbour() -> None:
    """One good row below a thousand rows of 1 % fraud: 1/3 would turn the order round."""
    raw = np.append(0.0, np.full(1_000, 1.0))
    labels = np.append(0, np.arange(1_000) < 10).astype(np.int8)
    map_ = fit_calibrator(raw, labels)
    assert map_.probability == (0.01, 0.01)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_still_gives_a_probability_inside(label: int) -> None:
    map_ = fit_calibrator(np.array([1.0, 2.0]), np.array([label, label], np.int8))
    assert 0 < map_(0.0) < 1


@pytest.mark.parametrize(
    ("raw", "labels"),
    [([], []), ([1.0], [0, 1]), ([np.inf], [1]), ([np.nan], [1]), ([1.0], [2])],
)
def test_refuses_rows_without_meaning(raw: list[float], labels: list[int]) -> None:
    with pytest.raises(Invalid):
        pool_adjacent_violators(np.array(raw), np.array(labels, dtype=np.int8))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"probability":[0.5],"raw":[]}',
        b'{"probability":[0.5,0.4],"raw":[0.0,1.0]}',
        b'{"probability":[0.4,0.5],"raw":[1.0,1.0]}',
        b'{"probability":[0.4,1.0],"raw":[0.0,1.0]}',
        b'{"probability":[0.4,0.5],"raw":[0.0,1e999]}',
    ],
)
def test_bytes_that_are_no_monotone_map_are_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        Calibrator.from_bytes(data)


def test_struct_holds_plain_doubles() -> None:
    map_ = fit_calibrator(np.array([0.1, 0.2, 0.3]), np.array([0, 1, 1], np.int8))
    assert all(type(value) is float for value in (*map_.raw, *map_.probability))
    assert msgspec.json.decode(map_.to_bytes())["raw"] == list(map_.raw)
