"""Card payments as one value."""

from assay.workloads.cards.contracts import CONTRACTS, TRANSACTION
from assay.workloads.cards.features import CATALOG
from assay.workloads.cards.policy import CAPACITY_PER_DAY, COSTS, MATURITY
from assay.workloads.cards.rules import RULES
from assay.workloads.cards.selection import CHOSEN
from assay.workloads.workload import Workload

CARDS = Workload(
    name="cards",
    contracts=CONTRACTS,
    request=TRANSACTION,
    catalog=CATALOG,
    rules=RULES,
    lists=(),
    costs=COSTS,
    capacity=CAPACITY_PER_DAY,
    amount_field="amount",
    entity_field="customer_id",
    inputs=CHOSEN.inputs,
    maturity=MATURITY,
    about={
        "segments": "the public stream says nothing about people, so there are none to compare",
        "history": "windows reach 60 days back, and to the first payment of a customer",
    },
)
