"""The fast reader of bodies agrees with the plain one, for every text that is or is not JSON."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.decode import decode_event, encode_event
from assay.contracts.event import Event
from assay.contracts.parse import DEPTH_MAX, Doubled, parse
from assay.core.errors import Invalid

NOW = 1_767_225_600_000_000
CONTRACTS = ContractSet(
    [
        EventContract(
            type="t",
            version=1,
            keys=(),
            fields=(
                Field(name="a", kind="text", required=False),
                Field(name="b", kind="int", required=False),
                Field(name="c", kind="real", required=False),
                Field(name="d", kind="bool", required=False),
            ),
        )
    ]
)


class Pairs:
    """An object as it is written: pairs, perhaps with the same name twice."""

    def __init__(self, items: list[tuple[str, Any]]) -> None:
        self.items = items


whole_characters = st.characters(exclude_categories=["Cs"])
texts = st.text(whole_characters, max_size=8)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), texts,
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
# Few names, so that the same one comes twice often.
names = st.sampled_from(["a", "b", 'q"', "\\", "é"])
pairs = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(st.tuples(names, inner), max_size=4).map(Pairs)
    ),
    max_leaves=10,
)


def written(value: Any, *, ascii_only: bool) -> str:
    if isinstance(value, Pairs):
        inner = (
            f"{json.dumps(name, ensure_ascii=ascii_only)}: {written(item, ascii_only=ascii_only)}"
            for name, item in value.items
        )
        return "{" + " , ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(item, ascii_only=ascii_only) for item in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def doubled(value: Any) -> bool:
    if isinstance(value, Pairs):
        found = [name for name, _ in value.items]
        return len(set(found)) < len(found) or any(doubled(item) for _, item in value.items)
    return isinstance(value, list) and any(doubled(item) for item in value)


def holds_doubled(value: Any) -> bool:
    if isinstance(value, Doubled):
        return True
    if isinstance(value, dict):
        return any(holds_doubled(item) for item in value.values())
    return isinstance(value, list) and any(holds_doubled(item) for item in value)


def depth(value: Any) -> int:
    if isinstance(value, Pairs):
        return 1 + max((depth(item) for _, item in value.items), default=0)
    return 1 + max((depth(item) for item in value), default=0) if isinstance(value, list) else 0


@given(value=pairs, ascii_only=st.booleans())
def test_parsing_gives_what_was_written_and_finds_every_doubled_name(
    value: Any, ascii_only: bool
) -> None:
    text = written(value, ascii_only=ascii_only)
    if depth(value) > DEPTH_MAX:
        return
    # A pair that is dropped may have held the doubled object; then its holder is doubled itself.
    found = parse(text.encode())
    assert holds_doubled(found) == doubled(value)
    if not doubled(value):
        assert found == json.loads(text)
        assert repr(found) == repr(json.loads(text))


@given(raw=st.one_of(st.binary(max_size=60), texts.map(str.encode)))
def test_any_bytes_are_decoded_or_refused_and_nothing_else(raw: bytes) -> None:
    said = ""
    try:
        decode_event(raw, CONTRACTS, now=NOW)
    except Invalid as error:
        said = str(error)
    assert said.isprintable()


@given(
    name=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128),
    ts=st.integers(NOW - 10**12, NOW),
    data=st.fixed_dictionaries(
        {},
        optional={
            "a": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            "b": st.integers(-(2**43) + 1, 2**43 - 1),
            "c": st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
            "d": st.booleans(),
        },
    ),
)
def test_every_event_survives_its_wire_form(name: str, ts: int, data: dict[str, Any]) -> None:
    event = Event(name, "t", ts, data)
    again = decode_event(encode_event(event), CONTRACTS, now=NOW)
    assert again == event
    assert again.digest == event.digest
