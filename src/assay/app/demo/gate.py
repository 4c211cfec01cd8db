"""How does the version of a demo pass the gate? By three people, each with a duty of their own."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from assay.app import release
from assay.app.documents import Shelf
from assay.core.evidence import Evidence
from assay.governance.inventory import ModelRecord
from assay.governance.validation_report import Opinion
from assay.runtime.governance import Governance
from assay.runtime.identity import Identity
from assay.runtime.train import TrainResult
from assay.workloads.inventory import Made

People = Mapping[str, Identity]


class Words(NamedTuple):
    """What the validator concludes, and with what comment the two approve."""

    opinion: str
    validator: str
    approver: str


def submit(
    gate: Governance,
    people: People,
    shelf: Shelf,
    result: TrainResult,
    describe: Callable[[Made], ModelRecord],
    fairness: Iterable[Evidence],
) -> str:
    """Register what was trained and hand it over with the developer's documents; its key."""
    developer = people["demo-developer"]
    key = release.register(gate, developer, result, describe).record.key
    evidence = (*result.development, *fairness)
    release.submit(gate, developer, key, evidence, (shelf.fairness_audit, shelf.model_card))
    return key


def approve(
    gate: Governance, people: People, shelf: Shelf, result: TrainResult, key: str, words: Words
) -> None:
    """Validate it, approve it twice, and let it decide."""
    validator, approver = people["demo-validator"], people["demo-approver"]
    opinion = Opinion(verdict="approve", by=validator.user, text=words.opinion)
    report = partial(shelf.validation_report, opinion=opinion)
    release.validate(gate, validator, key, result.validation, (report,))
    release.approve(gate, validator, key, "validator", words.validator)
    release.approve(gate, approver, key, "approver", words.approver)
    release.go_live(gate, approver, key)
