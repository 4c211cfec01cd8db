"""What does each outcome cost on average, given a probability of fraud and an amount?

The same numbers choose the bands and explain a decision, so they cannot disagree.
"""

from assay.core.errors import Invalid
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Costs


def expected_costs(costs: Costs, probability: float, amount: int) -> dict[Outcome, float]:
    """Expected cost in minor units of approving, reviewing and blocking.

    With ``p`` the probability of fraud, ``F`` the cost of fraud that gets through and ``B`` the
    cost of a blocked good request: approving costs ``p F``, blocking ``(1 - p) B``, and a review
    ``review_fixed`` plus, with the reviewer's error rate ``e``, ``e (p F + (1 - p) B)``.

    Args:
        costs: the cost matrix of the policy.
        probability: calibrated, in [0, 1].
        amount: whole minor units, at least 0.

    Raises:
        Invalid: a probability outside [0, 1] or a negative amount.

    Example:
        >>> costs = Costs(currency="EUR", fraud_share=1.0, fraud_fixed=1500, block_share=0.1,
        ...               block_fixed=500, review_fixed=300, reviewer_error=0.1)
        >>> found = expected_costs(costs, 0.2, 10_000)
        >>> {outcome.value: round(cost) for outcome, cost in found.items()}
        {'approve': 2300, 'review': 650, 'block': 1200}
    """
    if not 0.0 <= probability <= 1.0:
        raise Invalid(f"expected a probability between 0 and 1, got {probability!r}")
    if amount < 0:
        raise Invalid(f"expected an amount of at least 0 minor units, got {amount}")
    missed = probability * (costs.fraud_share * amount + costs.fraud_fixed)
    refused = (1.0 - probability) * (costs.block_share * amount + costs.block_fixed)
    return {
        Outcome.APPROVE: missed,
        Outcome.REVIEW: costs.review_fixed + costs.reviewer_error * (missed + refused),
        Outcome.BLOCK: refused,
    }


def cheapest(costs: Costs, probability: float, amount: int) -> Outcome:
    """The outcome of least expected cost; the milder one of two that cost the same."""
    found = expected_costs(costs, probability, amount)
    return min(found, key=lambda outcome: (found[outcome], outcome.severity))


def loss_avoided(costs: Costs, probability: float, amount: int) -> float:
    """What a review is expected to save over the better of approving and blocking, minor units.

    Negative where a review is not worth its cost; queues are ordered by it.
    """
    found = expected_costs(costs, probability, amount)
    return min(found[Outcome.APPROVE], found[Outcome.BLOCK]) - found[Outcome.REVIEW]
