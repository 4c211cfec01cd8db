"""Expected costs: hand-computed, at the edges, and in agreement with the cheapest outcome."""

import pytest
from tests.unit.decisions.small import COSTS

from assay.core.errors import Invalid
from assay.decisions.cost import cheapest, expected_costs, loss_avoided
from assay.decisions.outcome import Outcome


@pytest.mark.parametrize(
    ("probability", "amount", "approve", "review", "block"),
    [
        (0.0, 0, 0.0, 300 + 0.1 * 500, 500.0),
        (1.0, 0, 1_500.0, 300 + 0.1 * 1_500, 0.0),
        (0.5, 10_000, 5_750.0, 300 + 0.1 * (5_750 + 750), 750.0),
    ],
)
def test_costs_are_those_of_the_formula(
    probability: float, amount: int, approve: float, review: float, block: float
) -> None:
    assert expected_costs(COSTS, probability, amount) == {
        Outcome.APPROVE: approve,
        Outcome.REVIEW: review,
        Outcome.BLOCK: block,
    }


def test_the_cheapest_outcome_moves_with_the_probability() -> None:
    outcomes = [cheapest(COSTS, p, 50_000) for p in (0.001, 0.3, 0.999)]
    assert outcomes == [Outcome.APPROVE, Outcome.REVIEW, Outcome.BLOCK]


def test_a_larger_amount_is_looked_at_earlier() -> None:
    assert cheapest(COSTS, 0.02, 1_000) is Outcome.APPROVE
    assert cheapest(COSTS, 0.02, 100_000) is Outcome.REVIEW


def test_a_review_that_saves_nothing_is_negative() -> None:
    assert loss_avoided(COSTS, 0.0, 1_000) < 0 < loss_avoided(COSTS, 0.3, 50_000)


@pytest.mark.parametrize(
    ("probability", "amount"), [(-0.1, 1), (1.1, 1), (float("nan"), 1), (0.5, -1)]
)
def test_what_is_no_probability_or_amount_is_refused(probability: float, amount: int) -> None:
    with pytest.raises(Invalid, match="expected"):
        expected_costs(COSTS, probability, amount)
