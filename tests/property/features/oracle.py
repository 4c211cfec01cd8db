"""What a feature means, said once more: sort, filter, fractions. Shares no code with the rest."""

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from assay.contracts.event import Event
from assay.features.definition import Feature

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
    end = request.ts
    chosen = []
    for event in sorted(events, key=lambda e: (e.ts, e.id)):
        inside = event.ts < end and (feature.window == 0 or end - event.ts <= feature.window)
        if event.type != feature.source or not inside:
            continue
        if tuple(event.payload[name] for name in feature.key) == wanted:
            chosen.append(event)
    if feature.include_current:
        chosen.append(request)
    for where in feature.where:
        held = _CONDITIONS[where.is_]
        chosen = [
            e
            for e in chosen
            if e.payload[where.field] is not None and held(e.payload[where.field], where.value)
        ]
    of = feature.of
    if of is not None:
        chosen = [e for e in chosen if e.payload[of] is not None]
    if feature.aggregate == "count":
        return len(chosen)
    if feature.aggregate == "time_since":
        return end - chosen[-1].ts if chosen else None
    assert of is not None
    return _aggregate(feature.aggregate, [e.payload[of] for e in chosen])


def _aggregate(name: str, values: list[Any]) -> Any:
    if name == "sum":
        return sum(values)
    if name == "distinct":
        return len(set(values))
    if not values:
        return None
    if name == "last":
        return values[-1]
    if name == "min":
        return min(values)
    if name == "max":
        return max(values)
    mean = Fraction(sum(values), len(values))
    if name == "mean":
        return float(mean)
    variance = sum((Fraction(x) - mean) ** 2 for x in values) / len(values)
    return math.sqrt(float(variance))


def bits(found: Any, kind: str) -> tuple[int, int]:
    """The (bits, known) that a vector must hold for a value."""
    if found is None:
        return 0, 0
    if kind == "real":
        # -0.0 and 0.0 are one value; a vector holds the latter.
        return struct.unpack("<q", struct.pack("<d", float(found) or 0.0))[0], 1
    return int(found), 1
