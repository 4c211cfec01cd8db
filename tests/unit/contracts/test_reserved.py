"""No workload has an event type or a field that is the platform's own."""

from dataclasses import replace

import pytest

from assay.app.workloads import workload_named
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.label import label_contract
from assay.contracts.reserved import RESERVED_FIELDS, RESERVED_TYPES, check_reserved
from assay.core.errors import Invalid


def made(event_type: str, *names: str) -> EventContract:
    fields = tuple(Field(name=name, kind="text") for name in names)
    return EventContract(type=event_type, version=1, keys=(), fields=fields)


@pytest.mark.parametrize("event_type", ["erasure", "retraction"])
def test_a_type_of_the_platform_is_refused_with_all_of_them(event_type: str) -> None:
    with pytest.raises(Invalid, match=rf"event type '{event_type}'.*erasure, retraction"):
        check_reserved([made("payment", "card"), made(event_type, "card")])
    shipped = workload_named("cards")
    with pytest.raises(Invalid, match=event_type):
        replace(shipped, contracts=ContractSet([*shipped.contracts, made(event_type)]))


@pytest.mark.parametrize(
    "name",
    ["id", "type", "ts", "event_id", "known_at", "ordinal", "asked", "bucket", "slice", "lookup",
     "bits", "known"],
)  # fmt: skip
def test_a_field_named_like_a_column_is_refused_with_all_of_them(name: str) -> None:
    with pytest.raises(Invalid, match=rf"field '{name}' of 'payment'.*id, type, ts, event_id"):
        check_reserved([made("payment", "card", name)])


def test_labels_and_what_is_shipped_keep_their_names() -> None:
    check_reserved([label_contract()])
    for name in ("checkout", "cards"):
        assert list(workload_named(name).contracts)
    assert len({*RESERVED_FIELDS, *RESERVED_TYPES}) == len(RESERVED_FIELDS) + len(RESERVED_TYPES)
