"""Is a feature definition meaningful under the contracts? Says why not, and what to do instead."""

from collections.abc import Iterable
from typing import NoReturn, get_args

from assay.contracts.contract import ContractSet, EventContract, Kind
from assay.core.errors import Invalid, near_miss, shown
from assay.core.time import DAY
from assay.features.definition import (
    CAP,
    COMPARISONS,
    LIFETIME,
    Aggregate,
    Feature,
    Ties,
    ValueKind,
    Where,
)

_ANY: frozenset[Kind] = frozenset({"text", "int", "bool", "money", "decimal", "real", "time"})
_SUMMED: frozenset[Kind] = frozenset({"int", "bool", "money", "decimal"})
_ORDERED: frozenset[Kind] = _ANY - {"text"}
#: What each aggregate can be computed of, exactly and in any order of arrival.
_OF: dict[Aggregate, frozenset[Kind]] = {
    "count": _ANY,
    "time_since": _ANY,
    "time_since_first": _ANY,
    "distinct": _ANY,
    "top_count": _ANY,
    "top_share": _ANY,
    "entropy": _ANY,
    "sum": _SUMMED,
    "mean": _SUMMED,
    "std": _SUMMED,
    "variance": _SUMMED,
    "min": _ORDERED,
    "max": _ORDERED,
    "quantile": _ORDERED,
    "last": _ORDERED,
    "first": _ORDERED,
    "nth": _ORDERED,
    "top": _ORDERED,
}
_ALONE: frozenset[Aggregate] = frozenset({"count", "time_since", "time_since_first"})
#: Aggregates whose value is one of the values; a text is its place among the contract's choices.
PICKED: frozenset[Aggregate] = frozenset({"first", "last", "nth", "top"})
_VALUED: frozenset[Aggregate] = PICKED | {"min", "max", "quantile"}
_REAL: frozenset[Aggregate] = frozenset({"mean", "std", "variance", "top_share", "entropy"})
_KEY_KINDS: frozenset[Kind] = frozenset({"text", "int"})
_EQUALITY = frozenset({"==", "!="})
#: Longer windows than any retention rule are a wrong unit.
_WINDOW_MAX = 36_525 * DAY
#: How far back ``nth`` counts, how many most frequent values are told apart, how much is kept.
_K_MAX: dict[Aggregate, int] = {"nth": 1_024, "top": 64, "top_count": 64, "top_share": 64}
#: Aggregates that go over to a bounded state above ``cap`` counted events.
CAPPED: frozenset[Aggregate] = frozenset(
    {"distinct", "quantile", "top", "top_count", "top_share", "entropy"}
)
_CAP_MAX = 1 << 20


def check_feature(feature: Feature, contracts: ContractSet, request: EventContract) -> None:
    """Refuse a definition that has no exact meaning.

    Raises:
        Unknown: an event type or field that the contracts do not have, with the nearest name.
        Invalid: anything else; the message names the feature.
    """
    source = contracts.get(feature.source)
    _check_shape(feature)
    _check_window(feature)
    _check_numbers(feature)
    _check_key(feature, source, request)
    _check_of(feature, source)
    for where in feature.where:
        _check_where(feature, where, source)
    if feature.include_current and (
        feature.source != request.type or request_key(feature) != feature.key
    ):
        refuse(
            feature.name,
            f"include_current adds the request's own payload, so source must be "
            f"{request.type!r} and request_key must equal key",
        )


def request_key(feature: Feature) -> tuple[str, ...]:
    """The request's fields that select the entity."""
    return feature.request_key or feature.key


def value_kind(feature: Feature, contracts: ContractSet) -> ValueKind:
    """How the value of a feature is held."""
    if feature.aggregate in _REAL:
        return "real"
    if feature.aggregate in _VALUED and feature.of is not None:
        kind = contracts.get(feature.source).field(feature.of).kind
        return "real" if kind == "real" else "bool" if kind == "bool" else "int"
    return "int"


def refuse(name: str, why: str) -> NoReturn:
    """Refuse the value of that name.

    Raises:
        Invalid: always.
    """
    raise Invalid(f"feature {name!r}: {why}")


def one_of(words: Iterable[str], got: object) -> str:
    """That one of a few words was expected, which, and the nearest."""
    listed = tuple(words)
    near = near_miss(got, listed) if isinstance(got, str) else ""
    return f"expected one of {', '.join(listed)}, got {shown(got)}{'.' if near else ''}{near}"


def _check_shape(feature: Feature) -> None:
    """A definition made in Python holds whatever was passed: a text for a tuple, say."""
    if feature.aggregate not in _OF:
        refuse(feature.name, f"aggregate: {one_of(_OF, feature.aggregate)}")
    for field, kind, such in (
        ("key", str, '("card",)'),
        ("request_key", str, '("card",)'),
        ("where", Where, '(Where("status", "==", "ok"),)'),
    ):
        value = getattr(feature, field)
        if not isinstance(value, tuple) or not all(isinstance(item, kind) for item in value):
            refuse(feature.name, f"{field}: expected a tuple such as {such}, got {shown(value)}")


def _check_window(feature: Feature) -> None:
    _check_whole(feature, "window", 0, _WINDOW_MAX, "a window in microseconds (0: lifetime)")
    _check_whole(feature, "every", 0, _WINDOW_MAX, "a step in microseconds (0: no hopping)")
    _check_whole(feature, "ttl", 0, _WINDOW_MAX, "an age in microseconds (0: any)")
    if feature.ties not in get_args(Ties):
        refuse(feature.name, f"expected ties to be exclude or before, got {shown(feature.ties)}")
    if feature.window != LIFETIME and feature.every > feature.window:
        refuse(
            feature.name,
            f"a window of {feature.window} us that moves every {feature.every} us would never see "
            f"some events; make every at most the window",
        )
    if feature.every and feature.ties == "before":
        refuse(
            feature.name,
            "ties are events at T, and a hopping window ends before them; use every or ties",
        )


def _check_numbers(feature: Feature) -> None:
    aggregate = feature.aggregate
    k_max = _K_MAX.get(aggregate, 1)
    takers = "" if aggregate in _K_MAX else f" for {aggregate} (only {', '.join(_K_MAX)} take k)"
    _check_whole(feature, "k", 1, k_max, f"a rank{takers}")
    if aggregate == "quantile":
        _check_whole(feature, "permille", 1, 1000, "a rank in thousandths (500: the median)")
    else:
        _check_whole(feature, "permille", 0, 0, f"none for {aggregate} (only quantile takes one)")
    _check_whole(feature, "cap", 1, _CAP_MAX, "a number of events")
    if aggregate not in CAPPED and feature.cap != CAP:
        refuse(feature.name, f"{aggregate} is exact for any number of events and takes no cap")


def _check_whole(feature: Feature, field: str, low: int, high: int, what: str) -> None:
    value = getattr(feature, field)
    if type(value) is not int or not low <= value <= high:
        between = f"between {low} and {high}" if low < high else f"{low}"
        refuse(feature.name, f"{field}: expected {what} {between}, got {shown(value)}")


def _check_key(feature: Feature, source: EventContract, request: EventContract) -> None:
    asked = request_key(feature)
    if not feature.key or len(asked) != len(feature.key) or len(set(feature.key)) != len(asked):
        refuse(
            feature.name,
            f"expected at least one key field, none twice, and as many request_key fields, got "
            f"key {feature.key} and request_key {asked}",
        )
    for ours, theirs in zip(feature.key, asked, strict=True):
        kind, other = source.field(ours).kind, request.field(theirs).kind
        if kind not in _KEY_KINDS or kind != other:
            refuse(
                feature.name,
                f"expected key fields of one kind, text or int, got {ours!r} ({kind}) of "
                f"{source.type!r} and {theirs!r} ({other}) of {request.type!r}",
            )


def _check_of(feature: Feature, source: EventContract) -> None:
    aggregate = feature.aggregate
    if feature.of is None:
        if aggregate not in _ALONE:
            refuse(feature.name, f"{aggregate} needs the field it is computed of (of=...)")
        return
    field = source.field(feature.of)
    if field.kind in _OF[aggregate]:
        return
    if aggregate in PICKED and field.choices:
        return
    hint = {
        "real": "a sum of reals depends on the order of arrival; declare the field as money, "
        "decimal or int in its smallest unit",
        "time": "a sum of instants has no meaning; use min, max, last or time_since",
        "text": "a text is not a number; use distinct, or count with a where condition",
    }[field.kind]
    if aggregate in PICKED:
        hint = (
            "a text without choices in its contract is not a number; close its choices, use "
            "distinct or top_share, or ask whether it was seen before with a composite key"
        )
    refuse(feature.name, f"{aggregate} of {feature.of!r} ({field.kind}) is refused: {hint}")


def _check_where(feature: Feature, where: Where, source: EventContract) -> None:
    field = source.field(where.field)
    if where.is_ == "known":
        if where.value is not None:
            _refuse_where(feature, where, f"known takes no value, got {shown(where.value)}")
        return
    if where.is_ not in COMPARISONS:
        _refuse_where(feature, where, one_of(COMPARISONS, where.is_))
    wanted = {"text": str, "bool": bool}.get(field.kind, int)
    if type(where.value) is not wanted:
        refuse(
            feature.name,
            f"where {where.field!r} {where.is_}: expected a constant of type {wanted.__name__} for "
            f"a field of kind {field.kind}, got {shown(where.value)}",
        )
    if field.kind in ("text", "bool") and where.is_ not in _EQUALITY:
        _refuse_where(feature, where, f"only == != known for {field.kind}, not {where.is_}")
    if isinstance(where.value, int) and not -(2**63) < where.value < 2**63:
        _refuse_where(feature, where, f"{where.value} does not fit 64 bits")
    if field.choices and where.value not in field.choices:
        _refuse_where(
            feature, where, f"{shown(where.value)} is not among its choices {field.choices}"
        )


def _refuse_where(feature: Feature, where: Where, why: str) -> NoReturn:
    refuse(feature.name, f"where {where.field!r}: {why}")
