"""What do the definitions mean, in plain Python? Slow and readable; the kernel agrees bit for bit.

It answers where numba cannot run, and it is the text to read beside docs/explanation/features.md.
"""

import math
import struct
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.check import request_key
from assay.features.definition import LIFETIME, Feature, ValueKind, Where
from assay.features.derive import Deriver
from assay.features.vector import Vector

_INT64_MAX = 2**63 - 1
_Past = tuple[int, bytes, Event]


class ReferenceState:
    """The same answers as ``FeatureState`` from one sorted list of events a type."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.overflows = catalog, 0
        self._deriver = Deriver(catalog)
        self._past: dict[str, list[_Past]] = {feature.source: [] for feature in catalog.features}
        self._retracted: set[str] = set()

    def apply(self, event: Event) -> None:
        """Put an event at its place in time; an event retracted before stays away."""
        if event.type in self._past and event.id not in self._retracted:
            past = (event.ts, event.id.encode(), event)
            insort(self._past[event.type], past, key=lambda item: item[:2])

    def retract(self, event: Event) -> None:
        """Take an event back by its id, whether it was applied already or comes later."""
        self._retracted.add(event.id)
        for source, past in self._past.items():
            self._past[source] = [item for item in past if item[2].id != event.id]

    def read(self, request: Event) -> tuple[Vector, int | None]:
        """The vector at ``T = request.ts`` and the ts of the newest event in any window."""
        width = len(self.catalog)
        vector = Vector(np.zeros(width, np.int64), np.zeros(width, np.uint8))
        newest = None
        for place, feature in enumerate(self.catalog.features):
            events = self._window(feature, request)
            if events is None:
                continue
            if events:
                newest = max(events[-1].ts, newest or events[-1].ts)
            bits = self._held(self._value(feature, events, request), self.catalog.kinds[place])
            if bits is not None:
                vector.bits[place], vector.known[place] = bits, 1
        self._deriver.fill(vector, request.payload)
        return vector, newest

    def _window(self, feature: Feature, request: Event) -> list[Event] | None:
        """The entity's events in ``[T - window, T)``, oldest first; None without an entity."""
        wanted = [request.payload.get(name) for name in request_key(feature)]
        if None in wanted:
            return None
        since = -math.inf if feature.window == LIFETIME else request.ts - feature.window
        return [
            event
            for ts, _, event in self._past[feature.source]
            if since <= ts < request.ts and [event.payload.get(k) for k in feature.key] == wanted
        ]

    def _held(self, value: float | None, kind: ValueKind) -> int | None:
        """The 64 bits of a value; None for one that is not known or does not fit."""
        if value is None:
            return None
        if kind == "real" and value != math.inf:
            # Adding zero makes -0.0 the 0.0 that it equals.
            bits: int = struct.unpack("<q", struct.pack("<d", value + 0.0))[0]
            return bits
        if value > _INT64_MAX or value < -_INT64_MAX - 1:
            self.overflows += 1
            return None
        return int(value)

    def _value(self, feature: Feature, window: list[Event], request: Event) -> int | float | None:
        counted = [*window, request] if feature.include_current else window
        counted = [event for event in counted if _counts(feature, event.payload)]
        if feature.aggregate == "time_since":
            return request.ts - counted[-1].ts if counted else None
        if feature.of is None:
            return len(counted)
        return _AGGREGATES[feature.aggregate]([event.payload[feature.of] for event in counted])


def _counts(feature: Feature, payload: Mapping[str, Any]) -> bool:
    known = feature.of is None or payload.get(feature.of) is not None
    return known and all(_holds(where, payload.get(where.field)) for where in feature.where)


def _holds(where: Where, value: Any) -> bool:
    if value is None:
        return False
    constant: Any = where.value
    match where.is_:
        case "==":
            return bool(value == constant)
        case "!=":
            return bool(value != constant)
        case "<":
            return bool(value < constant)
        case "<=":
            return bool(value <= constant)
        case ">":
            return bool(value > constant)
        case ">=":
            return bool(value >= constant)
        case _:
            return True


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _std(values: Sequence[int]) -> float | None:
    """Of the population; infinite where the bound of exact arithmetic is exceeded."""
    n = len(values)
    if n == 0:
        return None
    if n * max(abs(value) for value in values) > _INT64_MAX:
        return math.inf
    return math.sqrt((n * sum(value * value for value in values) - sum(values) ** 2) / n**2)


_AGGREGATES: dict[str, Callable[[Sequence[Any]], int | float | None]] = {
    "count": len,
    "sum": sum,
    "mean": _mean,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "std": _std,
    "last": lambda values: values[-1] if values else None,
    "distinct": lambda values: len(set(values)),
}
