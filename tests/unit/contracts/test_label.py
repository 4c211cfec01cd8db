"""A label says how a request turned out, once it is known."""

import pytest

from assay.contracts.contract import ContractSet, Field
from assay.contracts.decode import ContractViolation, check_event
from assay.contracts.event import Event
from assay.contracts.label import label_contract
from assay.core.errors import Invalid

AT = 1_767_225_600_000_000
USER = Field(name="user_id", kind="text", sensitivity="personal", length_max=20)
AMOUNT = Field(name="amount", kind="money", unit="EUR", low=0)
CHANNEL = Field(name="channel", kind="text", choices=("web", "app"))


def test_copied_fields_keep_their_meaning_and_become_optional() -> None:
    contract = label_contract((USER, AMOUNT, CHANNEL))
    copied = contract.field("amount")
    assert (copied.kind, copied.unit, copied.low, copied.required) == ("money", "EUR", 0, False)
    assert contract.field("user_id").sensitivity == "personal"
    assert contract.keys == ("user_id",)


def test_a_label_needs_its_request_its_finding_and_its_source() -> None:
    contracts = ContractSet([label_contract((USER,))])
    data = {"request_id": "b1", "fraud": True, "source": "chargeback"}
    assert check_event(Event("l1", "label", AT, dict(data)), contracts).payload == data
    for name in data:
        short = {key: value for key, value in data.items() if key != name}
        with pytest.raises(ContractViolation, match=name):
            check_event(Event("l1", "label", AT, short), contracts)


@pytest.mark.parametrize(
    "wrong", [{"source": "rumour"}, {"confidence": 1.5}, {"fraud": "yes"}, {"confidence": -0.1}]
)
def test_a_label_outside_its_contract_is_refused(wrong: dict[str, object]) -> None:
    contracts = ContractSet([label_contract()])
    data = {"request_id": "b1", "fraud": True, "source": "chargeback", **wrong}
    with pytest.raises(ContractViolation):
        check_event(Event("l1", "label", AT, data), contracts)


def test_a_field_of_the_labels_own_cannot_be_copied_over() -> None:
    with pytest.raises(Invalid, match="source"):
        label_contract((Field(name="source", kind="text"),))
