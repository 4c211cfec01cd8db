"""Compatibility against the door itself, and documents against what they were written from."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts.compatibility import breaks
from assay.contracts.contract import ContractSet, EventContract, Field, Kind
from assay.contracts.decode import ContractViolation, check_event
from assay.contracts.event import Event
from assay.contracts.odcs import from_odcs, to_odcs
from assay.contracts.yaml_text import parse_yaml, write_yaml
from assay.core.time import TIME_MIN

_TEXTS = ("a", "bb", "ccc")
_UNITS = st.sampled_from(["", "EUR", "days: [1]", "# no"])


@st.composite
def fields(draw: st.DrawFn, name: str) -> Field:
    kind: Kind = draw(st.sampled_from(["text", "int", "bool", "money", "decimal", "real", "time"]))
    low, high = draw(st.sampled_from([(None, None), (0, 5), (-2, 3), (0, None)]))
    numeric = kind in ("int", "money", "decimal", "real")
    choices = draw(st.sampled_from([(), _TEXTS[:2], _TEXTS])) if kind == "text" else ()
    return Field(
        name=name,
        kind=kind,
        required=draw(st.booleans()),
        unit=draw(_UNITS) if numeric else "",
        sensitivity=draw(st.sampled_from(["public", "internal", "personal", "secret"])),
        low=low if numeric else None,
        high=high if numeric else None,
        length_max=draw(st.sampled_from([1, 2, 256])) if kind == "text" else 256,
        scale=draw(st.sampled_from([0, 4])) if kind == "decimal" else 0,
        choices=choices,
        about=draw(st.sampled_from(["", "what it is", "y: 'no'", "2026-01-01", "ünïcode"])),
    )


@st.composite
def contracts(draw: st.DrawFn) -> EventContract:
    names = draw(
        st.lists(
            st.sampled_from(["x", "y", "z", "id", "ts", "event_id", "event_ts"]),
            unique=True,
            min_size=1,
        )
    )
    made = tuple(draw(fields(name)) for name in names)
    texts = [field.name for field in made if field.kind == "text"]
    keys = tuple(draw(st.lists(st.sampled_from(texts), unique=True))) if texts else ()
    return EventContract(type="paid", version=draw(st.integers(1, 9)), fields=made, keys=keys)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[EventContract, EventContract]:
    """Two versions that mostly agree: one field is drawn anew, or gone."""
    old = draw(contracts())
    changed = draw(st.sampled_from([field.name for field in old.fields]))
    anew = [draw(fields(changed))] if draw(st.booleans()) else []
    kept = [field for field in old.fields if field.name != changed]
    keys = tuple(key for key in old.keys if key != changed)
    return old, EventContract(type="paid", version=1, fields=(*kept, *anew), keys=keys)


_VALUES = st.one_of(
    st.sampled_from([*_TEXTS, "", "\u00e9"]), st.integers(-3, 6), st.booleans(),
    st.sampled_from([0.5, 2.0, TIME_MIN]),
)  # fmt: skip


@given(st.lists(contracts(), min_size=1, max_size=1))
def test_a_document_says_the_whole_contract(made: list[EventContract]) -> None:
    text = write_yaml(to_odcs(ContractSet(made), name="n"))
    assert list(from_odcs(parse_yaml(text.encode()))) == made


def _accepts(contract: EventContract, payload: dict[str, Any]) -> bool:
    try:
        check_event(Event("e", "paid", TIME_MIN, payload), ContractSet([contract]))
    except ContractViolation:
        return False
    return True


@settings(max_examples=300)
@given(pairs(), st.data())
def test_where_nothing_breaks_the_door_takes_what_the_other_door_took(
    versions: tuple[EventContract, EventContract], data: st.DataObject
) -> None:
    """Both ways: a payload valid on one side is valid on the other unless a break is named."""
    old, new = versions
    directions = {d for item in breaks(ContractSet([old]), ContractSet([new])) for d in item.breaks}
    for wrote, reads, direction in ((old, new, "backward"), (new, old, "forward")):
        if direction in directions:
            continue
        payload = data.draw(
            st.fixed_dictionaries({}, optional=dict.fromkeys(wrote.by_name, _VALUES))
        )
        if _accepts(wrote, payload):
            assert _accepts(reads, payload), (direction, payload)
