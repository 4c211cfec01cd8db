"""What do mistakes cost a card issuer, and how many payments can be looked at?"""

from assay.decisions.policy import Costs
from assay.workloads.cards.contracts import CURRENCY, LABEL_DELAY
from assay.workloads.cards.protocol import REVIEWED_CARDS

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

#: Cards a day that the handbook's investigators look at.
CAPACITY_PER_DAY = REVIEWED_CARDS
#: Every outcome is known by then.
MATURITY = LABEL_DELAY
