"""Which ready-made definitions go by a name, and how does a stored policy decide with them?"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from assay.app.own import own_workload_at
from assay.contracts.contract import ContractSet
from assay.core.canonical import digest
from assay.core.errors import Invalid, Unknown, shown
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Policy
from assay.decisions.reason import CHECKING, NEUTRAL, NOTHING, STANDARD, ReasonCatalogue, ReasonText
from assay.models.text import TextModel
from assay.rules.rule import Rule
from assay.workloads.workload import Workload

#: Name to module and attribute; the attribute is a workload, or makes one from a text model.
WORKLOADS = {
    "checkout": "assay.workloads.checkout.workload:checkout",
    "cards": "assay.workloads.cards.workload:CARDS",
}
_CUSTOMER = {"approve": NOTHING, "challenge": NEUTRAL, "block": NEUTRAL}


class NoTextModel:
    """Stands where a text model would while none has been trained: it says nothing, as 0."""

    digest = digest("no text model")

    def score(self, text: str, /) -> float:  # noqa: ARG002 - the shape of a text model
        """0 for every text."""
        return 0.0


def workload_named(name: str, text_model: TextModel | None = None) -> Workload:
    """The workload of that name, with the text model of the bundle it runs with.

    A name with a slash in it is a folder of a user's own; see ``app/own.py``.

    Raises:
        Unknown: there is none of that name; the message names those there are.
        NotFound, Invalid: the folder's files are not there, or mean nothing.
    """
    if "/" in name:
        return own_workload_at(Path(name))
    if name not in WORKLOADS:
        if Path(name).is_dir():
            raise Invalid(f"workload {shown(name)}: write a folder with a slash: ./{name}")
        raise Unknown("workload", name, known=WORKLOADS)
    module, _, attribute = WORKLOADS[name].partition(":")
    if find_spec(module) is None:
        raise Unknown("workload", name, known=[known for known in WORKLOADS if known != name])
    found: Workload | Callable[[TextModel | NoTextModel], Workload]
    found = getattr(import_module(module), attribute)
    return found if isinstance(found, Workload) else found(text_model or NoTextModel())


def compiled(policy: Policy, workload: Workload) -> CompiledPolicy:
    """A policy ready to decide with the definitions of its workload.

    Raises:
        PolicyMismatch: the policy was written for other contracts or another catalog.
    """
    catalogue = reasons_of(policy.rules)
    return CompiledPolicy(policy, workload.catalog, workload.contracts, catalogue)


def rules_only(workload: Workload) -> Policy:
    """The policy of a home without any model: the workload's rules and lists decide alone."""
    return Policy(
        name=f"{workload.name}-rules",
        version=1,
        request=workload.request.type,
        contracts=workload.contracts.digest,
        catalog=workload.catalog.digest,
        model=None,
        rules=workload.rules,
        lists=workload.lists,
        bands=Bands(review_at=1.0, block_at=1.0, overflow=Outcome.CHALLENGE),
        costs=workload.costs,
        capacity_per_day=workload.capacity,
        deadline=50_000,
        if_no_score=Outcome.REVIEW,
        amount_field=workload.amount_field,
        entity_field=workload.entity_field,
    )


def reasons_of(rules: tuple[Rule, ...]) -> ReasonCatalogue:
    """The standard reasons and those of the rules that bring a code of their own.

    What such a rule is about is its text for analysts; the customer is told nothing particular.
    """
    own: dict[str, ReasonText] = {}
    for rule in rules:
        if rule.code and rule.code not in STANDARD:
            customer = _CUSTOMER.get(rule.then, CHECKING)
            own.setdefault(rule.code, ReasonText(rule.code, rule.about or rule.when, customer))
    return STANDARD.extended(own.values())


def contracts_of(name: str) -> ContractSet:
    """The event types of a workload; they do not depend on any model."""
    return workload_named(name).contracts
