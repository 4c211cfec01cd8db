"""The canonical form is pinned: a change here would silently rename every stored definition."""

import json
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.canonical import canonical, digest, digest_bytes
from assay.core.errors import Invalid

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ({"é": 1, "z": 2, "\U0001f600": 3, "\uffee": 4}, '{"z":2,"é":1,"\uffee":4,"\U0001f600":3}'),
        ("e\u0301", '"e\u0301"'),
        ("\u00e9", '"\u00e9"'),
        ('a"\\\n\x00', '"a\\"\\\\\\n\\u0000"'),
        (2**200, str(2**200)),
        (-(2**63), "-9223372036854775808"),
        (1, "1"),
        (1.0, "1.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-0.0, "-0.0"),
        (1e16, "1e+16"),
        (5e-324, "5e-324"),
        (True, "true"),
        ((1, [2, None]), "[1,[2,null]]"),
    ],
)
def test_known_forms(value: object, expected: str) -> None:
    assert canonical(value).decode() == expected


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -float("inf"), b"bytes", {1: "x"}, {None: 1}, {1, 2}, "\ud800"],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        canonical(value)


def test_nesting_is_bounded() -> None:
    value: object = 0
    for _ in range(100):
        value = [value]
    with pytest.raises(Invalid, match="nesting"):
        canonical(value)


def test_one_and_one_point_zero_and_true_are_three_values() -> None:
    assert len({digest(1), digest(1.0), digest(True)}) == 3


def test_structs_and_dataclasses_read_as_objects() -> None:
    class Point(msgspec.Struct):
        y: int
        x: float

    @dataclass
    class Pair:
        y: int
        x: float

    assert canonical(Point(1, 2.0)) == canonical(Pair(1, 2.0)) == b'{"x":2.0,"y":1}'


def test_digest_is_sha256_of_the_bytes() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_bytes(b"") == f"sha256:{empty}"


@given(plain)
def test_canonical_bytes_are_json_that_reads_back_to_the_same_value(value: object) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.dictionaries(texts, st.integers()))
def test_key_order_of_the_source_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)
