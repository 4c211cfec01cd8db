"""What does the gate look at? Everything known about one version, and nothing else."""

from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from assay.core.canonical import digest
from assay.governance.inventory import (
    Approval,
    Closure,
    Contribution,
    Filed,
    Finding,
    IdentityKind,
    ModelRecord,
    Transition,
)


class State(StrEnum):
    """Where a version stands. Only ``canary`` and ``live`` may decide real traffic."""

    DRAFT = "draft"
    DEVELOPMENT = "development"
    VALIDATION = "validation"
    APPROVED = "approved"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Actor(Protocol):
    """Whoever acts, as the identity store knows them."""

    @property
    def user(self) -> str:
        """The name that no two identities share."""
        ...

    @property
    def roles(self) -> "frozenset[str] | tuple[str, ...]":
        """The roles they hold now."""
        ...

    @property
    def kind(self) -> IdentityKind:
        """A person or a service."""
        ...


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A request to move a version to ``target``, made by ``user`` at ``at`` (microseconds UTC)."""

    target: State
    user: str
    roles: frozenset[str]
    kind: IdentityKind
    at: int
    reason: str = ""


class GatePolicy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What must be on file before each step: data, versioned, its digest on every transition.

    ``development`` and ``validation`` are test ids; ``development_documents`` and
    ``validation_documents`` name documents whose digests must be on file as evidence;
    ``approvals`` lists the roles that must agree, each by another person; ``blocking`` are the
    finding severities that stop a version; ``approval_term_max`` (microseconds) is the longest an
    approval may last.
    """

    name: str
    effective_from: str
    development: tuple[str, ...]
    validation: tuple[str, ...]
    development_documents: tuple[str, ...]
    validation_documents: tuple[str, ...]
    approvals: tuple[str, ...]
    blocking: tuple[str, ...]
    approval_term_max: int

    @property
    def digest(self) -> str:
        """The content hash."""
        return digest(self)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One version and everything on file about it. ``transitions`` are in order of their number."""

    record: ModelRecord
    transitions: tuple[Transition, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    filed: tuple[Filed, ...] = ()
    approvals: tuple[Approval, ...] = ()
    findings: tuple[Finding, ...] = ()
    closures: tuple[Closure, ...] = ()

    @property
    def state(self) -> State:
        """Where the last transition led; a registered version is a draft."""
        return State(self.transitions[-1].target) if self.transitions else State.DRAFT

    @property
    def open_findings(self) -> tuple[Finding, ...]:
        """Findings that no closure names."""
        closed = {closure.finding for closure in self.closures}
        return tuple(finding for finding in self.findings if finding.id not in closed)

    @property
    def contributors(self) -> frozenset[str]:
        """Everyone who had a hand in this version, computed from what they did."""
        named = {*self.record.developers, *(c.user for c in self.contributions)}
        return frozenset(person(user) for user in named)

    @property
    def submitters(self) -> frozenset[str]:
        """Everyone who ever submitted it for validation."""
        return frozenset(person(t.actor) for t in self.transitions if t.target == State.VALIDATION)

    @property
    def approvals_count_from(self) -> int:
        """Approvals older than this do not count.

        An approval answers the newest submission; after a suspension it must be a new one.
        """
        resets = (State.VALIDATION, State.SUSPENDED)
        return max((t.at for t in self.transitions if t.target in resets), default=0)


class Ground(msgspec.Struct, frozen=True):
    """One reason to refuse: a stable ``code`` and what a person needs to know to mend it."""

    code: str
    text: str


class Permit(msgspec.Struct, frozen=True, kw_only=True):
    """The step may be taken, judged by the gate policy of this digest."""

    source: State
    target: State
    gate: str
    verdict: Literal["permit"] = "permit"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The step may not be taken: every ground, not only the first."""

    source: State
    target: State
    grounds: tuple[Ground, ...]
    verdict: Literal["refused"] = "refused"

    @property
    def why(self) -> tuple[str, ...]:
        """The grounds as text."""
        return tuple(ground.text for ground in self.grounds)

    @property
    def codes(self) -> frozenset[str]:
        """The grounds as stable codes."""
        return frozenset(ground.code for ground in self.grounds)


def person(user: str) -> str:
    """The form in which names are compared: case and outer space do not make another person."""
    return user.strip().casefold()
