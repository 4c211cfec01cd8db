"""A complete, approvable version and its parts, shared by the governance tests."""

from typing import Any

import msgspec

from assay.core.canonical import digest
from assay.core.evidence import Evidence
from assay.core.time import DAY, parse_time
from assay.governance.facts import Change, Facts, State
from assay.governance.gate import GATE_POLICY
from assay.governance.inventory import (
    Approval,
    Contribution,
    Determination,
    Filed,
    Limitation,
    ModelRecord,
    TierInputs,
    Transition,
)

NOW = parse_time("2026-11-01T12:00:00Z")
MODEL, POLICY = digest("model"), digest("policy")


class Person(msgspec.Struct, frozen=True):
    """An authenticated identity."""

    user: str
    roles: frozenset[str]
    kind: Any = "human"


ENGINEER = Person("dana", frozenset({"engineer"}))
OTHER_ENGINEER = Person("omar", frozenset({"engineer"}))
VALIDATOR = Person("vera", frozenset({"validator"}))
APPROVER = Person("alan", frozenset({"approver"}))
ADMIN = Person("root", frozenset({"admin"}))
ROBOT = Person("pipeline", frozenset({"engineer", "validator", "approver", "service"}), "service")


def record(**changes: Any) -> ModelRecord:
    """A version whose inventory is complete."""
    complete = ModelRecord(
        id="checkout-risk",
        version=1,
        name="Checkout risk",
        purpose="Estimate how likely a booking is to be charged back as fraud.",
        approved_uses=("bookings at checkout",),
        prohibited_uses=("credit decisions",),
        automated=True,
        target="fraud chargeback within the label window",
        population="bookings of the marketplace",
        owner="olga",
        developers=("dana",),
        tier_inputs=TierInputs(
            complexity="high",
            uncertainty="medium",
            exposure="medium",
            purpose="medium",
            rationale="Declines customers without a person.",
        ),
        determination=Determination(kind="model", rationale="Learned from data.", by="olga"),
        limitations=(Limitation(what="Blocked bookings have no label.", control="Watch drift."),),
        not_tested=("Behaviour in another country.",),
        model=MODEL,
        policy=POLICY,
        frame=digest("frame"),
        catalog=digest("catalog"),
        environment=digest("environment"),
        registered_at=NOW - 10 * DAY,
    )
    return msgspec.structs.replace(complete, **changes)


def result(test: str, at: int = NOW - 9 * DAY, **changes: Any) -> Evidence:
    """A passed test of the version's model."""
    passed = Evidence(
        test=test,
        subject=MODEL,
        title=test,
        value=0.9,
        verdict="pass",
        code=digest("code"),
        data=digest("data"),
        at=at,
    )
    return msgspec.structs.replace(passed, **changes)


def filed(test: str, by: str, at: int, **changes: Any) -> Filed:
    """A passed test on file."""
    return Filed(key="checkout-risk@1", evidence=result(test, at, **changes), by=by, at=at)


def approval(approver: str, role: str, **changes: Any) -> Approval:
    """A valid approval."""
    valid = Approval(
        key="checkout-risk@1",
        approver=approver,
        role=role,
        kind="human",
        model=MODEL,
        policy=POLICY,
        comment="I read the report.",
        at=NOW - DAY,
        expires_at=NOW + 30 * DAY,
    )
    return msgspec.structs.replace(valid, **changes)


def step(number: int, source: State, target: State, actor: str, at: int) -> Transition:
    """One transition of the version."""
    return Transition(
        key="checkout-risk@1",
        number=number,
        source=source.value,
        target=target.value,
        actor=actor,
        reason="next",
        gate=GATE_POLICY.digest,
        at=at,
    )


def approvable(**changes: Any) -> Facts:
    """A version in validation with everything on file: only the step itself is missing."""
    complete = Facts(
        record=record(),
        transitions=(
            step(1, State.DRAFT, State.DEVELOPMENT, "dana", NOW - 9 * DAY),
            step(2, State.DEVELOPMENT, State.VALIDATION, "dana", NOW - 5 * DAY),
        ),
        contributions=(
            Contribution(
                key="checkout-risk@1", user="dana", work="trained", by="dana", at=NOW - 9 * DAY
            ),
        ),
        filed=(
            *(filed(t, "dana", NOW - 8 * DAY) for t in GATE_POLICY.development),
            *(filed(t, "dana", NOW - 8 * DAY) for t in GATE_POLICY.development_documents),
            *(filed(t, "vera", NOW - 3 * DAY) for t in GATE_POLICY.validation),
            *(filed(t, "vera", NOW - 3 * DAY) for t in GATE_POLICY.validation_documents),
        ),
        approvals=(approval("vera", "validator"), approval("alan", "approver")),
    )
    return msgspec.structs.replace(complete, **changes)


def change(target: State, who: Person = VALIDATOR, at: int = NOW, reason: str = "ready") -> Change:
    """A request to move the version."""
    return Change(
        target=target, user=who.user, roles=who.roles, kind=who.kind, at=at, reason=reason
    )
