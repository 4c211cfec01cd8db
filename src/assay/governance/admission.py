"""May these bytes decide real traffic now? Asked by every server whenever it loads a model."""

from collections.abc import Sequence

from assay.core.errors import GateRefused
from assay.governance.audit import AuditReport
from assay.governance.facts import Facts, GatePolicy, State
from assay.governance.gate import ADMITTED, GATE_POLICY
from assay.governance.predicates import approval_grounds


def admit(
    model: str | None,
    policy: str,
    versions: Sequence[Facts],
    audit: AuditReport,
    at: int,
    gate: GatePolicy = GATE_POLICY,
) -> str:
    """The key of the version these exact bytes belong to, if it may score at ``at``.

    Independent of how the version got its state: approvals are looked at again, so an expired
    one, or one for other bytes, stops the next load.

    Args:
        model: digest of the bundle about to be loaded; None for a policy of rules only.
        policy: digest of the policy about to be loaded.
        versions: every version in the inventory, with what is on file about it.
        audit: the result of verifying the audit log (and the rows it speaks of).
        at: now, microseconds UTC.
        gate: the gate policy in force.

    Raises:
        GateRefused: with every reason.
    """
    what = f"loading model {_short(model)} with policy {_short(policy)}"
    why: list[str] = []
    if not audit.ok:
        why.append(f"the audit log does not verify: {audit.why}")
    facts = next(
        (f for f in versions if (f.record.model, f.record.policy) == (model, policy)), None
    )
    if facts is None:
        raise GateRefused(what, [*why, *_unregistered(model, policy, versions)])
    if facts.state not in ADMITTED:
        why.append(_not_live(facts))
    why += [ground.text for ground in approval_grounds(facts, gate, at)]
    why += [
        f"a {finding.severity} finding is open: {finding.title!r}"
        for finding in facts.open_findings
        if finding.severity in gate.blocking
    ]
    if why:
        raise GateRefused(f"{what} ({facts.record.key})", why)
    return facts.record.key


def _unregistered(model: str | None, policy: str, versions: Sequence[Facts]) -> list[str]:
    why = ["these exact bytes are not in the inventory, so nobody approved them"]
    for facts in versions:
        record = facts.record
        if record.model == model and model is not None:
            why.append(f"{record.key} holds this model with another policy {_short(record.policy)}")
        elif record.policy == policy:
            why.append(f"{record.key} holds this policy with another model {_short(record.model)}")
    return why


def _not_live(facts: Facts) -> str:
    text = f"{facts.record.key} is {facts.state.value}, not live"
    last = facts.transitions[-1] if facts.transitions else None
    if last is not None and facts.state in (State.SUSPENDED, State.RETIRED):
        text += f" ({last.actor}: {last.reason})"
    return text


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:19]
