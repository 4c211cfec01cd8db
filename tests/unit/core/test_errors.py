"""Errors say what failed, which value, what was near; their codes are unique and stable."""

import pytest

from assay.core import errors
from assay.core.errors import AssayError, GateRefused, Invalid, Unknown, shown
from assay.core.ids import check_id, check_name, derived_id


def test_every_error_has_a_code_of_its_own() -> None:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, AssayError)
    ]
    assert len({cls.code for cls in classes}) == len(classes)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    error = Unknown("feature", "amuont", known=["amount", "nights"])
    assert str(error) == "feature 'amuont' is not among the 2 known. Did you mean 'amount'?"
    assert error.known == ("amount", "nights")


def test_the_gate_lists_every_reason() -> None:
    error = GateRefused("promotion to live", ["no approval", "finding F-1 is open"])
    assert error.why == ("no approval", "finding F-1 is open")
    assert str(error).endswith("no approval; finding F-1 is open")


def test_a_long_value_is_cut_in_messages() -> None:
    assert len(shown("x" * 10_000)) < 120


@pytest.mark.parametrize("text", ["", "a b", "x" * 129, "caf\u00e9", "a\nb", "\x00"])
def test_ids_are_short_printable_ascii(text: str) -> None:
    with pytest.raises(Invalid, match="id of 1 to 128"):
        check_id(text)


@pytest.mark.parametrize("text", ["A", "1a", "a-b", "", "a" * 65])
def test_names_are_snake_case(text: str) -> None:
    with pytest.raises(Invalid, match="lower-case"):
        check_name(text)


def test_derived_ids_do_not_confuse_their_parts() -> None:
    assert derived_id("x", "ab", "c") != derived_id("x", "a", "bc")
