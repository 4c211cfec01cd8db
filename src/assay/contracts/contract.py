"""What may come in: event types with their fields, units, keys and sensitivity, as values."""

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

import msgspec

from assay.core.canonical import digest
from assay.core.errors import Invalid, Unknown
from assay.core.ids import check_name

Kind = Literal["text", "int", "bool", "money", "decimal", "real", "time"]
_NUMBERS: tuple[Kind, ...] = ("int", "money", "decimal", "real")
SCALE_MAX = 12  #: decimal digits of the finest quantum
Sensitivity = Literal["public", "internal", "personal", "secret"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an event.

    ``money`` is a whole number of minor units of the currency named in ``unit``; ``decimal`` is a
    whole number of quanta of ``10**-scale`` of ``unit`` (1.25 at scale 4 is 12500); ``time`` is
    microseconds UTC; ``real`` is a finite float (features refuse to sum it); ``text`` is at most
    ``length_max`` characters. ``choices`` closes the set of values of a text field. ``low`` and
    ``high`` are inclusive bounds of a number. An absent or null optional field is "not known".
    """

    name: str
    kind: Kind
    required: bool = True
    unit: str = ""
    sensitivity: Sensitivity = "internal"
    low: int | float | None = None
    high: int | float | None = None
    length_max: int = 256
    scale: int = 0
    choices: tuple[str, ...] = ()
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        if not 0 <= self.scale <= (SCALE_MAX if self.kind == "decimal" else 0):
            raise Invalid(
                f"field {self.name!r} ({self.kind}): expected a scale of 0 to {SCALE_MAX} digits "
                f"for a decimal and 0 for every other kind, got {self.scale}"
            )
        if self.choices and self.kind != "text":
            raise Invalid(
                f"field {self.name!r} ({self.kind}): only a text is closed to choices, got "
                f"{len(self.choices)}"
            )
        if self.length_max < 1:
            raise Invalid(f"field {self.name!r}: expected a positive length, got {self.length_max}")
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if bounds and self.kind not in _NUMBERS:
            raise Invalid(
                f"field {self.name!r} ({self.kind}): only {', '.join(_NUMBERS)} have bounds, got "
                f"{self.low} and {self.high}"
            )
        # No value is smaller than nan, so a bound of nan would forbid nothing without a word.
        if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise Invalid(
                f"field {self.name!r}: expected finite bounds, the lower one first, "
                f"got {self.low} and {self.high}"
            )


class EventContract(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One event type: its fields in order, and which of them identify entities.

    The value of a key has no white space at its ends and no control or format characters.

    Raises:
        Invalid: two fields of one name, or a key that is not a text field.
    """

    type: str
    version: int
    fields: tuple[Field, ...]
    keys: tuple[str, ...]
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.type)
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise Invalid(f"contract {self.type!r} names a field twice")
        for key in self.keys:
            if self.field(key).kind != "text":
                raise Invalid(f"contract {self.type!r}: key {key!r} must be a text field")

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by name, in contract order."""
        return {field.name: field for field in self.fields}

    @cached_property
    def digest(self) -> str:
        """The content hash of the contract."""
        return digest(self)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            Unknown: there is none; the message names the nearest.
        """
        found = self.by_name.get(name)
        if found is None:
            raise Unknown(f"field of {self.type!r}", name, known=self.by_name)
        return found


class ContractSet:
    """The event types a platform accepts, one contract each."""

    def __init__(self, contracts: Iterable[EventContract]) -> None:
        self._by_type: dict[str, EventContract] = {}
        for contract in contracts:
            if contract.type in self._by_type:
                raise Invalid(f"event type {contract.type!r} has two contracts")
            self._by_type[contract.type] = contract

    def __iter__(self) -> Iterator[EventContract]:
        return iter(self._by_type.values())

    def get(self, event_type: str) -> EventContract:
        """The contract of an event type.

        Raises:
            Unknown: no such type; the message names the nearest.
        """
        found = self._by_type.get(event_type)
        if found is None:
            raise Unknown("event type", event_type, known=self._by_type)
        return found

    @cached_property
    def digest(self) -> str:
        """The content hash of all contracts together, independent of their order."""
        return digest({contract.type: contract for contract in self})
