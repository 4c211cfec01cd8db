"""What to do with one request? A pure function of the policy and of what was known.

The rules speak first, hard ones before the others; then the model through the bands of the
policy; then what fell back. Each says which outcome it asks for, and the outcome is computed from
what was asked (``outcome_of``), so the explanation cannot disagree with it.

* Band: ``probability >= block_at`` asks for block, ``>= review_at`` for review, below neither.
* No probability: ``if_no_score`` is asked, unless a rule decides alone or the policy has no model.
* No review slot left: whatever asked for review asks for ``bands.overflow`` instead, except hard
  rules and conditions of approval, which ask for hold: they are never decided by overflow.
* "Cannot tell" asks for the rule's ``if_unknown``, with ``held`` None.
"""

from collections.abc import Iterable, Iterator

import msgspec

from assay.contracts.event import Scalar
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.outcome import Outcome, Reason, outcome_of
from assay.decisions.reason import (
    CAPACITY_USED,
    NO_SCORE,
    RISK_ELEVATED,
    RISK_HIGH,
    RISK_LOW,
    SCORE_INVALID,
)
from assay.models.score import Score


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision may depend on besides the policy.

    ``values`` are the catalog's values by name, ``slots_left`` the reviews left for the day,
    ``degraded`` the codes of what fell back. ``results`` may carry the rule results when they
    were evaluated before the model, and must be what ``policy.evaluate`` gives.
    """

    payload: dict[str, Scalar]
    values: dict[str, int | float | bool | None]
    memberships: dict[str, bool | None]
    score: Score
    slots_left: int
    degraded: tuple[str, ...] = ()
    contributions: tuple[tuple[str, float], ...] = ()
    results: tuple[int, ...] | None = None


class Decision(msgspec.Struct, frozen=True):
    """The reasons, the outcome they add up to, and the result of each rule of the policy."""

    reasons: tuple[Reason, ...]
    outcome: Outcome
    rules: tuple[int, ...]


def decide(policy: CompiledPolicy, inputs: Inputs) -> Decision:
    """The decision on one request; equal arguments give equal decisions, bit for bit."""
    results = inputs.results
    if results is None:
        results = policy.evaluate(inputs.payload, inputs.values, inputs.memberships)
    needed = needs_model(policy, results)
    reasons: Iterable[Reason] = (
        *policy.spoken(results),
        *_scored(policy, inputs.score, needed),
        *_fallen_back(inputs.degraded, inputs.score.why),
        *(
            Reason(name, "contribution", True, Outcome.APPROVE, weight)
            for name, weight in inputs.contributions
        ),
    )
    if inputs.slots_left <= 0:
        reasons = _without_reviews(reasons, policy.policy.bands.overflow)
    spoken = tuple(reasons)
    return Decision(spoken, outcome_of(spoken), results[: len(policy.policy.rules)])


def needs_model(policy: CompiledPolicy, results: tuple[int, ...]) -> bool:
    """Whether the outcome can depend on the score.

    It cannot when a hard rule or condition asks for something, when an allow rule holds, or when
    the policy has no model. The score is still worth having for monitoring.
    """
    if policy.policy.model is None:
        return False
    return not any(
        (reason.voice == "hard" and reason.asks is not Outcome.APPROVE)
        or (reason.voice == "allow" and reason.held)
        for reason in policy.spoken(results)
    )


def _scored(policy: CompiledPolicy, score: Score, needed: bool) -> Iterator[Reason]:
    if policy.policy.model is None:
        return
    probability, bands = score.probability, policy.policy.bands
    if probability is None or not 0.0 <= probability <= 1.0:
        code = (score.why or NO_SCORE) if probability is None else SCORE_INVALID
        asks = policy.policy.if_no_score if needed else Outcome.APPROVE
        yield Reason(code, "degraded", None, asks)
    elif probability >= bands.block_at:
        yield Reason(RISK_HIGH, "band", True, Outcome.BLOCK)
    elif probability >= bands.review_at:
        yield Reason(RISK_ELEVATED, "band", True, Outcome.REVIEW)
    else:
        yield Reason(RISK_LOW, "band", True, Outcome.APPROVE)


def _fallen_back(degraded: Iterable[str], told: str) -> Iterator[Reason]:
    """What fell back, for the record; it asks for nothing: what it caused asks already."""
    for code in degraded:
        if code != told:
            yield Reason(code, "degraded", True, Outcome.APPROVE)


def _without_reviews(reasons: Iterable[Reason], overflow: Outcome) -> Iterator[Reason]:
    """The reasons on a day without review slots, and the one that says so."""
    moved = None
    for reason in reasons:
        if reason.asks is not Outcome.REVIEW:
            yield reason
            continue
        asks = Outcome.HOLD if reason.voice == "hard" else overflow
        moved = asks if reason.voice != "hard" else moved or Outcome.APPROVE
        yield msgspec.structs.replace(reason, asks=asks)
    if moved is not None:
        yield Reason(CAPACITY_USED, "band", True, moved)
