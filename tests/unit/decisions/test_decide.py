"""What is decided, why, and what happens when something cannot be told."""

import pytest
from tests.unit.decisions.small import CATALOG, compiled, make_inputs

from assay.contracts.event import Scalar
from assay.decisions.decide import Decision, Inputs, decide, needs_model
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands
from assay.models.score import Score
from assay.rules.rule import Rule

POLICY = compiled()


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


@pytest.mark.parametrize(
    ("probability", "outcome", "code"),
    [
        (0.0, Outcome.APPROVE, "risk_low"),
        (0.39999999999999997, Outcome.APPROVE, "risk_low"),
        (0.4, Outcome.REVIEW, "risk_elevated"),
        (0.7999999999999999, Outcome.REVIEW, "risk_elevated"),
        (0.8, Outcome.BLOCK, "risk_high"),
        (1.0, Outcome.BLOCK, "risk_high"),
    ],
)
def test_a_band_begins_exactly_at_its_edge(probability: float, outcome: Outcome, code: str) -> None:
    decision = decide(POLICY, make_inputs(probability))
    assert (decision.outcome, codes(decision)) == (outcome, [code])


def test_without_a_slot_the_band_overflows_and_says_so() -> None:
    decision = decide(POLICY, make_inputs(0.5, slots_left=0))
    assert decision.outcome is Outcome.CHALLENGE
    assert codes(decision) == ["risk_elevated", "review_capacity_used"]
    assert all(reason.asks is Outcome.CHALLENGE for reason in decision.reasons)


def test_a_soft_rule_without_a_slot_overflows_too() -> None:
    decision = decide(POLICY, make_inputs(0.1, values={"user_count_1d": 9}, slots_left=0))
    assert decision.outcome is Outcome.CHALLENGE
    assert codes(decision) == ["velocity_high", "risk_low", "review_capacity_used"]


def test_a_hard_review_without_a_slot_is_held() -> None:
    policy = compiled(rules=(Rule(name="look", when="first", then="review", strength="hard"),))
    assert decide(policy, make_inputs(slots_left=1)).outcome is Outcome.REVIEW
    decision = decide(policy, make_inputs(slots_left=0))
    assert decision.outcome is Outcome.HOLD
    assert codes(decision) == ["look", "risk_low", "review_capacity_used"]


def test_overflow_does_not_soften_what_is_more_severe() -> None:
    decision = decide(POLICY, make_inputs(0.9, values={"user_count_1d": 9}, slots_left=0))
    assert decision.outcome is Outcome.BLOCK


def test_a_hard_rule_wins_over_an_allowance_and_the_model() -> None:
    inputs = make_inputs(0.9, memberships={"on_sanctions": True, "on_trusted": True})
    decision = decide(POLICY, inputs)
    assert decision.outcome is Outcome.HOLD
    assert codes(decision) == ["sanctions", "trusted", "risk_high"]


def test_an_allowance_silences_soft_rules_and_the_band() -> None:
    inputs = make_inputs(0.9, values={"user_count_1d": 9}, memberships={"on_trusted": True})
    assert decide(POLICY, inputs).outcome is Outcome.APPROVE


def test_an_allowance_that_cannot_tell_allows_nothing() -> None:
    inputs = make_inputs(0.9, memberships={"on_trusted": None})
    decision = decide(POLICY, inputs)
    assert decision.outcome is Outcome.BLOCK
    assert [(r.code, r.held) for r in decision.reasons] == [("trusted", None), ("risk_high", True)]


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0, None])
@pytest.mark.parametrize("slots_left", [0, 5])
@pytest.mark.parametrize("trusted", [True, False, None])
def test_an_unknown_sanctions_list_always_holds(
    probability: float | None, slots_left: int, trusted: bool | None
) -> None:
    inputs = make_inputs(
        probability,
        memberships={"on_sanctions": None, "on_trusted": trusted},
        slots_left=slots_left,
    )
    decision = decide(POLICY, inputs)
    assert decision.outcome is Outcome.HOLD
    assert decision.reasons[0].held is None


def test_a_rule_that_cannot_tell_asks_for_its_declared_default() -> None:
    decision = decide(POLICY, make_inputs(payload={"distance": None}))
    assert decision.outcome is Outcome.CHALLENGE
    assert decision.rules == (0, 0, 0, 0, -1)
    assert (decision.reasons[0].code, decision.reasons[0].held) == ("far", None)


def test_an_absent_payload_field_is_not_known() -> None:
    inputs = make_inputs()
    payload: dict[str, Scalar] = {"user_id": "u1", "amount": 5_000}
    absent = make_inputs(payload=dict.fromkeys(set(inputs.payload) - set(payload)))
    assert decide(POLICY, absent).rules == decide(POLICY, _only(payload)).rules


def _only(payload: dict[str, Scalar]) -> Inputs:
    usual = make_inputs()
    return Inputs(
        payload=payload,
        values=usual.values,
        memberships=usual.memberships,
        score=usual.score,
        slots_left=usual.slots_left,
    )


def test_no_score_asks_for_the_fallback_and_says_why() -> None:
    decision = decide(POLICY, make_inputs(None))
    assert decision.outcome is Outcome.REVIEW
    assert codes(decision) == ["model_failed"]
    assert decision.reasons[0].held is None


@pytest.mark.parametrize("probability", [float("nan"), float("inf"), -0.1, 1.1])
def test_what_is_no_probability_is_no_score(probability: float) -> None:
    decision = decide(POLICY, make_inputs(probability))
    assert (decision.outcome, codes(decision)) == (Outcome.REVIEW, ["score_invalid"])


def test_no_score_asks_for_nothing_when_a_rule_decides_alone() -> None:
    policy = compiled(if_no_score=Outcome.BLOCK)
    inputs = make_inputs(None, memberships={"on_trusted": True})
    decision = decide(policy, inputs)
    assert decision.outcome is Outcome.APPROVE
    assert [(r.code, r.asks) for r in decision.reasons][1] == ("model_failed", Outcome.APPROVE)


def test_a_policy_without_a_model_decides_by_rules_only() -> None:
    policy = compiled(model=None)
    decision = decide(policy, make_inputs(None))
    assert (decision.outcome, decision.reasons) == (Outcome.APPROVE, ())
    assert decide(policy, make_inputs(0.99)).outcome is Outcome.APPROVE


def test_what_fell_back_is_told_once_and_asks_for_nothing_itself() -> None:
    inputs = make_inputs(None, degraded=("list_unavailable", "model_failed"))
    decision = decide(POLICY, inputs)
    assert codes(decision) == ["model_failed", "list_unavailable"]
    assert [r.asks for r in decision.reasons] == [Outcome.REVIEW, Outcome.APPROVE]


def test_contributions_explain_and_ask_for_nothing() -> None:
    inputs = make_inputs(0.1, contributions=(("user_count_1d", 2.5), ("user_mean_1d", -0.5)))
    decision = decide(POLICY, inputs)
    assert decision.outcome is Outcome.APPROVE
    told = [(r.code, r.voice, r.weight) for r in decision.reasons[1:]]
    assert told == [("user_count_1d", "contribution", 2.5), ("user_mean_1d", "contribution", -0.5)]


@pytest.mark.parametrize(
    ("amount", "slots_left", "outcome", "held"),
    [
        (5_000, 5, Outcome.APPROVE, None),
        (50_001, 5, Outcome.REVIEW, True),
        (50_001, 0, Outcome.HOLD, True),
    ],
)
def test_outside_the_approved_use_a_person_decides(
    amount: int, slots_left: int, outcome: Outcome, held: bool | None
) -> None:
    policy = compiled(conditions=("amount <= 50000",))
    inputs = make_inputs(
        0.1,
        payload={"amount": amount},
        memberships={"on_trusted": True},
        slots_left=slots_left,
    )
    decision = decide(policy, inputs)
    assert decision.outcome is outcome
    outside = [r.held for r in decision.reasons if r.code == "outside_approved_use"]
    assert outside == ([] if held is None else [held])
    assert len(decision.rules) == len(policy.policy.rules)


def test_a_condition_that_cannot_be_told_counts_as_outside() -> None:
    policy = compiled(conditions=("distance < 500.0",))
    decision = decide(policy, make_inputs(0.9, payload={"distance": None}))
    assert decision.outcome is Outcome.REVIEW
    assert decision.reasons[-2].held is None


def test_the_model_is_needed_unless_a_rule_decides_alone() -> None:
    def needed(**memberships: bool | None) -> bool:
        inputs = make_inputs(memberships=memberships)
        results = POLICY.evaluate(inputs.payload, inputs.values, inputs.memberships)
        return needs_model(POLICY, results)

    assert needed()
    assert not needed(on_sanctions=True)
    assert not needed(on_sanctions=None)
    assert not needed(on_trusted=True)
    assert needed(on_trusted=None)


def test_results_given_are_those_evaluated() -> None:
    inputs = make_inputs(0.5, values={"user_count_1d": 9})
    results = POLICY.evaluate(inputs.payload, inputs.values, inputs.memberships)
    given = make_inputs(0.5, values={"user_count_1d": 9}, results=results)
    assert decide(POLICY, given) == decide(POLICY, inputs)


def test_an_overflow_may_approve_but_only_with_its_reason() -> None:
    policy = compiled(bands=Bands(review_at=0.4, block_at=0.8, overflow=Outcome.APPROVE))
    decision = decide(policy, make_inputs(0.5, slots_left=0))
    assert decision.outcome is Outcome.APPROVE
    assert "review_capacity_used" in codes(decision)


def test_every_reason_can_be_explained() -> None:
    inputs = make_inputs(
        None,
        memberships=dict.fromkeys(["on_sanctions", "on_trusted"]),
        payload={"distance": None},
        contributions=tuple((name, 1.0) for name in CATALOG.names),
        degraded=("deadline_exceeded",),
        slots_left=0,
    )
    for reason in decide(POLICY, inputs).reasons:
        assert POLICY.explain(reason.code).analyst


def test_the_score_of_a_failed_model_may_lack_a_reason() -> None:
    inputs = make_inputs(score=Score(None, None))
    assert codes(decide(POLICY, inputs)) == ["no_score"]
