"""When was each fact of a log known? The order in which a platform learned what it knows.

A fact is an accepted event or a retraction. It is known from its entry's ``known_at``. A history
may come without that; then a fact is taken to be as late as the 95th percentile of those of its
type whose moment is known (of all types where its own has none, and not late at all where nothing
is known): rather too late than known too early.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.contracts.reserved import ERASURE_TYPE
from assay.contracts.retraction import RETRACTION_TYPE, target_of
from assay.core.time import TIME_MIN
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.runtime.ports import Entry

NOT_KNOWN = -1  #: ``known_at`` of a history that does not say when it was known


class Fact(msgspec.Struct, frozen=True):
    """One event, or with ``back`` its retraction, with its place; ``known`` is microseconds."""

    event: Event
    known: int
    seq: int
    back: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A request to be read at ``request.ts`` from the facts before ``(moment, seq)``."""

    request: Event
    moment: int
    seq: int


def facts_of(entries: Iterable[Entry], *, until: int | None = None) -> Iterator[Fact]:
    """The facts among entries: what counts, with ``ts`` up to ``until``.

    ``known`` is as stored, `dated` fills it in where it is not known.
    """
    for entry in entries:
        event = entry.event
        if not entry.accepted or entry.erased is not None or event.type == ERASURE_TYPE:
            continue
        if until is not None and event.ts > until:
            continue
        if event.type == RETRACTION_TYPE:
            yield Fact(target_of(event), entry.known_at, entry.seq, back=True)
        else:
            yield Fact(event, entry.known_at, entry.seq)


def measured_delays(facts: Sequence[Fact]) -> dict[str, int]:
    """How late the facts of each type are whose moment is not known, by those where it is.

    The 95th percentile by the nearest rank above, in microseconds, never below 0.
    """
    missing = {fact.event.type for fact in facts if fact.known < TIME_MIN}
    if not missing:
        return {}
    known: dict[str, list[int]] = {}
    for fact in facts:
        if fact.known >= TIME_MIN and not fact.back:
            known.setdefault(fact.event.type, []).append(max(fact.known - fact.event.ts, 0))
    every = [delay for delays in known.values() for delay in delays]
    return {name: _quantile(known.get(name) or every) for name in sorted(missing)}


def dated(facts: Sequence[Fact], delays: dict[str, int]) -> list[Fact]:
    """The facts, each with the moment from which it is taken to be known."""
    return [
        fact
        if fact.known >= TIME_MIN
        else msgspec.structs.replace(fact, known=fact.event.ts + delays[fact.event.type])
        for fact in facts
    ]


def read_at(
    catalog: Catalog, facts: Sequence[Fact], asked: Sequence[Asked]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The vectors of requests, each from the facts that were known before it, in the order given.

    Facts enter by ``(known, seq)``: it is the live state, fed in the order of knowledge.

    Returns:
        ``bits`` and ``known`` as in a `Frame`, one row a request.
    """
    bits = np.zeros((len(asked), len(catalog)), np.int64)
    known = np.zeros((len(asked), len(catalog)), np.uint8)
    state = FeatureState(catalog)
    facts = sorted(facts, key=lambda fact: (fact.known, fact.seq))
    at = 0
    for row in sorted(range(len(asked)), key=lambda r: (asked[r].moment, asked[r].seq)):
        before = (asked[row].moment, asked[row].seq)
        while at < len(facts) and (facts[at].known, facts[at].seq) < before:
            fact, at = facts[at], at + 1
            if fact.back:
                state.retract(fact.event)
            else:
                state.apply(fact.event)
        vector: Vector = state.read(asked[row].request)[0]
        bits[row], known[row] = vector.bits, vector.known
    return bits, known


def touched(facts: Sequence[Fact], at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which requests may come out otherwise when only what was known counts.

    ``at`` holds their T in ascending order. A late event may be missing from those between its
    ``ts`` and the moment it was known; what was taken back, present in those before that moment.
    """
    late = [
        (fact.event.ts, fact.known) for fact in facts if fact.back or fact.known > fact.event.ts
    ]
    edges = np.array(late, np.int64).reshape(-1, 2)
    steps = np.zeros(len(at) + 1, np.int64)
    np.add.at(steps, np.searchsorted(at, edges[:, 0], "right"), 1)
    ends = np.maximum(
        np.searchsorted(at, edges[:, 1], "right"), np.searchsorted(at, edges[:, 0], "right")
    )
    np.add.at(steps, ends, -1)
    return np.cumsum(steps[:-1]) > 0


def _quantile(delays: list[int]) -> int:
    if not delays:
        return 0
    ordered = sorted(delays)
    return ordered[max(-(-len(ordered) * 95 // 100), 1) - 1]
