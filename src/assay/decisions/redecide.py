"""Does a stored decision follow from its record? Made again from it, bit for bit."""

import struct
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.decide import Decision, Inputs, decide
from assay.decisions.freshness import FEATURES_STALE, missed_targets, withheld
from assay.decisions.outcome import Reason
from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.features.values import as_floats, as_values
from assay.features.vector import Vector
from assay.models.score import Score
from assay.rules.lists import ListSnapshot


class Scorer(Protocol):
    """What is needed of a model to score a record again."""

    @property
    def digest(self) -> str:
        """The digest of the bundle."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the values it takes, in order."""

    def score(self, row: NDArray[np.float64]) -> Score:
        """The score of one row in ``inputs`` order."""

    def contributions(
        self, row: NDArray[np.float64], top: int = 5
    ) -> tuple[tuple[str, float], ...]:
        """The largest parts in the score, largest first."""


def redecide(
    policy: CompiledPolicy,
    record: DecisionRecord,
    event: Event,
    scorer: Scorer | None,
    snapshots: Mapping[str, ListSnapshot] | None = None,
) -> tuple[str, ...]:
    """The differences between a record and the same decision made again; empty when identical.

    Recomputed from the event, the served vector and the memberships: the vector's digest, the
    score and its contributions (every bit), the rules, the reasons and the outcome. Taken as
    recorded: ``seq``, ``slots_left``, ``degraded`` and ``decided_at``, which no single record can
    prove; whoever replays the log checks the first two.

    Args:
        policy: the policy of that digest.
        record: the decision as stored.
        event: the request as logged.
        scorer: the model of that digest; without it the recorded score is a difference, if any.
        snapshots: list snapshots by digest; where given, the memberships are recomputed too.
    """
    return (
        *_identity(policy, record, event),
        *_lists(policy, record, event, snapshots),
        *_freshness(policy, record),
        *_again(policy, record, event, scorer),
    )


def _identity(policy: CompiledPolicy, record: DecisionRecord, event: Event) -> Iterator[str]:
    receipt = record.receipt
    yield from _differs("event", record.event, event.id)
    yield from _differs("event type", policy.policy.request, event.type)
    yield from _differs("time", record.at, event.ts)
    yield from _differs("time of the receipt", receipt.at, event.ts)
    yield from _differs("policy", record.policy, policy.policy.digest)
    yield from _differs("model", record.model, policy.policy.model)
    yield from _differs("catalog", receipt.catalog, policy.catalog.digest)
    names = sorted(use.name for use in policy.policy.lists)
    yield from _differs("lists consulted", sorted(record.memberships), names)


def _lists(
    policy: CompiledPolicy,
    record: DecisionRecord,
    event: Event,
    snapshots: Mapping[str, ListSnapshot] | None,
) -> Iterator[str]:
    if snapshots is None:
        return
    used: dict[str, ListSnapshot | None] = {}
    for name, digest in record.snapshots.items():
        used[name] = snapshots.get(digest) if digest else None
        if digest and used[name] is None:
            yield f"list {name!r}: the snapshot {digest} is not at hand"
    found = policy.memberships(event.payload, used, event.ts)
    for name, expected in record.memberships.items():
        yield from _differs(f"membership of list {name!r}", expected, found.get(name))


def _freshness(policy: CompiledPolicy, record: DecisionRecord) -> Iterator[str]:
    """What was stale follows from the receipt: from T and what had been seen, by no clock."""
    targets, receipt = policy.policy.freshness, record.receipt
    if not targets and not receipt.seen:
        return
    missed = missed_targets(targets, receipt.seen, receipt.at)
    yield from _differs("stale", FEATURES_STALE in record.degraded, bool(missed))
    views = sorted(view for view, why in receipt.absent.items() if why == FEATURES_STALE)
    for view in sorted(withheld(missed)):
        if view not in receipt.absent:
            yield f"view {view!r}: stale and still served"
    for view in views:
        if view not in withheld(missed):
            yield f"view {view!r}: withheld as stale, and it was not"


def _again(
    policy: CompiledPolicy, record: DecisionRecord, event: Event, scorer: Scorer | None
) -> Iterator[str]:
    vector, expected = _vector(record), 8 * len(policy.catalog.names)
    if len(record.bits) != expected or len(record.known) * 8 != expected:
        yield f"vector: expected {expected // 8} values, got {len(record.bits)} bytes of them"
        return
    yield from _differs("vector digest", record.receipt.vector, vector.digest)
    yield from _model(record, vector, policy.catalog, scorer)
    decision = decide(
        policy,
        Inputs(
            payload=event.payload,
            values=as_values(vector, policy.catalog),
            memberships=record.memberships,
            score=record.score,
            slots_left=record.slots_left,
            degraded=record.degraded,
            contributions=record.contributions,
        ),
    )
    yield from _decision(policy, record, decision)


def _model(
    record: DecisionRecord, vector: Vector, catalog: Catalog, scorer: Scorer | None
) -> Iterator[str]:
    """The score again; a record without one must say why, and is taken at its word."""
    score = record.score
    if record.model is None or score.raw is None or score.probability is None:
        if score.raw is not None or score.probability is not None:
            yield f"score: expected none, got {score}"
        elif record.model is not None and not score.why:
            yield "score: none, without a reason why"
        if record.contributions:
            yield "contributions: expected none without a score"
        return
    if scorer is None:
        yield f"score: the model {record.model} is not at hand"
        return
    yield from _differs("model loaded", record.model, scorer.digest)
    floats = as_floats(vector, catalog)
    row = np.array([floats[catalog.index(name)] for name in scorer.inputs], dtype=np.float64)
    again = scorer.score(row)
    yield from _same_bits("raw score", score.raw, again.raw)
    yield from _same_bits("probability", score.probability, again.probability)
    yield from _differs("reason of no score", score.why, again.why)
    if record.contributions:
        parts = scorer.contributions(row, top=len(record.contributions))
        yield from _differs("contributions", _hexed(record.contributions), _hexed(parts))


def _decision(policy: CompiledPolicy, record: DecisionRecord, decision: Decision) -> Iterator[str]:
    yield from _differs("number of rules", len(record.rules), len(decision.rules))
    for rule, stored, again in zip(policy.policy.rules, record.rules, decision.rules, strict=False):
        yield from _differs(f"rule {rule.name!r}", stored, again)
    yield from _differs("reasons", _told(record.reasons), _told(decision.reasons))
    yield from _differs("outcome", record.outcome.value, decision.outcome.value)


def _vector(record: DecisionRecord) -> Vector:
    whole = record.bits[: len(record.bits) // 8 * 8]
    return Vector(
        np.frombuffer(whole, dtype="<i8").astype(np.int64),
        np.frombuffer(record.known, dtype=np.uint8),
    )


def _told(reasons: tuple[Reason, ...]) -> list[str]:
    return [
        f"{r.code}/{r.voice}/{r.held}/{r.asks.value}"
        + ("" if r.weight is None else f"/{r.weight.hex()}")
        for r in reasons
    ]


def _hexed(parts: tuple[tuple[str, float], ...]) -> list[tuple[str, str]]:
    return [(name, weight.hex()) for name, weight in parts]


def _same_bits(what: str, stored: float, again: float | None) -> Iterator[str]:
    if again is None or struct.pack("<d", stored) != struct.pack("<d", again):
        yield f"{what}: stored {stored!r}, again {again!r}"


def _differs(what: str, stored: object, again: object) -> Iterator[str]:
    # The type counts: True is not 1 and 1 is not 1.0 in a record.
    if type(stored) is not type(again) or stored != again:
        yield f"{what}: stored {stored!r}, again {again!r}"
