"""Every change that breaks a reader is named at its field; those that break nobody are not."""

from typing import Any

import pytest

from assay.contracts.compatibility import Mode, breaks, incompatible
from assay.contracts.contract import ContractSet, EventContract, Field, Kind
from assay.core.errors import Invalid


def field(name: str = "x", kind: Kind = "int", **other: Any) -> Field:
    return Field(name=name, kind=kind, **other)


def version(*fields: Field, keys: tuple[str, ...] = (), event_type: str = "paid") -> ContractSet:
    return ContractSet([EventContract(type=event_type, version=1, keys=keys, fields=fields)])


def found(old: ContractSet, new: ContractSet, **how: Any) -> list[tuple[str, str]]:
    return [(item.path, " ".join(item.breaks)) for item in breaks(old, new, **how)]


X, OPTIONAL = field(), field("y", required=False)


@pytest.mark.parametrize(
    ("old", "new", "directions"),
    [
        (field(kind="int"), field(kind="money"), "backward forward"),
        (field(kind="money", unit="EUR"), field(kind="money", unit="USD"), "backward forward"),
        (field(kind="decimal", scale=2), field(kind="decimal", scale=4), "backward forward"),
        (field(required=False), field(), "backward"),
        (field(), field(required=False), "forward"),
        (field(high=9), field(high=8), "backward"),
        (field(high=9), field(high=10), "forward"),
        (field(low=0), field(), "forward"),
        (field(kind="text", length_max=9), field(kind="text", length_max=8), "backward"),
        (field(kind="text", choices=("a", "b")), field(kind="text", choices=("a",)), "backward"),
        (field(kind="text", choices=("a",)), field(kind="text", choices=("a", "b")), "forward"),
        (field(kind="text"), field(kind="text", choices=("a",)), "backward"),
        (field(kind="text", choices=("a",)), field(kind="text"), "forward"),
        (field(kind="real", low=0.5), field(kind="real", low=0.25), "forward"),
    ],
)
def test_a_changed_field_breaks_exactly_these_readers(
    old: Field, new: Field, directions: str
) -> None:
    assert found(version(old), version(new)) == [("paid.x", directions)]


def test_texts_for_people_and_closed_lengths_break_nobody() -> None:
    closed = field(kind="text", choices=("a",), length_max=5)
    assert found(version(closed), version(field(kind="text", choices=("a",), about="new"))) == []
    assert found(version(X), version(field(about="new", sensitivity="personal"))) == []


def test_a_field_that_is_only_in_one_version() -> None:
    assert found(version(X), version(X, OPTIONAL)) == [("paid.y", "forward")]
    assert found(version(X, OPTIONAL), version(X)) == [("paid.y", "backward")]
    assert found(version(X), version(X, field("y"))) == [
        ("paid.y", "backward"),
        ("paid.y", "forward"),
    ]
    # A reader that passes over what it does not know, as a schema registry assumes.
    assert found(version(X), version(X, OPTIONAL), open_content=True) == []
    assert found(version(X), version(X, field("y")), open_content=True) == [("paid.y", "backward")]
    assert found(version(X, field("y")), version(X), open_content=True) == [("paid.y", "forward")]


def test_keys_and_event_types() -> None:
    text = field(kind="text")
    assert found(version(text), version(text, keys=("x",))) == [("paid", "backward forward")]
    assert found(version(X), version(X, event_type="other")) == [
        ("paid", "backward"),
        ("other", "forward"),
    ]


@pytest.mark.parametrize(("mode", "count"), [("backward", 0), ("forward", 1), ("full", 1)])
def test_a_mode_keeps_the_readers_it_is_about(mode: Mode, count: int) -> None:
    assert len(incompatible([version(X), version(X, OPTIONAL)], mode)) == count


def test_only_transitive_looks_beyond_the_version_before() -> None:
    """An old log holds it: optional, then gone for long enough that nobody remembers."""
    versions = [version(X, field("y", kind="int", high=9)), version(X), version(X, OPTIONAL)]
    assert incompatible(versions, "backward") == []
    wider = [version(field(high=9)), version(field(high=20)), version(field(high=15))]
    assert [item.since for item in incompatible(wider, "backward", transitive=True)] == [1]
    old_kind = [version(field(kind="text")), version(), version(field(required=False))]
    assert incompatible(old_kind, "backward") == []
    [broken] = incompatible(old_kind, "backward", transitive=True)
    assert (broken.since, broken.path) == (0, "paid.x")


def test_one_version_compares_with_nothing() -> None:
    with pytest.raises(Invalid, match="got 1"):
        incompatible([version(X)], "full")


def test_a_closed_set_gives_way_to_a_length_that_does_not_hold_it() -> None:
    def version(**more: Any) -> ContractSet:
        field = Field(name="x", kind="text", **more)
        return ContractSet([EventContract(type="p", version=1, keys=(), fields=(field,))])

    closed, short = version(choices=("a", "abc")), version(length_max=1)
    assert {way for item in breaks(closed, short) for way in item.breaks} == {"backward", "forward"}
    assert {way for item in breaks(short, closed) for way in item.breaks} == {"backward", "forward"}
    roomy = version(length_max=3)
    assert {way for item in breaks(closed, roomy) for way in item.breaks} == {"forward"}
