"""A decided request and its parts, shared by the review tests."""

from typing import Any

import msgspec

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.contracts.label import label_contract
from assay.core.time import DAY, parse_time
from assay.decisions.outcome import Outcome, Reason
from assay.decisions.policy import Costs
from assay.decisions.record import DecisionRecord
from assay.features.vector import Receipt
from assay.models.score import Score

START = parse_time("2026-03-02T00:00:00Z")
DAY_NUMBER = START // DAY

USER = Field(name="user_id", kind="text")
AMOUNT = Field(name="amount", kind="money", unit="EUR")
BOOKING = EventContract(type="booking", version=1, fields=(USER, AMOUNT), keys=("user_id",))
CONTRACTS = ContractSet([BOOKING, label_contract((USER, AMOUNT))])

COSTS = Costs(
    currency="EUR",
    fraud_share=1.0,
    fraud_fixed=2_000,
    block_share=0.1,
    block_fixed=500,
    review_fixed=400,
    reviewer_error=0.1,
)


def request(number: int, ts: int = START, amount: int = 10_000) -> Event:
    """A booking."""
    return Event(f"bk-{number}", "booking", ts, {"user_id": f"u{number}", "amount": amount})


def decided(
    number: int,
    outcome: Outcome = Outcome.REVIEW,
    at: int = START,
    probability: float | None = 0.4,
    **changes: Any,
) -> DecisionRecord:
    """The decision on booking ``number``."""
    record = DecisionRecord(
        id=f"dec-{number}",
        event=f"bk-{number}",
        seq=number,
        at=at,
        policy="sha256:p",
        model="sha256:m",
        receipt=Receipt("sha256:c", at, {"0": number - 1}, "sha256:v", None),
        bits=b"",
        known=b"",
        memberships={},
        snapshots={},
        rules=(),
        score=Score(0.0, probability),
        contributions=(),
        slots_left=5,
        reasons=(Reason("band_review", "band", True, outcome),),
        outcome=outcome,
        degraded=(),
        decided_at=at,
    )
    return msgspec.structs.replace(record, **changes)
