"""The inventory records of the ready-made workloads say everything the gate asks for."""

from collections.abc import Callable

import pytest

from assay.core.canonical import digest
from assay.governance.facts import Change, Facts, State
from assay.governance.gate import GATE_POLICY
from assay.governance.inventory import ModelRecord
from assay.governance.predicates import inventory_complete
from assay.workloads.cards.inventory import cards_record
from assay.workloads.checkout.inventory import checkout_record
from assay.workloads.inventory import Made

MADE = Made(
    version=2, model=digest("m"), policy=digest("p"), frame=digest("f"), catalog=digest("c"),
    environment=digest("e"), owner="ada", developers=("ada", "bob"),
)  # fmt: skip
ASK = Change(target=State.DEVELOPMENT, user="ada", roles=frozenset(), kind="human", at=0)


@pytest.mark.parametrize("describe", [checkout_record, cards_record])
def test_a_record_is_complete_and_about_its_bytes(
    describe: Callable[[Made], ModelRecord],
) -> None:
    record = describe(MADE)
    assert list(inventory_complete(ASK, Facts(record=record), GATE_POLICY)) == []
    assert record.subjects == {digest("m"), digest("p")}
    assert (record.version, record.developers) == (2, ("ada", "bob"))
