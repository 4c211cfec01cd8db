"""Whatever comes in: capacity holds, the queue is one order of the same cases, and holds lead."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.review.decided import COSTS, DAY_NUMBER, START, decided

from assay.core.time import DAY
from assay.decisions.outcome import Outcome
from assay.review.capacity import Budget
from assay.review.case import Case, Service, case_of, lapsed, loss_avoided, queue

SERVICE = Service()


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        outcome = draw(st.sampled_from((Outcome.REVIEW, Outcome.HOLD)))
        probability = draw(st.none() | st.sampled_from((0.0, 0.2, 0.2, 0.9, 1.0)))
        record = decided(number, outcome, probability=probability)
        amount = draw(st.none() | st.sampled_from((0, 5_000, 5_000, 2**40)))
        case = case_of(record, amount=amount, entity="u", service=SERVICE)
        assert case is not None
        made.append(case)
    return made


@given(cases(), st.randoms(use_true_random=False))
def test_the_queue_does_not_depend_on_the_order_cases_came_in(
    made: list[Case], shuffler: "object"
) -> None:
    ordered = queue(made, COSTS, SERVICE)
    shuffled = list(made)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert queue(shuffled, COSTS, SERVICE) == ordered
    assert Counter(case.id for case in ordered) == Counter(case.id for case in made)


@given(cases())
def test_holds_come_first_and_then_nobody_could_swap_two_reviews_for_more(
    made: list[Case],
) -> None:
    ordered = queue(made, COSTS, SERVICE)
    kinds = [case.outcome for case in ordered]
    assert kinds == sorted(kinds, key=lambda outcome: outcome is not Outcome.HOLD)
    reviews = [case for case in ordered if case.outcome is Outcome.REVIEW]
    saved = [loss_avoided(case, COSTS, SERVICE) for case in reviews]
    assert saved == sorted(saved, reverse=True)


@given(st.integers(0, 5), st.lists(st.integers(0, 3)))
def test_slots_given_are_the_smaller_of_asked_and_capacity(capacity: int, days: list[int]) -> None:
    budget = Budget(capacity)
    given_by_day: Counter[int] = Counter()
    records = []
    for number, day in enumerate(days):
        if budget.left(DAY_NUMBER + day):
            budget.take(DAY_NUMBER + day)
            given_by_day[day] += 1
            records.append(decided(number, at=START + day * DAY + number))
    asked = Counter(days)
    for day in range(4):
        assert given_by_day[day] == min(asked[day], capacity)
    again = Budget.of(capacity, records)
    assert [again.left(DAY_NUMBER + d) for d in range(4)] == [
        budget.left(DAY_NUMBER + d) for d in range(4)
    ]


@given(cases(), st.integers(0, 3 * DAY))
def test_lapsing_is_idempotent_and_never_milder_than_a_hold(made: list[Case], late: int) -> None:
    for case in made:
        once = lapsed(case, START + late, SERVICE)
        assert (once.lapsed_to is None) == (START + late < case.due_at)
        if once.lapsed_to is not None:
            assert lapsed(once, START + late + DAY, SERVICE) is once
        if case.outcome is Outcome.HOLD:
            assert once.lapsed_to in (None, Outcome.HOLD)
