"""How do contracts and definitions that somebody wrote in files become a workload?

A catalog of one's own is data: nothing in it is executed, except rules, which are CEL. What is
computed by code (derived values) and what a model is trained by (a recipe) is a workload of the
package.
"""

from typing import Any

import msgspec

from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.label import LABEL_TYPE, label_contract
from assay.core.errors import Invalid
from assay.decisions.policy import Costs
from assay.features.catalog import Catalog
from assay.features.definition import Combined, Feature
from assay.features.written import written
from assay.rules.rule import Rule
from assay.workloads.workload import Workload

_VALUES_MAX = 10_000
_NO_CURRENCY = "XXX"  #: as ISO 4217 writes it


class Own(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of a catalog.

    Args:
        request: the event type at whose instants the values are asked for.
        entity: key of the request whose requests belong together; its first one unless said.
        amount: money field of the request; the only one unless said, none where there are more.
        about: what it is for, for people.
        features: definitions, as ``features/written.py`` reads them.
        combined: the same.
        rules: what decides where a home of this workload is served; none: everything is approved.
        capacity_per_day: reviews per UTC day.
    """

    request: str
    entity: str = ""
    amount: str = ""
    about: str = ""
    features: tuple[dict[str, Any], ...] = ()
    combined: tuple[dict[str, Any], ...] = ()
    rules: tuple[Rule, ...] = ()
    capacity_per_day: int = 100


def own_workload(name: str, contracts: ContractSet, given: object) -> Workload:
    """The workload of contracts and a decoded catalog.

    Args:
        name: of the workload.
        contracts: its event types; that of labels is added where it is not among them.
        given: the catalog's file, decoded.

    Raises:
        Unknown: a name that nothing has, with the nearest.
        Invalid: a part without an exact meaning; the message names it.
    """
    try:
        own = msgspec.convert(given, Own)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"expected request, features and so on, as docs/reference/catalog.md shows: {error}"
        ) from error
    if not 0 < len(own.features) + len(own.combined) <= _VALUES_MAX:
        raise Invalid(f"expected 1 to {_VALUES_MAX:,} tables [[features]] and [[combined]]")
    request = contracts.get(own.request)
    if not request.keys:
        raise Invalid(
            f"the request {request.type!r} has no entity keys: name them in its contract "
            "(assayEntityKeys)"
        )
    contracts = _with_labels(contracts, request)
    amount = own.amount or _only_money(request)
    catalog = Catalog(
        request=request,
        contracts=contracts,
        features=[written(Feature, each) for each in own.features],
        combined=[written(Combined, each) for each in own.combined],
    )
    return Workload(
        name=name,
        contracts=contracts,
        request=request,
        catalog=catalog,
        rules=own.rules,
        lists=(),
        costs=_costs(request.field(amount).unit if amount else ""),
        capacity=own.capacity_per_day,
        amount_field=amount,
        entity_field=own.entity or request.keys[0],
        inputs=catalog.names,
        maturity=0,
        about={"catalog": own.about} if own.about else {},
    )


def _with_labels(contracts: ContractSet, request: EventContract) -> ContractSet:
    """The contracts and that of labels, which carries the keys of the request."""
    own = label_contract()
    found = next((each for each in contracts if each.type == LABEL_TYPE), None)
    if found is None:
        copied = [request.field(key) for key in request.keys if key not in own.by_name]
        return ContractSet([*contracts, label_contract(copied)])
    for field in own.fields:
        if found.by_name.get(field.name, field).kind != field.kind:
            raise Invalid(f"{LABEL_TYPE}.{field.name}: expected the kind {field.kind}")
        if field.required and field.name not in found.by_name:
            raise Invalid(f"the event type {LABEL_TYPE!r} tells outcomes: it needs {field.name!r}")
    return contracts


def _only_money(request: EventContract) -> str:
    found = [field.name for field in request.fields if field.kind == "money"]
    return found[0] if len(found) == 1 else ""


def _costs(currency: str) -> Costs:
    """What is lost is the amount: enough to order a review queue, and no model is trained here."""
    return Costs(
        currency=currency or _NO_CURRENCY,
        fraud_share=1.0,
        fraud_fixed=0,
        block_share=0.0,
        block_fixed=0,
        review_fixed=0,
        reviewer_error=0.0,
    )
