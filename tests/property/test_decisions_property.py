"""The laws of a decision, over every combination of rules, scores, slots and unknowns.

The oracle for the outcome is written from the documentation and shares no code with decide():
it looks at the rules' results directly and never at reasons.
"""

from itertools import permutations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.decisions.small import (
    AT,
    LinearScorer,
    compiled,
    make_event,
    make_inputs,
    make_policy,
    record_of,
)

from assay.contracts.event import Event
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.decide import Inputs, decide
from assay.decisions.outcome import Outcome, Reason, Voice, outcome_of
from assay.decisions.policy import Bands
from assay.decisions.record import DecisionRecord
from assay.decisions.redecide import redecide
from assay.models.score import Score
from assay.review.capacity import Budget
from assay.rules.rule import Asked, Rule, Strength

OUTCOMES = tuple(Outcome)
ASKED: tuple[Asked, ...] = ("approve", "challenge", "review", "hold", "block")
NAMES = ("first", "is_large", "on_sanctions", "on_trusted")
outcomes = st.sampled_from(OUTCOMES)
truths = st.one_of(st.none(), st.booleans())


def make_rule(number: int, strength: Strength, parts: tuple[str, Asked, Asked]) -> Rule:
    variable, then, if_unknown = parts
    if strength == "allow":
        then = "approve"
    elif strength == "hard" and then == "approve":
        then = "block"
    if strength == "hard" and then == "hold" and if_unknown not in {"hold", "block"}:
        if_unknown = "hold"
    return Rule(
        name=f"rule_{number}", when=variable, then=then, strength=strength, if_unknown=if_unknown
    )


strengths: tuple[Strength, ...] = ("hard", "soft", "allow")
rule_parts = st.tuples(
    st.sampled_from(strengths),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(ASKED), st.sampled_from(ASKED)),
)
rule_sets = st.lists(rule_parts, max_size=5).map(
    lambda found: tuple(make_rule(n, strength, parts) for n, (strength, parts) in enumerate(found))
)
policies = st.builds(
    lambda rules, overflow, fallback, model: make_policy(
        rules=rules,
        bands=Bands(review_at=0.4, block_at=0.8, overflow=overflow),
        if_no_score=fallback,
        **({} if model else {"model": None}),
    ),
    rule_sets,
    st.sampled_from([o for o in OUTCOMES if o is not Outcome.REVIEW]),
    outcomes,
    st.booleans(),
)


@st.composite
def requests(draw: st.DrawFn) -> Inputs:
    """Any request, with anything unknown, on any day."""
    known = {name: draw(truths) for name in NAMES}
    probability = draw(st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.4, 0.5, 0.8, 1.0])))
    return make_inputs(
        probability,
        payload={"first": known["first"]},
        values={"is_large": known["is_large"]},
        memberships={"on_sanctions": known["on_sanctions"], "on_trusted": known["on_trusted"]},
        slots_left=draw(st.integers(0, 2)),
    )


def expected(policy: CompiledPolicy, inputs: Inputs) -> Outcome:
    """The outcome straight from the documentation."""
    bands, known = policy.policy.bands, {**inputs.payload, **inputs.values, **inputs.memberships}
    overflow = bands.overflow if inputs.slots_left == 0 else Outcome.REVIEW
    held = Outcome.HOLD if inputs.slots_left == 0 else Outcome.REVIEW
    hard, soft, allowed = [], [], False
    for rule in policy.policy.rules:
        truth = known[rule.when]
        if truth is False:
            continue
        asks = Outcome(rule.if_unknown if truth is None else rule.then)
        if rule.strength == "hard":
            hard.append(held if asks is Outcome.REVIEW else asks)
        else:
            soft.append(overflow if asks is Outcome.REVIEW else asks)
            allowed |= rule.strength == "allow" and truth is True
    if any(asks is not Outcome.APPROVE for asks in hard):
        return max(hard, key=OUTCOMES.index)
    if allowed:
        return Outcome.APPROVE
    probability = inputs.score.probability
    if policy.policy.model is not None:
        asks = policy.policy.if_no_score
        if probability is not None:
            asks = Outcome.APPROVE
            if probability >= bands.block_at:
                asks = Outcome.BLOCK
            elif probability >= bands.review_at:
                asks = Outcome.REVIEW
        soft.append(overflow if asks is Outcome.REVIEW else asks)
    return max(soft, key=OUTCOMES.index, default=Outcome.APPROVE)


def built(parts: object) -> CompiledPolicy:
    assert isinstance(parts, type(make_policy()))
    return compiled(**{name: getattr(parts, name) for name in parts.__struct_fields__})


@settings(max_examples=120, deadline=None)
@given(parts=policies, inputs=requests())
def test_the_outcome_is_what_the_documentation_says(parts: object, inputs: Inputs) -> None:
    policy = built(parts)
    decision = decide(policy, inputs)
    assert decision.outcome is expected(policy, inputs)
    assert decision.outcome is outcome_of(decision.reasons)
    assert decide(policy, inputs) == decision
    for reason in decision.reasons:
        assert policy.explain(reason.code).analyst


@settings(max_examples=60, deadline=None)
@given(parts=policies, inputs=requests())
def test_nothing_is_reviewed_without_a_slot(parts: object, inputs: Inputs) -> None:
    decision = decide(built(parts), inputs)
    if inputs.slots_left == 0:
        assert decision.outcome is not Outcome.REVIEW


@settings(max_examples=60, deadline=None)
@given(parts=policies, inputs=requests())
def test_a_hard_rule_is_never_overruled(parts: object, inputs: Inputs) -> None:
    """With a hard block that holds, nothing else in the policy or the request matters."""
    assert isinstance(parts, type(make_policy()))
    always = Rule(name="always", when="amount >= 0", then="block", strength="hard")
    policy = built(msgspec.structs.replace(parts, rules=(*parts.rules, always)))
    assert decide(policy, inputs).outcome is Outcome.BLOCK


@settings(max_examples=60, deadline=None)
@given(parts=policies, inputs=requests(), what=st.sampled_from(["hold", "block"]))
def test_a_hard_rule_that_cannot_tell_never_approves_silently(
    parts: object, inputs: Inputs, what: Asked
) -> None:
    assert isinstance(parts, type(make_policy()))
    screen = Rule(name="screen", when="on_sanctions", then="hold", strength="hard", if_unknown=what)
    policy = built(msgspec.structs.replace(parts, rules=(*parts.rules, screen)))
    blind = msgspec.structs.replace(
        inputs, memberships={**inputs.memberships, "on_sanctions": None}
    )
    decision = decide(policy, blind)
    assert decision.outcome.severity >= Outcome.HOLD.severity
    assert any(r.code == "screen" and r.held is None for r in decision.reasons)


@settings(max_examples=60, deadline=None)
@given(rules=rule_sets, inputs=requests(), data=st.data())
def test_the_order_of_rules_does_not_matter(
    rules: tuple[Rule, ...], inputs: Inputs, data: st.DataObject
) -> None:
    shuffled = tuple(data.draw(st.permutations(rules)))
    one, other = decide(compiled(rules=rules), inputs), decide(compiled(rules=shuffled), inputs)
    assert one.outcome is other.outcome
    assert sorted(r.code for r in one.reasons) == sorted(r.code for r in other.reasons)


voices: tuple[Voice, ...] = ("hard", "allow", "soft", "band", "degraded")
reasons = st.builds(Reason, st.just("any"), st.sampled_from(voices), truths, outcomes)


@given(st.lists(reasons, max_size=4))
def test_the_algebra_of_reasons_knows_no_order(found: list[Reason]) -> None:
    assert len({outcome_of(order) for order in permutations(found)}) == 1


@given(st.lists(reasons, max_size=6), st.lists(reasons, max_size=6))
def test_one_more_soft_reason_never_makes_an_outcome_milder(
    found: list[Reason], more: list[Reason]
) -> None:
    added = [msgspec.structs.replace(reason, voice="soft") for reason in more]
    assert outcome_of((*found, *added)).severity >= outcome_of(tuple(found)).severity


@given(st.lists(reasons, max_size=6))
def test_the_outcome_was_asked_for_by_somebody(found: list[Reason]) -> None:
    outcome = outcome_of(tuple(found))
    assert outcome is Outcome.APPROVE or outcome in {reason.asks for reason in found}


@pytest.mark.parametrize("probability", [0.5, 0.4])
@pytest.mark.parametrize("rule", [(), (Rule(name="all", when="amount > 0", then="review"),)])
def test_a_day_of_tied_scores_is_reviewed_exactly_to_capacity(
    probability: float, rule: tuple[Rule, ...]
) -> None:
    policy, budget, day = compiled(rules=rule), Budget(10), AT // 86_400_000_000
    seen = []
    for _ in range(50):
        inputs = make_inputs(probability, slots_left=budget.left(day))
        outcome = decide(policy, inputs).outcome
        if outcome is Outcome.REVIEW:
            budget.take(day)
        seen.append(outcome)
    assert seen == [Outcome.REVIEW] * 10 + [Outcome.CHALLENGE] * 40


@st.composite
def records(draw: st.DrawFn) -> tuple[CompiledPolicy, Event, DecisionRecord]:
    """A request and its record as a runtime would have written it."""
    policy = built(draw(policies))
    score = None if draw(st.booleans()) else Score(None, None, "deadline_exceeded")
    if policy.policy.model is None:
        score = Score(None, None)
    event = make_event(first=draw(truths))
    record = record_of(
        policy,
        event,
        count=draw(st.integers(0, 10)),
        mean=draw(st.one_of(st.none(), st.floats(0, 1e6))),
        slots_left=draw(st.integers(0, 2)),
        memberships={"on_sanctions": draw(truths), "on_trusted": draw(truths)},
        score=score,
    )
    return policy, event, record


@settings(max_examples=60, deadline=None)
@given(made=records())
def test_a_record_survives_the_wire_and_is_made_again_bit_for_bit(
    made: tuple[CompiledPolicy, Event, DecisionRecord],
) -> None:
    policy, event, record = made
    for back in (
        msgspec.json.decode(msgspec.json.encode(record), type=DecisionRecord),
        msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=DecisionRecord),
    ):
        assert back == record
        assert redecide(policy, back, event, LinearScorer()) == ()


@settings(max_examples=60, deadline=None)
@given(made=records(), data=st.data())
def test_any_flipped_bit_of_vector_or_score_is_found(
    made: tuple[CompiledPolicy, Event, DecisionRecord], data: st.DataObject
) -> None:
    policy, event, record = made
    parts = ["bits", "known"] if record.score.raw is None else ["bits", "raw", "probability"]
    part = data.draw(st.sampled_from(parts))
    if part in {"bits", "known"}:
        raw = bytearray(getattr(record, part))
        place = data.draw(st.integers(0, 8 * len(raw) - 1))
        raw[place // 8] ^= 1 << place % 8
        edited = msgspec.structs.replace(record, **{part: bytes(raw)})
    else:
        number = np.float64(getattr(record.score, part)).view(np.int64)
        number ^= np.int64(1) << data.draw(st.integers(0, 62))
        score = msgspec.structs.replace(record.score, **{part: float(number.view(np.float64))})
        edited = msgspec.structs.replace(record, score=score)
    assert redecide(policy, edited, event, LinearScorer())
