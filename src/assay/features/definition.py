"""What a feature is: a value that names an aggregate of past events, or a pure function.

Definitions are data. Nothing registers itself; a catalog collects them explicitly. The meaning is
docs/explanation/features.md: ``F(definition, key, T, cut)`` over events with
``T - window <= ts < T``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from assay.core.canonical import digest
from assay.core.ids import check_name

Aggregate = Literal["count", "sum", "mean", "min", "max", "std", "last", "time_since", "distinct"]
#: How a value is held: ``int`` exactly in 64 bits, ``real`` as a double, ``bool`` as 0 or 1.
ValueKind = Literal["int", "real", "bool"]
Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "known"]

LIFETIME = 0  #: the window that reaches back to the first event


class Where(msgspec.Struct, frozen=True):
    """A condition on one field of the source event; an unknown value never satisfies it."""

    field: str
    is_: Comparison
    value: str | int | bool | None = None


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """An aggregate over the past events of one type that share a key with the request.

    Args:
        name: unique in its catalog, snake_case.
        source: event type that is aggregated.
        key: fields of the source event that must equal ``request_key`` (same order).
        aggregate: what is computed; ``count`` and ``time_since`` need no ``of``.
        of: field aggregated: int, money, bool or time; ``distinct`` also takes text.
        window: microseconds; ``LIFETIME`` for all history. The edges are ``[T - window, T)``.
        where: conditions that all must hold.
        include_current: adds exactly the request's own payload (its type must be ``source``).
        request_key: fields of the request event, when they are called otherwise than ``key``.
        unit: of the value, for people and documents.
        about: one sentence for a reviewer.
    """

    name: str
    source: str
    key: tuple[str, ...]
    aggregate: Aggregate
    window: int
    of: str | None = None
    where: tuple[Where, ...] = ()
    include_current: bool = False
    request_key: tuple[str, ...] = ()
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def digest(self) -> str:
        """The content hash; the texts for people are not part of the meaning."""
        meaning = msgspec.structs.asdict(self)
        del meaning["unit"], meaning["about"]
        return digest(meaning)


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A value computed at request time from the request's payload and other features.

    ``function(inputs)`` receives a mapping with exactly the names in ``inputs`` (payload fields
    as they are, features as int/float/bool, ``None`` where not known) and returns an int, float,
    bool or ``None``. It must be pure. ``version`` is changed by hand whenever its meaning changes;
    ``parameters`` is the digest of data it depends on (weights of a text model, say).
    """

    name: str
    inputs: tuple[str, ...]
    function: Callable[[Mapping[str, Any]], int | float | bool | None]
    kind: ValueKind
    version: str
    parameters: str = ""
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def digest(self) -> str:
        """The content hash of name, inputs, kind, version and parameters."""
        return digest(
            {
                "name": self.name,
                "inputs": self.inputs,
                "kind": self.kind,
                "version": self.version,
                "parameters": self.parameters,
            }
        )
