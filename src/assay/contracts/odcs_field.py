"""How does one field of an event stand in an Open Data Contract Standard document, and back?"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from assay.contracts.contract import Field, Kind, Sensitivity
from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Invalid

_LOGICAL: dict[Kind, str] = {
    "text": "string",
    "int": "integer",
    "bool": "boolean",
    "money": "integer",
    "decimal": "integer",
    "real": "number",
    "time": "timestamp",
}
_KIND: dict[str, Kind] = {
    "string": "text",
    "integer": "int",
    "boolean": "bool",
    "number": "real",
    "timestamp": "time",
}
#: The options that mean something here, of a number where nothing is said; how a timestamp is
#: written is the wire's affair, what bounds it nobody checks.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "string": ("maxLength",),
    "boolean": (),
    "timestamp": ("format", "timezone", "defaultTimezone"),
}
_DECIMAL = re.compile(
    r"(?:decimal|numeric)\s*\(\s*[0-9]{1,4}\s*,\s*([0-9]{1,4})\s*\)", re.IGNORECASE
)
#: Words of others for who may see a value; a word that is not here is held to be personal.
_CLASSIFICATION: dict[str, Sensitivity] = {
    "": "internal",
    "public": "public",
    "internal": "internal",
    "personal": "personal",
    "secret": "secret",
}
#: What a text may hold where another's document does not say.
_LENGTH_MAX = 256


def property_of(field: Field) -> dict[str, Any]:
    """A field as a property of the standard."""
    found: dict[str, Any] = {
        "name": field.name,
        "logicalType": _LOGICAL[field.kind],
        "required": field.required,
        "classification": field.sensitivity,
    }
    options: dict[str, int | float] = (
        {"maxLength": field.length_max} if field.kind == "text" else {}
    )
    bounds = {"minimum": field.low, "maximum": field.high}
    options |= {name: bound for name, bound in bounds.items() if bound is not None}
    if options:
        found["logicalTypeOptions"] = options
    if field.about:
        found["description"] = field.about
    if field.choices:
        found["quality"] = [_choices(field.choices)]
    own: dict[str, Any] = {}
    if _KIND[found["logicalType"]] != field.kind:
        own["assayKind"] = field.kind
    if field.unit:
        own["assayUnit"] = field.unit
    if field.kind == "decimal":
        own["assayScale"] = field.scale
    if own:
        found["customProperties"] = customs(own)
    return found


def field_of(path: str, found: Mapping[str, Any]) -> Field:
    """The field that a property describes.

    Raises:
        ContractViolation: it has no counterpart among the fields of an event.
        Invalid: it has one that is not valid.
    """
    own = custom_of(path, found)
    kind, scale = _kind(path, found, own)
    options = object_of(f"{path}.logicalTypeOptions", found.get("logicalTypeOptions", {}))
    checked = _OPTIONS.get(_LOGICAL[kind], ("minimum", "maximum"))
    for name, value in options.items():
        if name not in checked:
            where = f"{path}.logicalTypeOptions.{name}"
            expected = f"only {', '.join(checked) or 'none'}: this is not checked at the door"
            raise ContractViolation(where, expected, shown_value(value))
    required = found.get("required", False)
    if type(required) is not bool:
        raise ContractViolation(f"{path}.required", "true or false", shown_value(required))
    length = options.get("maxLength", _LENGTH_MAX)
    if type(length) is not int or length < 1:
        raise ContractViolation(
            f"{path}.logicalTypeOptions.maxLength", "a positive length", shown_value(length)
        )
    classification = text_of(f"{path}.classification", found.get("classification", ""))
    return Field(
        name=text_of(f"{path}.name", found.get("name")),
        kind=kind,
        required=required,
        unit=text_of(f"{path}.assayUnit", own.get("assayUnit", "")),
        sensitivity=_CLASSIFICATION.get(classification.lower(), "personal"),
        low=_bound(path, "minimum", options),
        high=_bound(path, "maximum", options),
        length_max=length,
        scale=scale,
        choices=_choices_of(path, found),
        about=text_of(f"{path}.description", found.get("description", "")),
    )


def customs(own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Custom properties as the standard lists them."""
    return [{"property": name, "value": value} for name, value in own.items()]


def custom_of(path: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The custom properties of an element by name."""
    own = {}
    listed = list_of(f"{path}.customProperties", found.get("customProperties", []))
    for at, item in enumerate(listed):
        here = f"{path}.customProperties[{at}]"
        pair = object_of(here, item)
        own[text_of(f"{here}.property", pair.get("property"))] = pair.get("value")
    return own


def object_of(path: str, value: object) -> Mapping[str, Any]:
    """The value if it is an object of named parts."""
    if not isinstance(value, Mapping):
        raise ContractViolation(path, "an object", shown_value(value))
    return value


def list_of(path: str, value: object) -> Sequence[Any]:
    """The value if it is a list."""
    if not isinstance(value, list):
        raise ContractViolation(path, "a list", shown_value(value))
    return value


def text_of(path: str, value: object) -> str:
    """The value if it is a text."""
    if not isinstance(value, str):
        raise ContractViolation(path, "a text", shown_value(value))
    return value


def at_most(path: str, items: Sequence[Any], count: int) -> None:
    """Return when there are not more items than that."""
    if len(items) > count:
        raise ContractViolation(path, f"at most {count} items", str(len(items)))


def _kind(path: str, found: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[Kind, int]:
    logical = found.get("logicalType")
    if not isinstance(logical, str) or logical not in _KIND:
        expected = (
            "one of " + ", ".join(_KIND) + " (an event is flat; a date is a string or timestamp)"
        )
        raise ContractViolation(f"{path}.logicalType", expected, shown_value(logical))
    kind: Kind = _KIND[logical]
    scale = own.get("assayScale", 0)
    if "assayKind" in own:
        said = own["assayKind"]
        fitting = [name for name in get_args(Kind) if _LOGICAL[name] == logical]
        if said not in fitting:
            expected = f"a kind that is {logical} in the standard: {', '.join(fitting)}"
            raise ContractViolation(f"{path}.assayKind", expected, shown_value(said))
        kind = said
    elif logical == "number":
        decimal = _DECIMAL.fullmatch(str(found.get("physicalType", "")).strip())
        if decimal:
            kind, scale = "decimal", int(decimal[1])
    if type(scale) is not int:
        raise ContractViolation(f"{path}.assayScale", "a whole number", shown_value(scale))
    return kind, scale


def _bound(path: str, name: str, options: Mapping[str, Any]) -> int | float | None:
    value = options.get(name)
    if value is None or type(value) in (int, float):
        return value
    raise ContractViolation(f"{path}.logicalTypeOptions.{name}", "a number", shown_value(value))


def _choices(choices: Sequence[str]) -> dict[str, Any]:
    """The standard's way to close a set of values: none may be outside it."""
    return {
        "type": "library",
        "metric": "invalidValues",
        "arguments": {"validValues": list(choices)},
        "mustBe": 0,
    }


def _choices_of(path: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    checks = list_of(f"{path}.quality", found.get("quality", []))
    for at, item in enumerate(checks):
        here = f"{path}.quality[{at}]"
        check = object_of(here, item)
        if check.get("metric") != "invalidValues" or check.get("mustBe") != 0:
            continue
        arguments = object_of(f"{here}.arguments", check.get("arguments", {}))
        if "validValues" not in arguments:
            continue
        if found.get("logicalType") != "string":
            raise Invalid(f"{here}: only a string can be closed to a set of values")
        values = list_of(f"{here}.arguments.validValues", arguments["validValues"])
        return tuple(text_of(f"{here}.arguments.validValues", value) for value in values)
    return ()
