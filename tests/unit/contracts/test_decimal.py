"""A decimal is a whole number of quanta everywhere behind the door."""

import pytest

from assay.contracts.contract import ContractSet, EventContract, Field, Kind
from assay.contracts.decode import ContractViolation, decode_event
from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.catalog import Catalog
from assay.features.definition import Feature
from assay.features.state import FeatureState

_NOW = 1_767_225_600_000_000
_RATE = Field(name="rate", kind="decimal", scale=4, unit="percent", low=0, high=1_000_000)
_LOAN = EventContract(
    type="loan", version=1, keys=("user",), fields=(Field(name="user", kind="text"), _RATE)
)


def _event(rate: str) -> Event:
    raw = f'{{"id":"l1","type":"loan","ts":{_NOW},"data":{{"user":"u","rate":{rate}}}}}'
    return decode_event(raw.encode(), ContractSet([_LOAN]), now=_NOW)


def test_the_wire_carries_whole_quanta_and_nothing_is_rounded() -> None:
    assert _event("31250").payload["rate"] == 31_250  # 3.1250 percent
    for text in ("3.125", '"3.1250"', "1000001"):
        with pytest.raises(ContractViolation, match=r"\$\.data\.rate"):
            _event(text)


def test_features_sum_it_exactly() -> None:
    total = Feature(
        name="total", source="loan", key=("user",), aggregate="sum", of="rate", window=9
    )
    state = FeatureState(Catalog(request=_LOAN, contracts=ContractSet([_LOAN]), features=(total,)))
    for number in range(3):
        state.apply(Event(f"l{number}", "loan", number, {"user": "u", "rate": 31_250}))
    vector, _ = state.read(Event("r", "loan", 5, {"user": "u", "rate": 1}))
    assert vector.bits.tolist() == [93_750]


@pytest.mark.parametrize(("kind", "scale"), [("decimal", -1), ("decimal", 13), ("money", 2)])
def test_a_scale_belongs_to_a_decimal_and_is_bounded(kind: Kind, scale: int) -> None:
    with pytest.raises(Invalid, match="scale of 0 to 12"):
        Field(name="rate", kind=kind, scale=scale)
