from typing import Any

import pytest

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.label import label_contract
from assay.core.errors import Invalid
from assay.workloads.own import own_workload

CARD, AMOUNT = Field(name="card", kind="text"), Field(name="amount", kind="money", unit="JPY")
PAYMENT = EventContract(type="payment", version=1, keys=("card",), fields=(CARD, AMOUNT))
COUNT = {
    "name": "paid_1d", "source": "payment", "key": ["card"], "aggregate": "count", "window": "1d",
}  # fmt: skip
GIVEN: dict[str, Any] = {"request": "payment", "features": [COUNT]}


def test_what_is_not_said_follows_from_the_request() -> None:
    made = own_workload("shop", ContractSet([PAYMENT]), GIVEN)
    assert made.catalog.names == made.inputs == ("paid_1d",)
    assert (made.entity_field, made.amount_field, made.costs.currency) == ("card", "amount", "JPY")
    assert made.contracts.get("label").keys == ("card",)
    assert made.rules == ()


def test_a_request_about_no_amount_and_labels_of_ones_own_are_taken() -> None:
    login = EventContract(type="login", version=1, keys=("card",), fields=(CARD,))
    labels = label_contract((CARD, AMOUNT))
    feature = {**COUNT, "source": "login"}
    given = {"request": "login", "features": [feature]}
    made = own_workload("shop", ContractSet([login, labels]), given)
    assert (made.amount_field, made.costs.currency) == ("", "XXX")
    assert made.contracts.get("label") is labels


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"features": [COUNT]}, "missing required field `request`"),
        ({**GIVEN, "features": []}, r"expected 1 to 10,000 tables \[\[features\]\]"),
        ({**GIVEN, "request": "paymnet"}, "Did you mean 'payment'"),
        ({**GIVEN, "fetures": []}, "unknown field `fetures`"),
        ({**GIVEN, "entity": "amount"}, "entity_field 'amount' must be a key"),
        ({**GIVEN, "amount": "card"}, "amount_field 'card' must be money"),
        ({**GIVEN, "features": [{**COUNT, "aggregate": "cuont"}]}, "Did you mean 'count'"),
        ({**GIVEN, "combined": [{"name": "x", "how": "ratoi", "of": []}]}, "Did you mean 'ratio'"),
    ],
)
def test_a_slip_is_named(given: object, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        own_workload("shop", ContractSet([PAYMENT]), given)


def test_a_request_without_entities_and_labels_that_tell_nothing_are_refused() -> None:
    nobody = EventContract(type="payment", version=1, keys=(), fields=(CARD, AMOUNT))
    with pytest.raises(Invalid, match="has no entity keys"):
        own_workload("shop", ContractSet([nobody]), GIVEN)
    sticker = EventContract(type="label", version=1, keys=("card",), fields=(CARD,))
    with pytest.raises(Invalid, match="tells outcomes: it needs 'request_id'"):
        own_workload("shop", ContractSet([PAYMENT, sticker]), GIVEN)


def test_what_is_the_platforms_own_is_refused() -> None:
    with pytest.raises(Invalid, match="no value may be named 'event_id'"):
        own_workload(
            "shop",
            ContractSet([PAYMENT]),
            {**GIVEN, "features": [COUNT | {"name": "event_id"}]},
        )
    named = [Field(name="reviewer", kind="int") if f.name == "reviewer" else f
             for f in label_contract((CARD,)).fields]  # fmt: skip
    label = EventContract(type="label", version=1, keys=("card",), fields=tuple(named))
    with pytest.raises(Invalid, match=r"label\.reviewer: expected the kind text"):
        own_workload("shop", ContractSet([PAYMENT, label]), GIVEN)
