"""The checkout of a marketplace as one value."""

from assay.workloads.checkout.contracts import BOOKING, CONTRACTS
from assay.workloads.checkout.derived import TextScorer
from assay.workloads.checkout.features import catalog
from assay.workloads.checkout.policy import (
    CAPACITY_PER_DAY,
    COSTS,
    LISTS,
    MATURITY,
    RULES,
    SEGMENTS,
)
from assay.workloads.workload import Workload


def checkout(text_model: TextScorer) -> Workload:
    """The workload with the given model of messages inside its catalog."""
    values = catalog(text_model)
    return Workload(
        name="checkout",
        contracts=CONTRACTS,
        request=BOOKING,
        catalog=values,
        rules=RULES,
        lists=LISTS,
        costs=COSTS,
        capacity=CAPACITY_PER_DAY,
        amount_field="amount",
        entity_field="user_id",
        inputs=values.names,
        maturity=MATURITY,
        segments=SEGMENTS,
    )
