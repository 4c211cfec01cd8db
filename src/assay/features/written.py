"""What does a definition say that somebody wrote by hand? Each slip is told, and how to mend it."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import msgspec

from assay.core.errors import Invalid, Unknown, shown
from assay.core.time import parse_duration
from assay.features.check import one_of
from assay.features.definition import LIFETIME, Aggregate, Combined, Comparison, Feature, How, Ties

#: Fields that may be written as a duration such as ``36h``; ``ever`` is the lifetime window.
_SPANS = ("window", "every", "ttl", "per")
_LISTS = ("key", "request_key", "where")
#: Fields that hold one of a few words.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "aggregate": get_args(Aggregate),
    "ties": get_args(Ties),
    "how": get_args(How),
}
_CONDITION = '[{ field = "status", is = "==", value = "ok" }]'

_Item = TypeVar("_Item", Feature, Combined)


def written(kind: type[_Item], given: Mapping[str, Any]) -> _Item:
    """The definition that a table of TOML or JSON says.

    Durations are texts (``36h``, ``ever``) or microseconds; the comparison of a condition is called
    ``is`` (``is_``, as in Python, is understood too).

    Raises:
        Unknown: it has a field that there is not; the message names the nearest.
        Invalid: a field holds something else than it should; the message says what it should.

    Example:
        >>> written(Feature, {"name": "paid_1h", "source": "payment", "key": ["card"],
        ...                   "aggregate": "count", "window": "1h"}).window
        3600000000
        >>> written(Feature, {"name": "paid_1h", "aggregate": "cuont"})
        Traceback (most recent call last):
        ...
        assay.core.errors.Invalid: feature 'paid_1h': aggregate: expected one of count, sum, mean, \
min, max, std, last, time_since, distinct, variance, first, time_since_first, nth, quantile, top, \
top_count, top_share, entropy, got 'cuont'. Did you mean 'count'?
    """
    who = f"{kind.__name__.lower()} {shown(given.get('name'))}"
    fields = kind.__struct_fields__
    for field in given:
        if field not in fields:
            raise Unknown(f"{who}: field", field, known=fields)
    plain = {field: _plain(who, field, value) for field, value in given.items()}
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise Invalid(f"{who}: {error}") from error


def _plain(who: str, field: str, value: object) -> object:
    if field in _SPANS:
        return _span(value)
    if field in _WORDS and value not in _WORDS[field]:
        raise Invalid(f"{who}: {field}: {one_of(_WORDS[field], value)}")
    if field in _LISTS and not isinstance(value, list | tuple):
        such = _CONDITION if field == "where" else '["card"]'
        raise Invalid(f"{who}: {field}: expected a list such as {such}, got {shown(value)}")
    if field == "where":
        assert isinstance(value, list | tuple)
        return [_condition(who, item) for item in value]
    return value


def _condition(who: str, given: object) -> object:
    """One condition with ``is`` for ``is_``."""
    if not isinstance(given, Mapping):
        raise Invalid(f"{who}: where: expected conditions such as {_CONDITION}, got {shown(given)}")
    plain = {"is_" if name == "is" else name: value for name, value in given.items()}
    if len(plain) < len(given):
        raise Invalid(f"{who}: where: `is` and `is_` are the same: say one of them")
    for missing in {"field", "is_"} - plain.keys():
        raise Invalid(
            f"{who}: where: expected conditions such as {_CONDITION}, and {shown(given)} has no "
            f"`{missing.rstrip('_')}`"
        )
    comparisons = get_args(Comparison)
    if plain["is_"] not in comparisons:
        raise Invalid(f"{who}: where: is: {one_of(comparisons, plain['is_'])}")
    return plain


def _span(value: object) -> object:
    if value == "ever":
        return LIFETIME
    return parse_duration(value) if isinstance(value, str) else value
