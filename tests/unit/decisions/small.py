"""A small policy over a small catalog, for tests of decisions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.core.time import DAY, HOUR, MILLISECOND
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.decide import Inputs, decide
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Costs, Policy
from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.features.definition import Derived, Feature
from assay.features.values import as_values
from assay.features.vector import Receipt, Vector
from assay.models.score import Score
from assay.rules.rule import ListUse, Rule

AT = 1_767_225_600_000_000
MODEL = "sha256:" + "0" * 64

BOOKING = EventContract(
    type="booking",
    version=1,
    fields=(
        Field(name="user_id", kind="text"),
        Field(name="guest_name", kind="text", required=False),
        Field(name="amount", kind="money", unit="EUR", low=0),
        Field(name="distance", kind="real", required=False),
        Field(name="first", kind="bool", required=False),
    ),
    keys=("user_id",),
)
CONTRACTS = ContractSet([BOOKING])
CATALOG = Catalog(
    request=BOOKING,
    contracts=CONTRACTS,
    features=[
        Feature(
            name="user_count_1d", source="booking", key=("user_id",), aggregate="count", window=DAY
        ),
        Feature(
            name="user_mean_1d",
            source="booking",
            key=("user_id",),
            aggregate="mean",
            of="amount",
            window=DAY,
            about="Mean amount of the user's bookings in a day.",
        ),
    ],
    derived=[
        Derived(
            name="is_large",
            inputs=("amount",),
            function=lambda given: given["amount"] > 100_000,
            kind="bool",
            version="1",
        )
    ],
)
SANCTIONS = Rule(
    name="sanctions", when="on_sanctions", then="hold", strength="hard", if_unknown="hold"
)
STOLEN = Rule(name="stolen", when="amount == 666", then="block", strength="hard")
TRUSTED = Rule(name="trusted", when="on_trusted", then="approve", strength="allow")
FAST = Rule(name="fast", when="user_count_1d > 3", then="review", code="velocity_high")
FAR = Rule(name="far", when="distance > 900.0", then="challenge", if_unknown="challenge")
LISTS = (
    ListUse(name="on_sanctions", field="guest_name", owner="legal", age_max=DAY, normalise=True),
    ListUse(name="on_trusted", field="user_id", owner="risk", age_max=HOUR),
)
COSTS = Costs(
    currency="EUR", fraud_share=1.0, fraud_fixed=1_500, block_share=0.1, block_fixed=500,
    review_fixed=300, reviewer_error=0.1,
)  # fmt: skip


def make_policy(**changes: Any) -> Policy:
    """The small policy with some of its parts changed."""
    parts: dict[str, Any] = {
        "name": "small",
        "version": 1,
        "request": "booking",
        "contracts": CONTRACTS.digest,
        "catalog": CATALOG.digest,
        "model": MODEL,
        "rules": (FAST, SANCTIONS, TRUSTED, STOLEN, FAR),
        "lists": LISTS,
        "bands": Bands(review_at=0.4, block_at=0.8, overflow=Outcome.CHALLENGE),
        "costs": COSTS,
        "capacity_per_day": 10,
        "deadline": 50 * MILLISECOND,
        "if_no_score": Outcome.REVIEW,
        "amount_field": "amount",
        "entity_field": "user_id",
    }
    return Policy(**{**parts, **changes})


def compiled(**changes: Any) -> CompiledPolicy:
    """The small policy, changed and compiled."""
    return CompiledPolicy(make_policy(**changes), CATALOG, CONTRACTS)


def make_inputs(probability: float | None = 0.1, **changes: Any) -> Inputs:
    """An innocent request with the given probability."""
    score = Score(None, None, "model_failed") if probability is None else Score(0.0, probability)
    parts: dict[str, Any] = {
        "payload": {
            "user_id": "u1", "guest_name": "Ann", "amount": 5_000, "distance": 1.0, "first": True,
        },
        "values": {"user_count_1d": 1, "user_mean_1d": 4_000.0, "is_large": False},
        "memberships": {"on_sanctions": False, "on_trusted": False},
        "score": score,
        "slots_left": 5,
    }  # fmt: skip
    for name in ("payload", "values", "memberships"):
        parts[name] = {**parts[name], **changes.pop(name, {})}
    return Inputs(**{**parts, **changes})


class LinearScorer:
    """An honest model with the interface of a scorer: weights of which not-known counts as 0."""

    digest = MODEL
    inputs = ("user_mean_1d", "user_count_1d")

    def score(self, row: NDArray[np.float64]) -> Score:
        """Raw and probability of one row."""
        raw = float(np.nan_to_num(row) @ np.array([1e-4, 0.5]) - 2.0)
        return Score(raw, float(0.5 + 0.5 * np.tanh(raw / 2.0)))

    def contributions(
        self, row: NDArray[np.float64], top: int = 5
    ) -> tuple[tuple[str, float], ...]:
        """The parts of a row, largest first."""
        parts = np.nan_to_num(row) * np.array([1e-4, 0.5])
        found = [(name, float(part)) for name, part in zip(self.inputs, parts, strict=True)]
        return tuple(sorted(found, key=lambda part: -abs(part[1]))[:top])


def make_event(**payload: Any) -> Event:
    """A request."""
    data = {"user_id": "u1", "guest_name": "Ann", "amount": 5_000, "distance": 1.0, **payload}
    return Event("bk-1", "booking", AT, data)


def record_of(
    policy: CompiledPolicy,
    event: Event,
    *,
    count: int = 1,
    mean: float | None = 4_000.0,
    slots_left: int = 5,
    memberships: dict[str, bool | None] | None = None,
    score: Score | None = None,
) -> DecisionRecord:
    """The record that a runtime would write for these values."""
    bits = np.array(
        [count, 0 if mean is None else np.float64(mean).view(np.int64), 0], dtype=np.int64
    )
    vector = Vector(bits, np.array([1, mean is not None, 1], dtype=np.uint8))
    row = np.array([np.nan if mean is None else mean, count], dtype=np.float64)
    model = LinearScorer()
    score = model.score(row) if score is None else score
    members = memberships or {"on_sanctions": False, "on_trusted": False}
    contributions = () if score.raw is None else model.contributions(row)
    decision = decide(
        policy,
        Inputs(
            payload=event.payload,
            values=as_values(vector, policy.catalog),
            memberships=members,
            score=score,
            slots_left=slots_left,
            contributions=contributions,
        ),
    )
    return DecisionRecord(
        id="dec_1",
        event=event.id,
        seq=2,
        at=event.ts,
        policy=policy.policy.digest,
        model=policy.policy.model,
        receipt=Receipt(policy.catalog.digest, event.ts, {"0": 1}, vector.digest, None),
        bits=vector.bits.astype("<i8").tobytes(),
        known=vector.known.tobytes(),
        memberships=members,
        snapshots=dict.fromkeys(members),
        rules=decision.rules,
        score=score,
        contributions=contributions,
        slots_left=slots_left,
        reasons=decision.reasons,
        outcome=decision.outcome,
        degraded=(),
        decided_at=AT + 1,
    )
