"""What a feature means, said once more: sort, filter, fractions. Shares no code with the rest."""

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from assay.contracts.event import Event
from assay.features.definition import Combined, Feature

_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "known": lambda a, _b: a is not None,
}


def value(feature: Feature, events: list[Event], request: Event) -> Any:
    """The exact value at ``request.ts``; None where it is not known."""
    wanted = tuple(request.payload[name] for name in feature.request_key or feature.key)
    if any(part is None for part in wanted):
        return None
    now = request.ts
    chosen = [event for event in _inside(feature, events, request) if _of(feature, event) == wanted]
    if feature.include_current:
        chosen.append(request)
    for where in feature.where:
        held = _CONDITIONS[where.is_]
        chosen = [
            e
            for e in chosen
            if e.payload.get(where.field) is not None
            and held(e.payload.get(where.field), where.value)
        ]
    of = feature.of
    if of is not None:
        chosen = [e for e in chosen if e.payload.get(of) is not None]
    if feature.ttl and all(e.ts < now - feature.ttl for e in chosen):
        return None
    if feature.aggregate == "count":
        return len(chosen)
    if feature.aggregate == "time_since":
        return now - chosen[-1].ts if chosen else None
    if feature.aggregate == "time_since_first":
        return now - chosen[0].ts if chosen else None
    assert of is not None
    values = [e.payload.get(of) for e in chosen]
    if of == "tier" and feature.aggregate in ("first", "last", "nth", "top"):
        values = [("gold", "base", "new").index(text) for text in values]
    if feature.aggregate in ("nth", "quantile", "top", "top_count", "top_share", "entropy"):
        return _of_many(feature, values)
    return _aggregate(feature.aggregate, values)


def _of(feature: Feature, event: Event) -> tuple[Any, ...]:
    return tuple(event.payload[name] for name in feature.key)


def _inside(feature: Feature, events: list[Event], request: Event) -> list[Event]:
    """The events of the window, whoever they are about, oldest first."""
    now = request.ts
    end = now - now % feature.every if feature.every else now
    chosen = []
    for event in sorted(events, key=lambda e: (e.ts, e.id)):
        inside = event.ts < end or (
            feature.ties == "before" and event.ts == now and event.id < request.id
        )
        recent = feature.window == 0 or end - event.ts <= feature.window
        if event.type == feature.source and inside and recent:
            chosen.append(event)
    return chosen


def _of_many(feature: Feature, values: list[Any]) -> Any:
    """What needs the values themselves: no two of these share a line."""
    n = len(values)
    if feature.aggregate == "nth":
        return list(reversed(values))[feature.k - 1] if n >= feature.k else None
    if feature.aggregate == "quantile":
        wanted = Fraction(feature.permille, 1000)
        at_most = (x for x in values if Fraction(sum(y <= x for y in values), n) >= wanted)
        return min(at_most, default=None)
    times = {x: values.count(x) for x in values}
    commonest = sorted(times, key=lambda x: (-times[x], x))
    if feature.aggregate == "top":
        return commonest[feature.k - 1] if len(commonest) >= feature.k else None
    if feature.aggregate == "top_count":
        return times[commonest[feature.k - 1]] if len(commonest) >= feature.k else 0
    if feature.aggregate == "top_share":
        most = sum(sorted(times.values())[-feature.k :])
        return float(Fraction(most, n)) if n else None
    return math.fsum(c / n * math.log2(n / c) for c in times.values()) if n else None


def _aggregate(name: str, values: list[Any]) -> Any:
    if name == "sum":
        return sum(values)
    if name == "distinct":
        return len(set(values))
    if not values:
        return None
    if name == "last":
        return values[-1]
    if name == "first":
        return values[0]
    if name == "min":
        return min(values)
    if name == "max":
        return max(values)
    mean = Fraction(sum(values), len(values))
    if name == "mean":
        return float(mean)
    variance = sum((Fraction(x) - mean) ** 2 for x in values) / len(values)
    return float(variance) if name == "variance" else math.sqrt(float(variance))


def combined(item: Combined, parts: list[Any], window: int) -> Any:
    """The exact combination, rounded once; None where it is not known or does not fit."""
    if None in parts:
        return None
    a = parts[0]
    if item.how == "over":
        return a > item.limit
    if item.how == "rate":
        return float(Fraction(a) * Fraction(item.per, window))
    b = parts[1]
    if item.how == "difference":
        found = a - b
        if isinstance(found, float):
            return found if math.isfinite(found) else None
        return found if -(2**63) <= found < 2**63 else None
    if b == 0:
        return None
    if isinstance(a, int) and isinstance(b, int):
        return float(Fraction(a, b))
    return a / b if math.isfinite(a / b) else None


def bits(found: Any, kind: str) -> tuple[int, int]:
    """The (bits, known) that a vector must hold for a value."""
    if found is None:
        return 0, 0
    if kind == "real":
        # -0.0 and 0.0 are one value; a vector holds the latter.
        return struct.unpack("<q", struct.pack("<d", float(found) or 0.0))[0], 1
    return int(found), 1
