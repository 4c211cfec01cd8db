"""What does a card issuer tell the platform? Payments, and a week later how they turned out.

Amounts are whole cents. The public stream this workload is measured on names no currency; EUR
stands in for it.
"""

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.label import label_contract
from assay.core.time import DAY

#: How long after a payment its outcome is known: the handbook's assumption, seven days.
LABEL_DELAY = 7 * DAY
#: The highest amount accepted: 1 million EUR in cents.
AMOUNT_MAX = 100_000_000
CURRENCY = "EUR"

CUSTOMER = Field(
    name="customer_id",
    kind="text",
    length_max=64,
    sensitivity="personal",
    about="who pays; one card each, so also the card",
)
TERMINAL = Field(
    name="terminal_id", kind="text", length_max=64, about="the merchant's terminal that is paid at"
)
AMOUNT = Field(
    name="amount", kind="money", unit=CURRENCY, low=0, high=AMOUNT_MAX, about="what is paid"
)
LOCAL_TIME = Field(
    name="local_time",
    kind="time",
    about="the terminal's own clock at the payment, read as if it were UTC",
)

TRANSACTION = EventContract(
    type="transaction",
    version=1,
    keys=("customer_id", "terminal_id"),
    about="A customer asks to pay at a terminal: the request that is decided.",
    fields=(CUSTOMER, TERMINAL, AMOUNT, LOCAL_TIME),
)
#: A label carries the whole payment, so that known frauds of a terminal can be counted and dated.
LABEL = label_contract(TRANSACTION.fields)
CONTRACTS = ContractSet((TRANSACTION, LABEL))
