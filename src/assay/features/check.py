"""Is a feature definition meaningful under the contracts? Says why not, and what to do instead."""

from assay.contracts.contract import ContractSet, EventContract, Kind
from assay.core.errors import Invalid, shown
from assay.core.time import DAY
from assay.features.definition import Aggregate, Feature, ValueKind, Where

#: What each aggregate can be computed of, exactly and in any order of arrival.
_OF: dict[Aggregate, frozenset[Kind]] = {
    "count": frozenset({"text", "int", "bool", "money", "decimal", "real", "time"}),
    "time_since": frozenset({"text", "int", "bool", "money", "decimal", "real", "time"}),
    "distinct": frozenset({"text", "int", "bool", "money", "decimal", "real", "time"}),
    "sum": frozenset({"int", "bool", "money", "decimal"}),
    "mean": frozenset({"int", "bool", "money", "decimal"}),
    "std": frozenset({"int", "bool", "money", "decimal"}),
    "min": frozenset({"int", "bool", "money", "decimal", "real", "time"}),
    "max": frozenset({"int", "bool", "money", "decimal", "real", "time"}),
    "last": frozenset({"int", "bool", "money", "decimal", "real", "time"}),
}
_ALONE: frozenset[Aggregate] = frozenset({"count", "time_since"})
_KEY_KINDS: frozenset[Kind] = frozenset({"text", "int"})
_EQUALITY = frozenset({"==", "!="})
#: Longer windows than any retention rule are a wrong unit.
_WINDOW_MAX = 36_525 * DAY


def check_feature(feature: Feature, contracts: ContractSet, request: EventContract) -> None:
    """Refuse a definition that has no exact meaning.

    Raises:
        Unknown: an event type or field that the contracts do not have, with the nearest name.
        Invalid: anything else; the message names the feature.
    """
    source = contracts.get(feature.source)
    if not isinstance(feature.window, int) or not 0 <= feature.window <= _WINDOW_MAX:
        _refuse(
            feature,
            f"expected a window in microseconds between 0 (lifetime) and 100 years, "
            f"got {feature.window!r}",
        )
    _check_key(feature, source, request)
    _check_of(feature, source)
    for where in feature.where:
        _check_where(feature, where, source)
    if feature.include_current and (
        feature.source != request.type or request_key(feature) != feature.key
    ):
        _refuse(
            feature,
            f"include_current adds the request's own payload, so source must be "
            f"{request.type!r} and request_key must equal key",
        )


def request_key(feature: Feature) -> tuple[str, ...]:
    """The request's fields that select the entity."""
    return feature.request_key or feature.key


def value_kind(feature: Feature, contracts: ContractSet) -> ValueKind:
    """How the value of a feature is held."""
    if feature.aggregate in ("mean", "std"):
        return "real"
    if feature.aggregate in ("min", "max", "last") and feature.of is not None:
        kind = contracts.get(feature.source).field(feature.of).kind
        return "real" if kind == "real" else "bool" if kind == "bool" else "int"
    return "int"


def _check_key(feature: Feature, source: EventContract, request: EventContract) -> None:
    asked = request_key(feature)
    if not feature.key or len(asked) != len(feature.key) or len(set(feature.key)) != len(asked):
        _refuse(
            feature,
            f"expected at least one key field, none twice, and as many request_key fields, got "
            f"key {feature.key} and request_key {asked}",
        )
    for ours, theirs in zip(feature.key, asked, strict=True):
        kind, other = source.field(ours).kind, request.field(theirs).kind
        if kind not in _KEY_KINDS or kind != other:
            _refuse(
                feature,
                f"expected key fields of one kind, text or int, got {ours!r} ({kind}) of "
                f"{source.type!r} and {theirs!r} ({other}) of {request.type!r}",
            )


def _check_of(feature: Feature, source: EventContract) -> None:
    if feature.aggregate not in _OF:
        _refuse(feature, f"unknown aggregate {feature.aggregate!r}; there are {', '.join(_OF)}")
    if feature.of is None:
        if feature.aggregate not in _ALONE:
            _refuse(feature, f"{feature.aggregate} needs the field it is computed of (of=...)")
        return
    kind = source.field(feature.of).kind
    if kind in _OF[feature.aggregate]:
        return
    hint = {
        "real": "a sum of reals depends on the order of arrival; declare the field as money or "
        "int in its smallest unit",
        "time": "a sum of instants has no meaning; use min, max, last or time_since",
        "text": "a text is not a number; use distinct, or count with a where condition",
    }[kind]
    _refuse(feature, f"{feature.aggregate} of {feature.of!r} ({kind}) is refused: {hint}")


def _check_where(feature: Feature, where: Where, source: EventContract) -> None:
    field = source.field(where.field)
    if where.is_ == "known":
        return
    wanted = {"text": str, "bool": bool}.get(field.kind, int)
    if type(where.value) is not wanted:
        _refuse(
            feature,
            f"where {where.field!r} {where.is_}: expected a constant of type {wanted.__name__} for "
            f"a field of kind {field.kind}, got {shown(where.value)}",
        )
    if field.kind in ("text", "bool") and where.is_ not in _EQUALITY:
        _refuse(feature, f"where {where.field!r} ({field.kind}): only == != known, not {where.is_}")
    if isinstance(where.value, int) and not -(2**63) < where.value < 2**63:
        _refuse(feature, f"where {where.field!r}: {where.value} does not fit 64 bits")
    if field.choices and where.value not in field.choices:
        _refuse(
            feature,
            f"where {where.field!r}: {shown(where.value)} is not among its choices {field.choices}",
        )


def _refuse(feature: Feature, why: str) -> None:
    raise Invalid(f"feature {feature.name!r}: {why}")
