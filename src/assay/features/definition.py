"""What a feature is: a value that names an aggregate of past events, or a pure function.

Definitions are data. Nothing registers itself; a catalog collects them explicitly. The meaning is
docs/explanation/features.md: ``F(definition, key, T, cut)`` over events with
``T - window <= ts < T``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from assay.core.canonical import digest
from assay.core.ids import check_name
from assay.core.time import SECOND

Aggregate = Literal[
    "count", "sum", "mean", "min", "max", "std", "last", "time_since", "distinct", "variance",
    "first", "time_since_first", "nth", "quantile", "top", "top_count", "top_share", "entropy",
]  # fmt: skip
#: How a value is held: ``int`` exactly in 64 bits, ``real`` as a double, ``bool`` as 0 or 1.
ValueKind = Literal["int", "real", "bool"]
Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "known"]
#: In the kernel's numbering.
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
#: Which events at T itself a window holds: none, or those that sort before the request.
Ties = Literal["exclude", "before"]
How = Literal["ratio", "difference", "rate", "over"]

LIFETIME = 0  #: the window that reaches back to the first event
CAP = 16_384  #: counted events up to which every aggregate is exact, unless a feature says another


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on one field of the source event; an unknown value never satisfies it."""

    field: str
    is_: Comparison
    value: str | int | bool | None = None

    def __str__(self) -> str:
        """The condition in words.

        Example:
            >>> str(Where("outcome", "==", "failed")), str(Where("amount", "known"))
            ('outcome == failed', 'amount is known')
        """
        if self.is_ == "known":
            return f"{self.field} is known"
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.field} {self.is_} {value}"


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """An aggregate over the past events of one type that share a key with the request.

    Args:
        name: unique in its catalog, snake_case.
        source: event type that is aggregated.
        key: fields of the source event that must equal ``request_key`` (same order).
        aggregate: what is computed; ``count`` and the times since need no ``of``.
        of: field aggregated; which kinds an aggregate takes, ``features/check.py`` says.
        window: microseconds; ``LIFETIME`` for all history. The edges are ``[T - window, T)``.
        where: conditions that all must hold.
        include_current: adds exactly the request's own payload (its type must be ``source``).
        request_key: fields of the request event, when they are called otherwise than ``key``.
        k: of ``nth`` (1 is the newest) and ``top*`` (1 is the most frequent).
        permille: of ``quantile``, from 1 to 1000: the value of rank ``ceil(permille * n / 1000)``.
        cap: counted events above which ``distinct``, ``quantile``, ``top*`` and ``entropy`` are
            computed from a bounded state, within the errors that the explanation states.
        every: microseconds; the window ends at the last multiple of it at or before T (counted
            from 1970 in UTC), a *hopping* window. 0: it ends at T.
        ttl: microseconds; known only if a counted event lies in ``[T - ttl, T]``. 0: no such limit.
        ties: ``before`` adds the events at T that sort before the request by id.
        unit: of the value, for people and documents.
        about: one sentence for a reviewer.

    Example:
        >>> Feature(name="median_1d", source="paid", key=("card",), aggregate="quantile",
        ...         of="cents", permille=500, window=86_400_000_000).cap
        16384
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
    k: int = 1
    permille: int = 0
    cap: int = CAP
    every: int = 0
    ttl: int = 0
    ties: Ties = "exclude"
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def digest(self) -> str:
        """The content hash; the texts for people are not part of the meaning."""
        return _digest_of_meaning(self)


class Combined(msgspec.Struct, frozen=True, kw_only=True):
    """A value that the kernel computes from one or two others of the same vector, exactly.

    Args:
        name: unique in its catalog, snake_case.
        how: ``ratio`` is a / b, rounded once; ``difference`` is a - b (a trend, where they are two
            windows of one aggregate); ``rate`` is a whole number by ``per`` of its window, rounded
            once; ``over`` is whether a > ``limit`` (a velocity check, where a is a count).
        of: the names of a, and of b where there is one: features, or combined values before this.
        limit: of ``over``; whole where a is.
        per: microseconds, of ``rate``.
        unit: of the value, for people and documents.
        about: one sentence for a reviewer.

    It is not known where a part is not, where the divisor is 0, or where it does not fit.
    """

    name: str
    how: How
    of: tuple[str, ...]
    limit: int | float = 0
    per: int = SECOND
    unit: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def digest(self) -> str:
        """The content hash; the texts for people are not part of the meaning."""
        return _digest_of_meaning(self)


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A value computed at request time from the request's payload and other values.

    ``function(inputs)`` receives a mapping with exactly the names in ``inputs`` (payload fields
    as they are, values as int/float/bool, ``None`` where not known) and returns an int, float,
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


def _digest_of_meaning(item: Feature | Combined) -> str:
    meaning = msgspec.structs.asdict(item)
    del meaning["unit"], meaning["about"]
    return digest(meaning)
