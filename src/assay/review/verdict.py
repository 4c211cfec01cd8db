"""What did the reviewer find? A verdict becomes a label event, a fact like any other."""

from assay.contracts.contract import ContractSet
from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.core.ids import derived_id
from assay.review.case import Case

LABEL_TYPE = "label"
_OWN = frozenset({"request_id", "fraud", "source", "confidence", "reviewer"})


#: How the ids of labels begin that a verdict produced.
LABEL_PREFIX = "lbl_"


def label_id(case_id: str) -> str:
    """The id of the one label a case can produce: a repeated verdict is the same event."""
    return derived_id("lbl", case_id)


def verdict_label(
    case: Case, request: Event, fraud: bool, reviewer: str, at: int, contracts: ContractSet
) -> Event:
    """The label event of a verdict given at ``at``; keys and amount are copied from the request.

    Raises:
        Invalid: ``request`` is not the case's request, or the verdict is older than the request.
        Unknown: the workload has no ``label`` event type.
    """
    if request.id != case.event_id:
        raise Invalid(f"case {case.id} is about event {case.event_id!r}, got {request.id!r}")
    if at < request.ts:
        raise Invalid(f"a verdict at {at} cannot precede its request at {request.ts}")
    contract = contracts.get(LABEL_TYPE)
    payload: dict[str, object] = {
        name: request.payload[name]
        for name in contract.by_name
        if name not in _OWN and request.payload.get(name) is not None
    }
    payload |= {"request_id": request.id, "fraud": fraud, "source": "review"}
    if "reviewer" in contract.by_name:
        payload["reviewer"] = reviewer
    return Event(label_id(case.id), LABEL_TYPE, at, payload)
