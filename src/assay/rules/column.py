"""Which values of one kind do the rules read, and which of them are not known?"""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

from assay.rules.kind import CelKind

Value = int | float | bool | str | None

#: What the engine sees instead of a value that is not known; a one divides without an error.
_PLACEHOLDER: Mapping[CelKind, int | float | bool | str] = {
    CelKind.INT: 1,
    CelKind.DOUBLE: 1.0,
    CelKind.STRING: "",
    CelKind.BOOL: False,
}


class Column:
    """The referenced variables of one kind, read from a mapping in one call."""

    def __init__(self, kind: CelKind, names: Sequence[str]) -> None:
        self.kind, self.names = kind, tuple(names)
        self._get = itemgetter(*names) if len(names) > 1 else None

    def read(self, values: Mapping[str, Value], unknown: list[str]) -> list[Value]:
        """The values in order; where one is not known a placeholder, and its name noted."""
        try:
            found = list(self._get(values)) if self._get else [values[name] for name in self.names]
        except KeyError:
            found = [values.get(name) for name in self.names]
        if None in found or (self.kind is CelKind.DOUBLE and not _finite(found)):
            for position, value in enumerate(found):
                if value is None or value != value:  # NaN differs from itself
                    unknown.append(self.names[position])
                    found[position] = _PLACEHOLDER[self.kind]
        return found

    def repair(self, found: list[Value], unknown: list[str]) -> None:
        """Take every value the engine cannot convert to this kind as not known."""
        for position, value in enumerate(found):
            if not _CONVERTS[self.kind](value):
                unknown.append(self.names[position])
                found[position] = _PLACEHOLDER[self.kind]


def _is_int(value: Value) -> bool:
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _is_double(value: Value) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= 2**53)


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _is_bool(value: Value) -> bool:
    return isinstance(value, bool)


_CONVERTS: Mapping[CelKind, Callable[[Value], bool]] = {
    CelKind.INT: _is_int,
    CelKind.DOUBLE: _is_double,
    CelKind.STRING: _is_text,
    CelKind.BOOL: _is_bool,
}


def _finite(values: Sequence[Value]) -> bool:
    """Whether a sum over doubles is a number: cheaper than looking at each of them."""
    try:
        return math.isfinite(sum(values))  # type: ignore[arg-type]  # checked by the except
    except (TypeError, OverflowError):
        return False  # not doubles at all: the engine reports it for the rules concerned
