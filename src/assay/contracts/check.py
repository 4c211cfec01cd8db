"""Does one value fit its field? Each field of a contract becomes one small function."""

import math
import unicodedata
from collections.abc import Callable
from typing import Any, NoReturn

from assay.contracts.contract import EventContract, Field
from assay.contracts.violation import shown_value
from assay.core.errors import Invalid, near_miss
from assay.core.money import MINOR_MAX
from assay.core.time import check_time, parse_time

Check = Callable[[Any], Any]

#: Whole numbers a double holds exactly; a larger one in a ``real`` field would change silently.
_EXACT_MAX = 2**53
_WHOLE = {
    "int": "a whole number",
    "money": "money in minor units (whole number)",
    "decimal": "a decimal in its smallest unit (whole number)",
}


class Mismatch(Exception):
    """A value does not fit its field."""

    def __init__(self, expected: str, got: str) -> None:
        self.expected, self.got = expected, got
        super().__init__(expected, got)


def field_checks(contract: EventContract) -> tuple[dict[str, Check], frozenset[str]]:
    """The check of each field by name, and the names of the required fields.

    A check takes a parsed JSON value that is not null and gives the value to store, or raises
    `Mismatch`. Built once a contract and kept with it.
    """
    kept: tuple[dict[str, Check], frozenset[str]] | None = contract.__dict__.get("_checks")
    if kept is None:
        kept = (
            {field.name: _check(field, field.name in contract.keys) for field in contract.fields},
            frozenset(field.name for field in contract.fields if field.required),
        )
        contract.__dict__["_checks"] = kept
    return kept


def check_instant(value: Any) -> int:
    """An instant written as RFC 3339 text or whole microseconds UTC, as microseconds UTC.

    Raises:
        Mismatch: it is neither, or lies outside 2000..2099.
    """
    try:
        if type(value) is int:
            return check_time(value)
        if type(value) is str:
            return parse_time(value)
    except Invalid:
        pass  # the mismatch below says what was expected
    expected = "an RFC 3339 time with an offset, or whole microseconds UTC between 2000 and 2100"
    raise Mismatch(expected, shown_value(value))


def _check(field: Field, is_key: bool) -> Check:
    match field.kind:
        case "text" if field.choices:
            return _choice(field)
        case "text":
            return _key(_text(field)) if is_key else _text(field)
        case "bool":
            return _bool
        case "int" | "money" | "decimal":
            return _whole(field)
        case "real":
            return _real(field)
        case "time":
            return check_instant


def _text(field: Field) -> Check:
    length_max = field.length_max

    def check(value: Any) -> str:
        if type(value) is not str:
            raise Mismatch("text", shown_value(value))
        if len(value) > length_max:
            raise Mismatch(f"text of at most {length_max} characters", f"{len(value)} characters")
        if not value.isascii() or "\x00" in value:
            _check_characters(value)
        return value

    return check


def _check_characters(text: str) -> None:
    if "\x00" in text:
        raise Mismatch("text without U+0000", shown_value(text))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Mismatch("text of whole characters", f"a lone surrogate at {error.start}") from None


def _key(text: Check) -> Check:
    """A text that names one entity: what reads alike on a screen must not be two of them.

    No text at all names nobody: everybody whose name is missing would be one entity.
    """

    def check(value: Any) -> str:
        name: str = text(value)
        if not name or not name.isprintable() or name != name.strip():
            _check_name(name)
        return name

    return check


def _check_name(name: str) -> None:
    if not name:
        raise Mismatch("an identifier (leave an optional one out)", "an empty text")
    if name != name.strip():
        raise Mismatch("an identifier without white space at its ends", shown_value(name))
    for place, character in enumerate(name):
        if unicodedata.category(character) in ("Cc", "Cf"):
            raise Mismatch(
                "an identifier without control or format characters",
                f"U+{ord(character):04X} at {place}",
            )


def _choice(field: Field) -> Check:
    choices = frozenset(field.choices)
    expected = "one of " + ", ".join(field.choices)

    def check(value: Any) -> str:
        if type(value) is str and value in choices:
            return value
        near = near_miss(value, choices) if type(value) is str else ""
        raise Mismatch(expected, shown_value(value) + near)

    return check


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Mismatch("true or false", shown_value(value))
    return value


def _whole(field: Field) -> Check:
    # Without a stated bound the exact arithmetic of features sets one: see core.money.
    low = -MINOR_MAX if field.low is None else field.low
    high = MINOR_MAX if field.high is None else field.high

    def check(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        _refuse_number(_WHOLE[field.kind], type(value) is int, value, (low, high))

    return check


def _real(field: Field) -> Check:
    low = -math.inf if field.low is None else field.low
    high = math.inf if field.high is None else field.high

    def check(value: Any) -> float:
        kind = type(value)
        if kind is float and low <= value <= high and math.isfinite(value):
            # One zero: -0.0 and 0.0 are the same measurement.
            return float(value + 0.0)
        if kind is int and low <= value <= high and abs(value) <= _EXACT_MAX:
            return float(value)
        _refuse_number("a number", kind is int or kind is float, value, (low, high))

    return check


def _refuse_number(
    what: str, is_number: bool, value: Any, bounds: tuple[int | float, int | float]
) -> NoReturn:
    low, high = bounds
    if not is_number:
        raise Mismatch(what, shown_value(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise Mismatch(f"{what} (finite)", repr(value))
    if math.isinf(high) and math.isinf(low):
        raise Mismatch(f"{what} that a double holds exactly", shown_value(value))
    raise Mismatch(f"{what} between {low} and {high}", shown_value(value))
