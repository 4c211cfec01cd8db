"""What does one use of the platform consist of? A workload names its parts in one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.label import LABEL_TYPE
from assay.contracts.reserved import EVENT_ID, check_reserved
from assay.core.errors import Invalid
from assay.decisions.policy import Costs
from assay.features.catalog import Catalog
from assay.rules.rule import ListUse, Rule


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything that is particular to one kind of request.

    Args:
        name: of the workload, as commands and documents show it.
        contracts: the event types it reads; ``request`` is the one that is decided.
        catalog: the values a decision sees.
        rules, lists: the conditions of its policy and the lists they consult.
        costs: what mistakes cost, per request.
        capacity: reviews per UTC day.
        amount_field: money field of the request that a mistake's cost is a share of; empty: none.
        entity_field: key field of the request whose requests belong together (folds, cases).
        inputs: names of catalog values the model sees, in the model's order.
        segments: fields of the request by which performance is reported.
        maturity: microseconds after which a request without a label counts as good.
        label_type: event type that carries outcomes.

    Raises:
        Invalid: a part names something that another part does not have, or has a name that is
            the platform's own.
    """

    name: str
    contracts: ContractSet
    request: EventContract
    catalog: Catalog
    rules: tuple[Rule, ...]
    lists: tuple[ListUse, ...]
    costs: Costs
    capacity: int
    amount_field: str
    entity_field: str
    inputs: tuple[str, ...]
    maturity: int
    segments: tuple[str, ...] = ()
    label_type: str = LABEL_TYPE
    about: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_reserved(self.contracts)
        if EVENT_ID in self.catalog.names:
            raise Invalid(f"{self.name}: no value may be named {EVENT_ID!r}, as its column is")
        if self.amount_field and self.request.field(self.amount_field).kind != "money":
            raise Invalid(f"{self.name}: amount_field {self.amount_field!r} must be money")
        if self.entity_field not in self.request.keys:
            raise Invalid(f"{self.name}: entity_field {self.entity_field!r} must be a key")
        for segment in self.segments:
            self.request.field(segment)
        for name in self.inputs:
            self.catalog.index(name)
        for use in self.lists:
            self.request.field(use.field)
        self.contracts.get(self.label_type)
