"""What do the definitions mean, in plain Python? Slow and readable; the kernel agrees bit for bit.

It answers where numba cannot run, and it is the text to read beside docs/explanation/features.md.
"""

import math
import struct
from bisect import insort
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from assay.contracts.event import Event
from assay.features import reference_sketch as sketch
from assay.features.catalog import Catalog
from assay.features.check import CAPPED, PICKED, request_key
from assay.features.definition import LIFETIME, Combined, Feature, ValueKind, Where
from assay.features.derive import Deriver, decoded
from assay.features.encode import real_code, text_code
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
        self._combine(vector)
        self._deriver.fill(vector, request.payload)
        return vector, newest

    def _combine(self, vector: Vector) -> None:
        """Fill the combined values from those before them."""
        names, kinds = self.catalog.names, self.catalog.kinds
        values = {
            name: decoded(int(bits), kind) if known else None
            for name, kind, bits, known in zip(names, kinds, vector.bits, vector.known, strict=True)
        }
        features = {feature.name: feature for feature in self.catalog.features}
        for item in self.catalog.combined:
            parts = [values[name] for name in item.of]
            if None in parts:
                continue
            place = self.catalog.index(item.name)
            kind = kinds[place]
            bits = self._held(_combined(item, parts, features), kind)
            if bits is not None:
                vector.bits[place], vector.known[place] = bits, 1
                values[item.name] = decoded(bits, kind)

    def _window(self, feature: Feature, request: Event) -> list[Event] | None:
        """The entity's events in ``[T - window, T)``, oldest first; None without an entity."""
        wanted = [request.payload.get(name) for name in request_key(feature)]
        if None in wanted:
            return None
        end = request.ts // feature.every * feature.every if feature.every else request.ts
        since = -math.inf if feature.window == LIFETIME else end - feature.window
        own = request.id.encode() if feature.ties == "before" else b""
        return [
            event
            for ts, event_id, event in self._past[feature.source]
            if since <= ts
            and (ts, event_id) < (end, own)
            and [event.payload.get(k) for k in feature.key] == wanted
        ]

    def _held(self, value: float | None, kind: ValueKind) -> int | None:
        """The 64 bits of a value; None for one that is not known or does not fit."""
        if value is None:
            return None
        if kind == "real" and not math.isinf(value):
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
        times = [event.ts for event in counted]
        if feature.ttl and not (times and request.ts - times[-1] <= feature.ttl):
            return None
        if feature.aggregate in ("time_since", "time_since_first"):
            if not times:
                return None
            return request.ts - times[-1 if feature.aggregate == "time_since" else 0]
        if feature.of is None or feature.aggregate == "count":
            return len(counted)
        values = [event.payload[feature.of] for event in counted]
        if feature.aggregate in PICKED | CAPPED:
            return self._of_codes(feature, values)
        return _AGGREGATES[feature.aggregate](values)

    def _of_codes(self, feature: Feature, values: list[Any]) -> int | float | None:
        """The aggregates that see a text or a real as the whole number that stands for it."""
        field = self.catalog.contracts.get(feature.source).field(str(feature.of))
        if field.kind == "text":
            picked = feature.aggregate in PICKED
            values = [field.choices.index(v) if picked else text_code(v) for v in values]
        is_real = field.kind == "real"
        codes = [real_code(value) if is_real else int(value) for value in values]
        found: int | float | None
        if feature.aggregate not in CAPPED:
            found = _place(codes, feature)
        elif len(codes) > feature.cap:
            found = sketch.above_cap(feature, codes, is_real=is_real)
        else:
            found = _of_few(feature, codes)
        as_code = feature.aggregate in PICKED | {"quantile"}
        return found if found is None or not (is_real and as_code) else _real_of(int(found))


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


def _combined(
    item: Combined, parts: Sequence[Any], features: Mapping[str, Feature]
) -> int | float | None:
    """One combined value; infinite where it does not fit, None where it is not known."""
    a, b = parts[0], parts[-1]
    try:
        match item.how:
            case "over":
                return bool(a > item.limit)
            case "rate":
                return float(Fraction(a * item.per, features[item.of[0]].window))
            case "difference":
                difference: int | float = a - b
                return difference
            case _:
                return None if b == 0 else a / b
    except OverflowError:
        return math.inf


def _place(codes: Sequence[int], feature: Feature) -> int | None:
    """The first, last or k-th newest."""
    if feature.aggregate == "first":
        return codes[0] if codes else None
    k = feature.k if feature.aggregate == "nth" else 1
    return codes[-k] if len(codes) >= k else None


def _of_few(feature: Feature, codes: Sequence[int]) -> int | float | None:
    """What is computed of all values, up to the cap."""
    if feature.aggregate == "distinct":
        return len(set(codes))
    if feature.aggregate == "quantile":
        rank = -(-feature.permille * len(codes) // 1000)
        return sorted(codes)[rank - 1] if codes else None
    if feature.aggregate == "entropy":
        return sketch.entropy(list(Counter(codes).values()))
    return sketch.top(feature, Counter(codes), len(codes))


def _real_of(code: int) -> float:
    """The real of an order-preserving code."""
    found: float = struct.unpack("<d", struct.pack("<q", code if code >= 0 else code ^ _INT64_MAX))[
        0
    ]
    return found


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _variance(values: Sequence[int]) -> float | None:
    """Of the population; infinite where the bound of exact arithmetic is exceeded."""
    n = len(values)
    if n == 0:
        return None
    if n * max(abs(value) for value in values) > _INT64_MAX:
        return math.inf
    return (n * sum(value * value for value in values) - sum(values) ** 2) / n**2


def _std(values: Sequence[int]) -> float | None:
    variance = _variance(values)
    return None if variance is None else math.sqrt(variance)


_AGGREGATES: dict[str, Callable[[Sequence[Any]], int | float | None]] = {
    "sum": sum,
    "mean": _mean,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "std": _std,
    "variance": _variance,
}
