"""What do mistakes cost a card issuer, how many cards can be looked at, what does a model see?"""

from assay.decisions.policy import Costs
from assay.workloads.cards.contracts import CONTRACTS, CURRENCY, LABEL_DELAY, TRANSACTION
from assay.workloads.cards.features import CATALOG
from assay.workloads.cards.protocol import REVIEWED_CARDS
from assay.workloads.cards.rules import RULES
from assay.workloads.cards.selection import CHOSEN
from assay.workloads.workload import Workload

#: Assumptions, not measurements: a fraud loses the amount and a chargeback fee of 15.00; a
#: wrongly refused payment loses the interchange (about 1.5 %) and a call worth 4.00; a review
#: takes five minutes of an analyst, who is wrong one time in twenty.
COSTS = Costs(
    currency=CURRENCY,
    fraud_share=1.0,
    fraud_fixed=1_500,
    block_share=0.015,
    block_fixed=400,
    review_fixed=250,
    reviewer_error=0.05,
)

WORKLOAD = Workload(
    name="cards",
    contracts=CONTRACTS,
    request=TRANSACTION,
    catalog=CATALOG,
    rules=RULES,
    lists=(),
    costs=COSTS,
    capacity=REVIEWED_CARDS,
    amount_field="amount",
    entity_field="customer_id",
    inputs=CHOSEN.inputs,
    maturity=LABEL_DELAY,
    about={
        "segments": "the public stream says nothing about people, so there are none to compare",
        "history": "windows reach 60 days back, and to the first payment of a customer",
    },
)
