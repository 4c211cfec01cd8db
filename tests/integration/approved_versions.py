"""Versions taken through the whole gate into live, without a model's bytes."""

from assay.core.canonical import digest
from assay.core.evidence import Evidence
from assay.core.time import DAY
from assay.governance.facts import State
from assay.governance.inventory import Determination, Limitation, ModelRecord, TierInputs
from assay.runtime.clock import wall_time
from assay.runtime.governance import Governance
from assay.runtime.identity import Identity, Role

START = 1_767_225_600_000_000  # 2026-01-01


def record(policy: str, model: str | None = None) -> ModelRecord:
    """A rules-only version, or one of a model."""
    return ModelRecord(
        id="checkout-rules",
        version=1,
        name="Checkout rules",
        purpose="Decide on bookings",
        approved_uses=("bookings",),
        prohibited_uses=("credit",),
        automated=True,
        target="fraud",
        population="bookings",
        owner="risk",
        developers=("dev",),
        tier_inputs=TierInputs(
            complexity="low", uncertainty="low", exposure="medium", purpose="low", rationale="few"
        ),
        determination=Determination(
            kind="model" if model else "rule", rationale="so it is", by="val"
        ),
        limitations=(Limitation(what="no score", control="review"),),
        not_tested=("drift",),
        model=model,
        policy=policy,
        frame=digest("none"),
        catalog=digest("catalog"),
        environment=digest("environment"),
        registered_at=0,
    )


def person(name: str, role: Role) -> Identity:
    """Somebody with one role."""
    return Identity(name, "human", frozenset({role}), "", 0)


def _evidence(subject: str, *tests: str) -> list[Evidence]:
    return [
        Evidence(
            test=test, subject=subject, title=test, value=0.9, verdict="pass", code=digest("code"),
            data=digest("data"), at=START,
        )
        for test in tests
    ]  # fmt: skip


def registered(governance: Governance, policy: str, model: str | None = None) -> str:
    """The key of a new draft."""
    return governance.register(person("dev", Role.ENGINEER), record(policy, model)).key


def go_live(governance: Governance, key: str, subject: str) -> None:
    """Pass every gate."""
    dev, val = person("dev", Role.ENGINEER), person("val", Role.VALIDATOR)
    app = person("app", Role.APPROVER)
    gate = governance.policy
    built = (*gate.development, *gate.development_documents)
    governance.record_evidence(dev, key, _evidence(subject, *built))
    governance.promote(dev, key, State.DEVELOPMENT)
    governance.submit(dev, key)
    checked = (*gate.validation, *gate.validation_documents)
    governance.record_evidence(val, key, _evidence(subject, *checked))
    approve(governance, key, subject)
    governance.promote(app, key, State.APPROVED)
    governance.promote(app, key, State.LIVE)


def approve(governance: Governance, key: str, subject: str) -> None:
    """Two people agree."""
    val, app = person("val", Role.VALIDATOR), person("app", Role.APPROVER)
    until = wall_time() + 30 * DAY
    for who, role in ((val, "validator"), (app, "approver")):
        governance.approve(who, key, role, comment="read", expires_at=until, seen=subject)
