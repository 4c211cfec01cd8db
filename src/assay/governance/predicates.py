"""What can stand in the way of a step? Each function checks one thing and yields its grounds."""

from collections.abc import Iterator

from assay.core.time import format_time
from assay.governance.facts import Change, Facts, GatePolicy, Ground, person
from assay.governance.inventory import Approval, Filed


def inventory_complete(_change: Change, facts: Facts, _policy: GatePolicy) -> Iterator[Ground]:
    """Every field that says what the version is for, and who answers for it, is filled."""
    record = facts.record
    wanted = {
        "name": record.name,
        "purpose": record.purpose,
        "approved_uses": record.approved_uses,
        "prohibited_uses": record.prohibited_uses,
        "target": record.target,
        "population": record.population,
        "owner": record.owner,
        "developers": record.developers,
        "limitations": record.limitations,
        "not_tested": record.not_tested,
        "tier rationale": record.tier_inputs.rationale,
        "determination rationale": record.determination.rationale,
        "determined by": record.determination.by,
    }
    for field, value in wanted.items():
        if not value or (isinstance(value, str) and not value.strip()):
            yield Ground("inventory_incomplete", f"the inventory record has no {field}")
    for field in ("policy", "frame", "catalog", "environment"):
        yield from _digest_there(field, getattr(record, field))
    if record.determination.kind == "model":
        yield from _digest_there("model", record.model)


def development_tests(_change: Change, facts: Facts, policy: GatePolicy) -> Iterator[Ground]:
    """Every required development test is on file for these bytes and none of them failed."""
    yield from _tests(facts.filed, facts, policy.development, "development")


def validation_tests(_change: Change, facts: Facts, policy: GatePolicy) -> Iterator[Ground]:
    """Every required validation test is on file, filed by somebody independent."""
    independent = [f for f in facts.filed if person(f.by) not in facts.contributors]
    yield from _tests(independent, facts, policy.validation, "independent validation")


def development_documents(_change: Change, facts: Facts, policy: GatePolicy) -> Iterator[Ground]:
    """The documents of the developers are on file by digest."""
    yield from _documents(facts.filed, facts, policy.development_documents)


def validation_documents(_change: Change, facts: Facts, policy: GatePolicy) -> Iterator[Ground]:
    """The validation report is on file, filed by somebody who did not build the version."""
    independent = [f for f in facts.filed if person(f.by) not in facts.contributors]
    yield from _documents(independent, facts, policy.validation_documents)


def no_blocking_finding(_change: Change, facts: Facts, policy: GatePolicy) -> Iterator[Ground]:
    """No finding of a blocking severity is open."""
    for finding in facts.open_findings:
        if finding.severity in policy.blocking:
            yield Ground("finding_open", f"a {finding.severity} finding is open: {finding.title!r}")


def approved(change: Change, facts: Facts, policy: GatePolicy) -> Iterator[Ground]:
    """The required roles agree, each by another person, none of whom built or submitted it."""
    yield from approval_grounds(facts, policy, change.at)


def actor_is_independent(change: Change, facts: Facts, _policy: GatePolicy) -> Iterator[Ground]:
    """Whoever lets a version loose on traffic did not build it."""
    if person(change.user) in facts.contributors:
        yield Ground("actor_contributed", f"{change.user} contributed to {facts.record.key}")


def actor_is_human(change: Change, _facts: Facts, _policy: GatePolicy) -> Iterator[Ground]:
    """A person takes the step."""
    if change.kind != "human":
        yield Ground("actor_not_human", f"{change.user} is a {change.kind}, a person must act")


def reason_given(change: Change, _facts: Facts, _policy: GatePolicy) -> Iterator[Ground]:
    """The step is explained."""
    if not change.reason.strip():
        yield Ground("reason_missing", "say why: the reason is empty")


def approval_grounds(facts: Facts, policy: GatePolicy, at: int) -> Iterator[Ground]:
    """Why the approvals on file are not enough at ``at``; nothing when they are.

    Looked at again whenever the version is promoted and whenever a server loads it.
    """
    valid: set[tuple[str, str]] = set()
    passed_over: list[str] = []
    for approval in facts.approvals:
        why = _void(approval, facts, policy, at)
        if why:
            passed_over.append(f"{approval.approver} as {approval.role}: {why}")
        else:
            valid.add((person(approval.approver), approval.role))
    if not _distinct(tuple(policy.approvals), valid):
        roles = " and ".join(policy.approvals)
        detail = f" (passed over: {'; '.join(passed_over)})" if passed_over else ""
        yield Ground(
            "approvals_wanting",
            f"needs an approval from {roles}, each by another person who neither contributed "
            f"nor submitted; {len(valid)} valid on file{detail}",
        )


def _void(approval: Approval, facts: Facts, policy: GatePolicy, at: int) -> str:
    record, who = facts.record, person(approval.approver)
    checks = (
        (approval.key != record.key, f"it is for {approval.key}"),
        (approval.kind != "human", "not a person"),
        (
            (approval.model, approval.policy) != (record.model, record.policy),
            "it is for other bytes",
        ),
        (who in facts.contributors, "contributed to this version"),
        (who in facts.submitters, "submitted this version"),
        (
            approval.at < facts.approvals_count_from,
            "given before the last submission or suspension",
        ),
        (approval.at > at, "dated in the future"),
        (approval.expires_at <= at, f"expired {format_time(approval.expires_at)}"),
        (
            approval.expires_at - approval.at > policy.approval_term_max,
            "lasts longer than allowed",
        ),
        (not approval.comment.strip(), "has no comment"),
    )
    return "; ".join(text for wrong, text in checks if wrong)


def _distinct(roles: tuple[str, ...], valid: set[tuple[str, str]]) -> bool:
    """Can every role be given to another person (a system of distinct representatives)?"""
    if not roles:
        return True
    return any(
        _distinct(roles[1:], {other for other in valid if other[0] != who})
        for who, role in valid
        if role == roles[0]
    )


def _tests(
    filed: tuple[Filed, ...] | list[Filed], facts: Facts, required: tuple[str, ...], stage: str
) -> Iterator[Ground]:
    about = [f for f in filed if f.evidence.subject in facts.record.subjects]
    for test in required:
        results = [f for f in about if f.evidence.test == test]
        if not results:
            yield Ground(
                "test_missing", f"no {stage} result of {test!r} for these bytes is on file"
            )
        for result in _newest_per_run(results):
            if result.evidence.verdict == "fail":
                yield Ground(
                    "test_failed",
                    f"{stage} test {test!r} failed: {result.evidence.value} against "
                    f"{result.evidence.limit or 'its limit'}",
                )
            elif result.evidence.value is None:
                yield Ground(
                    "test_not_computed",
                    f"{stage} test {test!r} has no value: {result.evidence.note or 'no note'}",
                )


def _newest_per_run(results: list[Filed]) -> list[Filed]:
    """The newest result of each person on each data set.

    A failure is not mended by testing on other data, or by somebody else's better luck.
    """
    newest: dict[tuple[str, str], Filed] = {}
    for result in results:
        rank = (result.evidence.at, result.at, result.id)
        run = (result.evidence.data, person(result.by))
        held = newest.get(run)
        if held is None or rank > (held.evidence.at, held.at, held.id):
            newest[run] = result
    return list(newest.values())


def _documents(
    filed: tuple[Filed, ...] | list[Filed], facts: Facts, required: tuple[str, ...]
) -> Iterator[Ground]:
    there = {f.evidence.test for f in filed if f.evidence.subject in facts.record.subjects}
    for name in required:
        if name not in there:
            yield Ground("document_missing", f"{name!r} for these bytes is not on file")


def _digest_there(field: str, value: str | None) -> Iterator[Ground]:
    if value is None or not value.startswith("sha256:"):
        yield Ground("digest_missing", f"the inventory record has no {field} digest")
