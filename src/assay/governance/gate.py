"""May this version take the next step? A pure answer, with every reason when it is no.

There is no way round it: no role, administrator included, skips a predicate. Tightening
(suspend, retire, send back) needs one person; loosening needs two others who did not build it.
"""

from collections.abc import Callable, Iterator

import msgspec

from assay.core.time import DAY
from assay.governance import predicates as check
from assay.governance.facts import (
    Change,
    Facts,
    GatePolicy,
    Ground,
    Permit,
    Refused,
    State,
)

Predicate = Callable[[Change, Facts, GatePolicy], Iterator[Ground]]


class Step(msgspec.Struct, frozen=True):
    """What one transition asks for: any of these roles, and all of these predicates."""

    roles: frozenset[str]
    predicates: tuple[Predicate, ...]
    tightens: bool = False


_DEVELOPED: tuple[Predicate, ...] = (
    check.inventory_complete,
    check.development_tests,
    check.development_documents,
)
_VALIDATED: tuple[Predicate, ...] = (
    *_DEVELOPED,
    check.validation_tests,
    check.validation_documents,
    check.no_blocking_finding,
    check.approved,
    check.actor_is_human,
)
_BUILDERS = frozenset({"engineer"})
_CHECKERS = frozenset({"validator", "approver"})
_ANYONE_ON_CALL = frozenset({"engineer", "validator", "approver", "admin", "service"})

_SUBMIT = Step(_BUILDERS, (*_DEVELOPED, check.actor_is_human))
_APPROVE = Step(_CHECKERS, (*_VALIDATED, check.actor_is_independent))
_RELEASE = Step(_BUILDERS | _CHECKERS, _VALIDATED)
_RESUME = Step(_CHECKERS, (*_VALIDATED, check.actor_is_independent, check.reason_given))
_TIGHTEN = Step(_ANYONE_ON_CALL, (check.reason_given,), tightens=True)

_S = State

#: Every legal step. A pair that is not here is refused, whoever asks.
STEPS: dict[tuple[State, State], Step] = {
    (_S.DRAFT, _S.DEVELOPMENT): Step(_BUILDERS, (check.inventory_complete,)),
    (_S.DEVELOPMENT, _S.VALIDATION): _SUBMIT,
    (_S.VALIDATION, _S.DEVELOPMENT): _TIGHTEN,
    (_S.VALIDATION, _S.APPROVED): _APPROVE,
    (_S.APPROVED, _S.SHADOW): _RELEASE,
    (_S.APPROVED, _S.CANARY): _RELEASE,
    (_S.APPROVED, _S.LIVE): _RELEASE,
    (_S.SHADOW, _S.CANARY): _RELEASE,
    (_S.SHADOW, _S.LIVE): _RELEASE,
    (_S.CANARY, _S.LIVE): _RELEASE,
    (_S.CANARY, _S.SHADOW): _TIGHTEN,
    (_S.SUSPENDED, _S.LIVE): _RESUME,
    **{(s, _S.SUSPENDED): _TIGHTEN for s in (_S.APPROVED, _S.SHADOW, _S.CANARY, _S.LIVE)},
    **{(s, _S.RETIRED): _TIGHTEN for s in _S if s is not _S.RETIRED},
}

#: States in which a version may decide real traffic.
ADMITTED = frozenset({State.CANARY, State.LIVE})

#: The first gate policy. A stricter one is a new value with its own date, not an edit.
GATE_POLICY = GatePolicy(
    name="assay-gate-1",
    effective_from="2026-11-22",
    development=(
        "data.populations",
        "data.label_maturity",
        "data.as_of",
        "leakage.single_input",
        "performance.auc",
        "performance.average_precision",
        "performance.overfit",
        "performance.recall_at_capacity",
        "calibration.ece",
        "calibration.slope",
        "stability.score_psi",
        "stability.input_psi",
        "decision.saving",
        "decision.capacity",
        "explanation.importance",
        "explanation.adds_up",
        "explanation.sensitivity",
        "fairness.coverage",
        "fairness.adverse_impact",
        "fairness.false_positive_rate",
    ),
    validation=(
        "validation.replicated_scores",
        "validation.replicated_auc",
        "validation.reproduced",
        "validation.challenger",
        "validation.fraud_ratio",
        "validation.time_order",
        "validation.capacity_replay",
        "validation.missing_input",
        "validation.monotone",
    ),
    development_documents=("document.model_card", "document.fairness_audit"),
    validation_documents=("document.validation_report",),
    approvals=("validator", "approver"),
    blocking=("critical", "high"),
    approval_term_max=366 * DAY,
)


def evaluate(change: Change, facts: Facts, policy: GatePolicy = GATE_POLICY) -> Permit | Refused:
    """Judge one change against everything on file.

    The same arguments always give the same answer, and a refusal lists every ground, so one look
    tells what is still missing.
    """
    source = facts.state
    step = STEPS.get((source, change.target))
    if step is None:
        legal = [to.value for at, to in STEPS if at is source]
        text = (
            f"{facts.record.key} is {source.value}: no step leads to {change.target.value}; "
            f"possible: {', '.join(legal) or 'none, it is final'}"
        )
        grounds: tuple[Ground, ...] = (Ground("no_such_step", text),)
    else:
        grounds = (
            *_role(change, step),
            *(g for predicate in step.predicates for g in predicate(change, facts, policy)),
        )
    if grounds:
        return Refused(source=source, target=change.target, grounds=grounds)
    return Permit(source=source, target=change.target, gate=policy.digest)


def _role(change: Change, step: Step) -> Iterator[Ground]:
    if not step.roles & change.roles:
        wanted = ", ".join(sorted(step.roles))
        yield Ground("role_missing", f"{change.user} holds none of the roles {wanted}")
