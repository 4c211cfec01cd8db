"""How are the derived values of a request computed, and what if their function fails?"""

import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from assay.contracts.event import Event
from assay.core.errors import Invalid, shown
from assay.features.catalog import Catalog
from assay.features.definition import Derived, ValueKind
from assay.features.vector import Vector

Value = int | float | bool | None
_DOUBLE, _INT64 = struct.Struct("<d"), struct.Struct("<q")


class DerivedFailed(Invalid):
    """The function of a derived value raised, or answered outside its declared kind."""

    code = "derived_failed"

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"derived value {name!r} failed: {why}")


class Deriver:
    """Fills the derived part of vectors; ``failures`` counts values lost to failing functions.

    A decision is not lost with them: such a value is "not known". A catalog is tried out with
    ``check_derived``, which raises instead.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.failures = 0
        first = len(catalog.features) + len(catalog.combined)
        kinds = dict(zip(catalog.names, catalog.kinds, strict=True))
        fields = catalog.request.by_name
        self._steps = [
            (
                item,
                first + at,
                [name for name in item.inputs if name in fields],
                [(name, catalog.index(name), kinds[name]) for name in item.inputs if name in kinds],
            )
            for at in catalog.derived_order
            for item in [catalog.derived[at]]
        ]

    def fill(self, vector: Vector, payload: Mapping[str, Any]) -> None:
        """Compute every derived value of a vector whose features are in place."""
        self._fill(vector, payload, strict=False)

    def fill_or_raise(self, vector: Vector, payload: Mapping[str, Any]) -> None:
        """The same, but the first failing function raises ``DerivedFailed``."""
        self._fill(vector, payload, strict=True)

    def _fill(self, vector: Vector, payload: Mapping[str, Any], *, strict: bool) -> None:
        bits, known = vector.bits, vector.known
        for item, place, fields, values in self._steps:
            inputs = {name: payload.get(name) for name in fields}
            for name, at, kind in values:
                inputs[name] = decoded(int(bits[at]), kind) if known[at] else None
            try:
                answer = held(item, item.function(inputs))
            except Exception as error:  # any function of the user's may stand here
                if strict:
                    raise DerivedFailed(item.name, f"{type(error).__name__}: {error}") from error
                self.failures += 1
                answer = None
            if answer is None:
                bits[place], known[place] = 0, 0
            else:
                bits[place], known[place] = answer, 1


def check_derived(catalog: Catalog, vector: Vector, requests: Iterable[Event]) -> None:
    """Try every derived value on sample requests, with the features as in ``vector``.

    Raises:
        DerivedFailed: a function raised or answered outside its kind; the message names it.
    """
    deriver = Deriver(catalog)
    for request in requests:
        deriver.fill_or_raise(Vector(vector.bits.copy(), vector.known.copy()), request.payload)


def decoded(bits: int, kind: ValueKind) -> int | float | bool:
    """The value that 64 bits hold, by its kind.

    Example:
        >>> decoded(4607182418800017408, "real"), decoded(1, "bool"), decoded(1, "int")
        (1.0, True, 1)
    """
    if kind == "real":
        value: float = _DOUBLE.unpack(_INT64.pack(bits))[0]
        return value
    return bool(bits) if kind == "bool" else bits


def held(item: Derived, answer: object) -> int | None:
    """The 64 bits that hold a function's answer; None for not known, NaN and infinities.

    Raises:
        Invalid: the answer is not of the declared kind, or beyond 64 bits.
    """
    if answer is None:
        return None
    if item.kind == "real" and isinstance(answer, int | float):
        if not math.isfinite(answer):
            return None
        bits: int = _INT64.unpack(_DOUBLE.pack(answer))[0]
        return bits
    if isinstance(answer, bool) or (item.kind == "int" and isinstance(answer, int)):
        if not -(2**63) <= answer < 2**63:
            raise Invalid(f"expected a whole number of 64 bits, got {shown(answer)}")
        return int(answer)
    raise Invalid(f"expected an answer of kind {item.kind}, got {shown(answer)}")
