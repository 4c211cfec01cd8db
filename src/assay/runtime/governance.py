"""How does a version get from a draft to live traffic, with every act on record?

Each act is one transaction: the gate judges what is on file, the row is written and an audit entry
with the row's digest follows it; or nothing happens at all.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from assay.core.canonical import digest
from assay.core.errors import Forbidden, GateRefused, Invalid, NotFound, Unknown
from assay.core.evidence import Evidence
from assay.governance import admission
from assay.governance.audit import AuditEntry, AuditReport
from assay.governance.facts import Actor, Change, Facts, GatePolicy, Permit, Refused, State, person
from assay.governance.gate import GATE_POLICY, STEPS, evaluate
from assay.governance.inventory import (
    Approval,
    Closure,
    Contribution,
    Filed,
    Finding,
    ModelRecord,
    Row,
    Severity,
    Transition,
    Work,
    entity_of,
)
from assay.runtime.audit_trail import AuditTrail, Clock
from assay.runtime.governance_store import CheckpointStore, GovernanceStore, GovernanceUnit

_BUILDING = (State.DRAFT, State.DEVELOPMENT)


class Governance:
    """The acts of governance. Identities are authenticated before they get here.

    Args:
        store: where rows and the audit log are kept.
        checkpoints: where the newest checkpoint is kept, outside that store.
        clock: the time written on every act.
        policy: what the gate asks for.
    """

    def __init__(
        self,
        store: GovernanceStore,
        checkpoints: CheckpointStore,
        clock: Clock,
        policy: GatePolicy = GATE_POLICY,
    ) -> None:
        self._store, self._clock = store, clock
        self._trail = AuditTrail(checkpoints, clock)
        self.policy = policy
        self._trail.begin(store)

    def register(self, actor: Actor, record: ModelRecord) -> ModelRecord:
        """Put a new version into the inventory as a draft; its developers are contributors.

        Raises:
            Forbidden: the actor is no engineer.
            Conflict: the key, or these exact bytes, are registered already.
        """
        _needs(actor, "engineer", what="register a version")
        now = self._clock.now()
        record = msgspec.structs.replace(record, registered_at=now)
        work: dict[str, Work] = dict.fromkeys(record.developers, "developed")
        work.setdefault(actor.user, "registered")
        with self._store.writing() as unit:
            self._write(unit, actor, "registered", record)
            for user, what in work.items():
                row = Contribution(key=record.key, user=user, work=what, by=actor.user, at=now)
                self._write(unit, actor, "contribution recorded", row)
        self._trail.seal(self._store)
        return record

    def contribute(self, actor: Actor, key: str, user: str, work: Work) -> None:
        """Write down that ``user`` worked on a version; saying it twice is saying it once."""
        now = self._clock.now()
        with self._store.writing() as unit:
            facts = _facts(unit, key)
            self._contribution(unit, actor, facts, user, work, now)
        self._trail.seal(self._store)

    def record_evidence(self, actor: Actor, key: str, evidence: Iterable[Evidence]) -> list[Filed]:
        """Put test results on file. Until submission, whoever files them contributes.

        Raises:
            Forbidden: the actor is neither engineer nor validator nor service.
            Invalid: a result is not about the bytes of this version.
        """
        _needs(actor, "engineer", "validator", "service", what="file evidence")
        now = self._clock.now()
        filed = [Filed(key=key, evidence=item, by=actor.user, at=now) for item in evidence]
        with self._store.writing() as unit:
            facts = _facts(unit, key)
            for row in filed:
                if row.evidence.subject not in facts.record.subjects:
                    raise Invalid(
                        f"evidence {row.evidence.test!r} is about {row.evidence.subject}, expected "
                        f"one of {key}'s digests: {', '.join(sorted(facts.record.subjects))}"
                    )
                if not unit.has(row):
                    self._write(unit, actor, "evidence filed", row)
            if facts.state in _BUILDING:
                self._contribution(unit, actor, facts, actor.user, "tests", now)
        self._trail.seal(self._store)
        return filed

    def approve(
        self, actor: Actor, key: str, role: str, *, comment: str, expires_at: int, seen: str
    ) -> Approval:
        """Agree, as ``role``, that the bytes of this version may run until ``expires_at``.

        Args:
            actor: a person who holds ``role`` and neither built nor submitted the version.
            key: the version.
            role: one of the roles the gate policy asks for.
            comment: why; it is printed in the documents.
            expires_at: microseconds UTC.
            seen: the digest of the model (of the policy, when there is no model) the approver
                looked at; it must be the version's, so nobody approves what they did not see.

        Raises:
            Forbidden: the actor does not hold the role.
            GateRefused: not in validation or suspended, not independent, not human, other bytes,
                no comment, or a term that is over or too long.
        """
        _needs(actor, role, what=f"approve as {role}")
        if role not in self.policy.approvals:
            raise Unknown("approval role", role, known=self.policy.approvals)
        now = self._clock.now()
        with self._store.writing() as unit:
            facts = _facts(unit, key)
            row = Approval(
                key=key,
                approver=actor.user,
                role=role,
                kind=actor.kind,
                model=facts.record.model,
                policy=facts.record.policy,
                comment=comment,
                at=now,
                expires_at=expires_at,
            )
            self._refuse_approval(facts, row, seen)
            self._write(unit, actor, "approved", row)
        self._trail.seal(self._store)
        return row

    def promote(self, actor: Actor, key: str, target: State, reason: str = "") -> Permit:
        """Move a version to another state, if the gate permits it.

        Raises:
            GateRefused: with every ground; nothing was written but the refusal in the audit log.
            Corrupt: the audit log does not verify (loosening only; tightening is always open).
        """
        now = self._clock.now()
        with self._store.writing() as unit:
            facts = _facts(unit, key)
            change = Change(
                target=target,
                user=actor.user,
                roles=frozenset(str(role) for role in actor.roles),
                kind=actor.kind,
                at=now,
                reason=reason,
            )
            answer = evaluate(change, facts, self.policy)
            step = STEPS.get((facts.state, target))
            if step is not None and not step.tightens:
                self._trail.demand(unit)
            if isinstance(answer, Refused):
                details = {"target": target.value, "why": list(answer.why)}
                self._trail.note(unit, actor, "refused", f"version/{key}", details)
            else:
                self._write(unit, actor, "moved", self._transition(facts, change, answer))
        self._trail.seal(self._store)
        if isinstance(answer, Refused):
            raise GateRefused(f"moving {key} from {answer.source} to {answer.target}", answer.why)
        return answer

    def submit(self, actor: Actor, key: str) -> Permit:
        """Hand a version to validation; from here on its evidence must come from others."""
        return self.promote(actor, key, State.VALIDATION)

    def suspend(self, actor: Actor, key: str, reason: str) -> Permit:
        """Take a version off traffic. One person is enough; two others must let it back."""
        return self.promote(actor, key, State.SUSPENDED, reason)

    def open_finding(self, actor: Actor, key: str, severity: Severity, title: str) -> Finding:
        """Say that something is wrong with a version; critical and high ones stop it."""
        _needs(actor, "engineer", "validator", "approver", "auditor", what="open a finding")
        row = Finding(key=key, severity=severity, title=title, by=actor.user, at=self._clock.now())
        with self._store.writing() as unit:
            _facts(unit, key)
            self._write(unit, actor, "finding opened", row)
        self._trail.seal(self._store)
        return row

    def close_finding(self, actor: Actor, key: str, finding: str, comment: str) -> Closure:
        """Say why a finding no longer stands; for an independent validator only.

        Raises:
            Forbidden: the actor is no validator, or contributed to the version.
            NotFound: the version has no open finding of that id.
        """
        _needs(actor, "validator", what="close a finding")
        row = Closure(finding=finding, comment=comment, by=actor.user, at=self._clock.now())
        with self._store.writing() as unit:
            facts = _facts(unit, key)
            if finding not in {f.id for f in facts.open_findings}:
                raise NotFound(f"{key} has no open finding {finding!r}")
            if person(actor.user) in facts.contributors:
                raise Forbidden(f"{actor.user} contributed to {key} and cannot close its findings")
            self._write(unit, actor, "finding closed", row)
        self._trail.seal(self._store)
        return row

    def note(self, actor: Actor, action: str, entity: str, details: Mapping[str, Any]) -> None:
        """Put an act of another room (a token issued, a list changed) into the audit log."""
        with self._store.writing() as unit:
            self._trail.note(unit, actor, action, entity, details)
        self._trail.seal(self._store)

    def status(self, key: str) -> Facts:
        """Everything on file about a version.

        Raises:
            Unknown: there is none of that key; the message names the nearest.
        """
        with self._store.reading() as unit:
            return _facts(unit, key)

    def inventory(self) -> list[Facts]:
        """Every version, by time of registration."""
        with self._store.reading() as unit:
            return unit.versions()

    def admit(self, model: str | None, policy: str) -> str:
        """The key of the version that these exact bytes are, if they may score now.

        Raises:
            GateRefused: with every reason.
        """
        with self._store.reading() as unit:
            report, versions = self._trail.verify(unit), unit.versions()
        return admission.admit(model, policy, versions, report, self._clock.now(), self.policy)

    def verify(self) -> AuditReport:
        """Check the whole audit log, the rows it speaks of, and the checkpoint kept outside."""
        with self._store.reading() as unit:
            return self._trail.verify(unit)

    def entries(self, newest: int = 100, before: int | None = None) -> list[AuditEntry]:
        """Up to ``newest`` entries of the audit log with ``seq < before``, newest first."""
        with self._store.reading() as unit:
            last = unit.entry()
            end = 0 if last is None else last.seq + 1
            end = end if before is None else min(end, before)
            found = (unit.entry(seq) for seq in range(end - 1, max(end - 1 - newest, 0), -1))
            return [entry for entry in found if entry is not None]

    def _write(self, unit: GovernanceUnit, actor: Actor, action: str, row: Row) -> None:
        unit.add(row)
        self._trail.note(unit, actor, action, entity_of(row), {"row": digest(row)})

    def _contribution(
        self, unit: GovernanceUnit, actor: Actor, facts: Facts, user: str, work: Work, now: int
    ) -> None:
        row = Contribution(key=facts.record.key, user=user, work=work, by=actor.user, at=now)
        if row.id not in {known.id for known in facts.contributions}:
            self._write(unit, actor, "contribution recorded", row)

    def _refuse_approval(self, facts: Facts, row: Approval, seen: str) -> None:
        subject = facts.record.model or facts.record.policy
        who = person(row.approver)
        rules = (
            (
                facts.state not in (State.VALIDATION, State.SUSPENDED),
                f"it is {facts.state.value}, approvals are given in validation or suspension",
            ),
            (row.kind != "human", f"{row.approver} is a {row.kind}, only a person approves"),
            (who in facts.contributors, f"{row.approver} contributed to it"),
            (who in facts.submitters, f"{row.approver} submitted it"),
            (seen != subject, f"the approver looked at {seen}, the version is {subject}"),
            (not row.comment.strip(), "an approval needs a comment that says why"),
            (row.expires_at <= row.at, "it would be over before it begins"),
            (
                row.expires_at - row.at > self.policy.approval_term_max,
                "it would last longer than the gate policy allows",
            ),
        )
        why = [text for wrong, text in rules if wrong]
        if why:
            raise GateRefused(f"approving {row.key} as {row.role}", why)

    @staticmethod
    def _transition(facts: Facts, change: Change, permit: Permit) -> Transition:
        return Transition(
            key=facts.record.key,
            number=len(facts.transitions) + 1,
            source=permit.source.value,
            target=permit.target.value,
            actor=change.user,
            reason=change.reason,
            gate=permit.gate,
            at=change.at,
        )


def _facts(unit: GovernanceUnit, key: str) -> Facts:
    facts = unit.facts(key)
    if facts is None:
        raise Unknown("version", key, known=[f.record.key for f in unit.versions()])
    return facts


def _needs(actor: Actor, *roles: str, what: str = "") -> None:
    if not {str(role) for role in actor.roles} & set(roles):
        raise Forbidden(f"{actor.user} may not {what}: it needs the role {' or '.join(roles)}")
