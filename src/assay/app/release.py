"""How does a trained version get to live traffic? Through the gate, by people of distinct duties.

These are the steps behind ``assay model``: each is one or two acts of ``runtime.governance``, done
by the identity that is passed in, and each may be refused with every reason.
"""

from collections.abc import Callable, Iterable

from assay.core.evidence import Evidence
from assay.core.time import DAY
from assay.governance.facts import Facts, State
from assay.governance.inventory import ModelRecord
from assay.runtime.clock import wall_time
from assay.runtime.governance import Governance
from assay.runtime.identity import Identity
from assay.runtime.train import TrainResult
from assay.workloads.inventory import Made

APPROVAL_TERM = 180 * DAY

#: Files a document rendered from what is on file and returns the evidence that it exists.
Render = Callable[[Facts], Evidence]


def register(
    governance: Governance,
    developer: Identity,
    result: TrainResult,
    describe: Callable[[Made], ModelRecord],
) -> Facts:
    """Put a trained version into the inventory and start its development."""
    version = 1 + max((f.record.version for f in governance.inventory()), default=0)
    made = Made(
        version=version,
        model=result.model,
        policy=result.policy_digest,
        frame=result.frame,
        catalog=result.workload.catalog.digest,
        environment=result.environment,
        owner=developer.user,
        developers=(developer.user,),
    )
    record = governance.register(developer, describe(made))
    governance.contribute(developer, record.key, developer.user, "trained")
    governance.promote(developer, record.key, State.DEVELOPMENT)
    return governance.status(record.key)


def submit(
    governance: Governance,
    developer: Identity,
    key: str,
    evidence: Iterable[Evidence],
    documents: Iterable[Render],
) -> None:
    """File the developer's evidence, render the documents from it, hand the version over."""
    governance.record_evidence(developer, key, evidence)
    for render in documents:
        governance.record_evidence(developer, key, [render(governance.status(key))])
    governance.submit(developer, key)


def validate(
    governance: Governance,
    validator: Identity,
    key: str,
    evidence: Iterable[Evidence],
    documents: Iterable[Render],
) -> None:
    """File the validator's own evidence and report."""
    governance.record_evidence(validator, key, evidence)
    for render in documents:
        governance.record_evidence(validator, key, [render(governance.status(key))])


def approve(governance: Governance, person: Identity, key: str, role: str, comment: str) -> None:
    """Approve exactly the bytes on file."""
    record = governance.status(key).record
    governance.approve(
        person,
        key,
        role,
        comment=comment,
        expires_at=wall_time() + APPROVAL_TERM,
        seen=record.model or record.policy,
    )


def go_live(governance: Governance, person: Identity, key: str) -> Facts:
    """Take the last two steps; the gate looks at everything again at each."""
    governance.promote(person, key, State.APPROVED)
    governance.promote(person, key, State.LIVE)
    return governance.status(key)
