"""What is in use, for what, who answers for it, and who made it?

One ``ModelRecord`` per version, written once. What happens to it later (contributions, evidence,
approvals, transitions, findings) is a list of further facts beside it, never an edit.
"""

from typing import Literal

import msgspec

from assay.core.canonical import digest
from assay.core.errors import Invalid
from assay.core.evidence import Evidence
from assay.core.ids import check_id, derived_id

Level = Literal["low", "medium", "high"]
Severity = Literal["critical", "high", "medium", "low"]
Work = Literal["registered", "developed", "trained", "features", "data", "policy", "tests"]
IdentityKind = Literal["human", "service"]

_LEVELS: dict[str, int] = {"low": 1, "medium": 2, "high": 3}


class TierInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Why a model is risky: in itself (complexity, uncertainty) and by its use.

    ``exposure`` is how much depends on it, ``purpose`` how much it matters; ``rationale`` says in
    words why these levels were chosen.
    """

    complexity: Level
    uncertainty: Level
    exposure: Level
    purpose: Level
    rationale: str


class Determination(msgspec.Struct, frozen=True, kw_only=True):
    """Is it a model or a deterministic rule set, who decided that, and why?"""

    kind: Literal["model", "rule"]
    rationale: str
    by: str


class Limitation(msgspec.Struct, frozen=True, kw_only=True):
    """Something the model cannot do, and what is done about it."""

    what: str
    control: str


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a model or rule set, as it was registered.

    ``model`` is the digest of the bundle (None for rules only), ``policy`` of the policy that uses
    it, ``frame`` of the training data, ``catalog`` of the feature definitions, ``environment`` of
    the software it was built with. ``registered_at`` is microseconds UTC.
    """

    id: str
    version: int
    name: str
    purpose: str
    approved_uses: tuple[str, ...]
    prohibited_uses: tuple[str, ...]
    automated: bool
    target: str
    population: str
    owner: str
    developers: tuple[str, ...]
    tier_inputs: TierInputs
    determination: Determination
    limitations: tuple[Limitation, ...]
    not_tested: tuple[str, ...]
    model: str | None
    policy: str
    frame: str
    catalog: str
    environment: str
    registered_at: int

    def __post_init__(self) -> None:
        check_id(self.id)
        if self.version < 1:
            raise Invalid(f"expected a version from 1 up, got {self.version}")

    @property
    def key(self) -> str:
        """How this version is named everywhere: ``checkout-risk@3``."""
        return f"{self.id}@{self.version}"

    @property
    def subjects(self) -> frozenset[str]:
        """The digests that evidence for this version may be about."""
        return frozenset(d for d in (self.model, self.policy) if d is not None)

    @property
    def tier(self) -> int:
        """1 (most demanding) to 3, from the tier inputs."""
        return tier_of(self.tier_inputs)


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """``user`` did ``work`` on the version ``key``; ``by`` wrote that down at ``at``."""

    key: str
    user: str
    work: Work
    by: str
    at: int

    @property
    def id(self) -> str:
        """The same person and work on the same version is one contribution."""
        return derived_id("con", self.key, self.user, self.work)


class Filed(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence with who put it on file for the version ``key``, and when."""

    key: str
    evidence: Evidence
    by: str
    at: int

    @property
    def id(self) -> str:
        """One filing per evidence, version and person."""
        return derived_id("fil", self.key, self.evidence.id, self.by)


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """``approver``, acting as ``role``, agrees that these bytes may run until ``expires_at``."""

    key: str
    approver: str
    role: str
    kind: IdentityKind
    model: str | None
    policy: str
    comment: str
    at: int
    expires_at: int

    @property
    def id(self) -> str:
        """The content hash, shortened: any change makes another approval."""
        return derived_id("apr", digest(self))


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with a version. Open until a ``Closure`` names it."""

    key: str
    severity: Severity
    title: str
    by: str
    at: int

    @property
    def id(self) -> str:
        """One finding per version, title and author."""
        return derived_id("fnd", self.key, self.title, self.by)


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a finding no longer stands."""

    finding: str
    comment: str
    by: str
    at: int

    @property
    def id(self) -> str:
        """A finding is closed once."""
        return derived_id("clo", self.finding)


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """The version ``key`` went from one state to another, under the gate policy ``gate``.

    ``number`` counts the transitions of a version from 1: its state is where the last one led.
    """

    key: str
    number: int
    source: str
    target: str
    actor: str
    reason: str
    gate: str
    at: int

    @property
    def id(self) -> str:
        """The place in the version's history."""
        return derived_id("trn", self.key, str(self.number))


#: Everything that is on file about versions; each is written once and never changed.
Row = ModelRecord | Contribution | Filed | Approval | Finding | Closure | Transition

_KINDS: dict[type, str] = {
    ModelRecord: "version",
    Contribution: "contribution",
    Filed: "evidence",
    Approval: "approval",
    Finding: "finding",
    Closure: "closure",
    Transition: "transition",
}


def row_id(row: Row) -> str:
    """The id a row is stored under: a version's is its key."""
    return row.key if isinstance(row, ModelRecord) else row.id


def entity_of(row: Row) -> str:
    """How the audit log names a row, such as ``approval/apr_0f...``."""
    return f"{_KINDS[type(row)]}/{row_id(row)}"


def tier_of(inputs: TierInputs) -> int:
    """The tier on two axes: inherent risk and materiality, each the worse of its two inputs.

    Tier 1 when both axes are high, or one is high and the other medium; tier 3 when neither
    exceeds low, or one is medium and the other low; tier 2 otherwise. High materiality alone is
    never below tier 2.

    Example:
        >>> tier_of(TierInputs(complexity="high", uncertainty="medium", exposure="high",
        ...                    purpose="low", rationale=""))
        1
    """
    inherent = max(_LEVELS[inputs.complexity], _LEVELS[inputs.uncertainty])
    material = max(_LEVELS[inputs.exposure], _LEVELS[inputs.purpose])
    total = inherent + material
    return 1 if total >= 5 else 2 if total == 4 else 3
