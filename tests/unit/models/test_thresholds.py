"""Bands: known optimum without capacity, honest play with it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.models.thresholds import CostRates, choose_bands, play_bands, realised_cost

RATES = CostRates(
    fraud_share=1.0,
    fraud_fixed=0.0,
    block_share=0.0,
    block_fixed=100.0,
    review_fixed=10.0,
    reviewer_error=0.0,
)


def test_without_reviewers_the_cut_is_where_both_mistakes_cost_the_same() -> None:
    """Elkan: block from cost_false_block / (cost_false_block + cost_fraud) = 100 / 1000."""
    probability = np.arange(1, 1000) / 1000
    amount = np.full(999, 900)
    found = choose_bands(probability, amount, np.zeros(999, dtype=np.int64), RATES, 0)
    assert found.block_at == pytest.approx(0.1, rel=0.15)  # as fine as the candidates are
    assert found.expected_cost <= min(found.approve_all_cost, found.block_at_half_cost)
    assert {choice.reviews for choice in found.table} == {0}


def test_with_unlimited_perfect_reviewers_only_doubtful_cases_are_reviewed() -> None:
    probability = np.array([0.001, 0.001, 0.4, 0.5, 0.6, 0.999])
    amount = np.full(6, 1_000)
    found = choose_bands(probability, amount, np.zeros(6, dtype=np.int64), RATES, 100)
    assert (found.review_at, found.block_at) == (0.4, 0.999)
    assert found.expected_cost == pytest.approx(2 * 1.0 + 3 * 10.0 + 0.1)


def test_the_optimum_equals_a_slow_search_request_by_request() -> None:
    rng = np.random.default_rng(4)
    n = 60
    probability = np.round(rng.beta(0.5, 4, n), 2)
    amount, day = rng.integers(100, 3_000, n), np.sort(rng.integers(0, 3, n))
    costs = CostRates(
        fraud_share=1.0, fraud_fixed=50, block_share=0.2, block_fixed=100, review_fixed=40,
        reviewer_error=0.1,
    )  # fmt: skip
    found = choose_bands(probability, amount, day, costs, 2)
    levels = sorted({*probability.tolist(), float(np.nextafter(probability.max(), 2))})
    slow = min(
        _slow(probability, amount, day, costs, (low, high, 2, way))
        for low in levels
        for high in levels
        if low <= high
        for way in ("approve", "block")
    )
    assert found.expected_cost == pytest.approx(slow)


def test_capacity_holds_even_when_every_score_ties() -> None:
    probability, amount = np.full(500, 0.3), np.full(500, 5_000)
    day = np.repeat(np.arange(5), 100)
    found = choose_bands(probability, amount, day, RATES, 7, overflow="approve")
    choice, given = play_bands(
        probability, amount, day, RATES, (found.review_at, found.block_at, 7, "approve")
    )
    assert choice.reviews_per_day_max <= 7
    assert all((given[day == d] == 1).sum() <= 7 for d in range(5))
    assert np.bincount(given, minlength=3).sum() == 500


def test_slots_go_to_those_who_come_first() -> None:
    choice, given = play_bands(
        np.array([0.3, 0.4, 0.3, 0.9]),
        np.full(4, 1_000),
        np.array([1, 1, 2, 2]),
        RATES,
        (0.2, 0.8, 1, "block"),
    )
    assert given.tolist() == [1, 2, 1, 2]
    assert (choice.reviews, choice.overflowed, choice.blocked) == (2, 1, 1)


def test_realised_cost_charges_what_happened() -> None:
    given, labels = np.array([0, 0, 1, 1, 2, 2], np.int8), np.array([0, 1, 0, 1, 0, 1], np.int8)
    costs = CostRates(
        fraud_share=1.0, fraud_fixed=5, block_share=0.5, block_fixed=1, review_fixed=3,
        reviewer_error=0.1,
    )  # fmt: skip
    amount = np.full(6, 100)
    # missed 105; reviews 3 + 0.1 * 51 and 3 + 0.1 * 105; false block 51
    assert realised_cost(given, labels, amount, costs) == pytest.approx(105 + 8.1 + 13.5 + 51)


def test_one_more_slot_is_worth_something_when_reviews_are_short() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(0.4, 6, 4_000)
    found = choose_bands(
        probability, np.full(4_000, 3_000), np.repeat(np.arange(4), 1_000), RATES, 5
    )
    assert found.slot_value > 0


@pytest.mark.parametrize(
    ("probability", "day", "capacity"),
    [([], [], 1), ([0.5, 1.5], [0, 0], 1), ([0.5, 0.5], [1, 0], 1), ([0.5], [0], -1)],
)
def test_refuses_what_has_no_meaning(
    probability: list[float], day: list[int], capacity: int
) -> None:
    with pytest.raises(Invalid):
        choose_bands(
            np.array(probability),
            np.full(len(probability), 10),
            np.array(day, dtype=np.int64),
            RATES,
            capacity,
        )


def test_costs_below_zero_are_refused() -> None:
    with pytest.raises(Invalid):
        CostRates(
            fraud_share=-1, fraud_fixed=0, block_share=0, block_fixed=0, review_fixed=0,
            reviewer_error=0,
        )  # fmt: skip


def _slow(
    probability: NDArray[np.float64],
    amount: NDArray[np.int64],
    day: NDArray[np.int64],
    costs: CostRates,
    bands: tuple[float, float, int, str],
) -> float:
    review_at, block_at, capacity, overflow = bands
    used: dict[int, int] = {}
    total = 0.0
    for p, a, d in zip(probability.tolist(), amount.tolist(), day.tolist(), strict=True):
        missed = p * (costs.fraud_share * a + costs.fraud_fixed)
        refused = (1 - p) * (costs.block_share * a + costs.block_fixed)
        if p >= block_at:
            total += refused
        elif p >= review_at and used.get(d, 0) < capacity:
            used[d] = used.get(d, 0) + 1
            total += costs.review_fixed + costs.reviewer_error * (missed + refused)
        elif p >= review_at and overflow == "block":
            total += refused
        else:
            total += missed
    return total
