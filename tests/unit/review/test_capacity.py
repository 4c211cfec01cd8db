import pytest
from tests.unit.review.decided import DAY_NUMBER, START, decided

from assay.core.errors import Invalid
from assay.core.time import DAY
from assay.decisions.outcome import Outcome
from assay.review.capacity import Budget, CapacityUsedUp


def test_no_slot_is_given_beyond_the_capacity_even_when_every_score_ties() -> None:
    budget = Budget(3)
    given = 0
    for _ in range(10):
        if budget.left(DAY_NUMBER):
            budget.take(DAY_NUMBER)
            given += 1
    assert given == 3
    with pytest.raises(CapacityUsedUp, match="all 3 review slots of UTC day"):
        budget.take(DAY_NUMBER)


def test_each_day_has_its_own_slots_whatever_the_order_of_requests() -> None:
    budget = Budget(1)
    assert (budget.take(DAY_NUMBER + 1), budget.take(DAY_NUMBER)) == (0, 0)
    assert budget.left(DAY_NUMBER + 2) == 1


def test_the_day_ends_at_midnight_utc_of_the_request() -> None:
    records = [decided(1, at=START + DAY - 1), decided(2, at=START + DAY)]
    budget = Budget.of(5, records)
    assert (budget.left(DAY_NUMBER), budget.left(DAY_NUMBER + 1)) == (4, 4)


def test_a_budget_rebuilt_from_the_records_is_the_one_that_was_used() -> None:
    outcomes = [Outcome.REVIEW, Outcome.APPROVE, Outcome.HOLD, Outcome.REVIEW, Outcome.BLOCK]
    used = Budget(4)
    records = [decided(n, outcome) for n, outcome in enumerate(outcomes)]
    for record in records:
        if record.outcome is Outcome.REVIEW:
            used.take(DAY_NUMBER)
    assert Budget.of(4, records).left(DAY_NUMBER) == used.left(DAY_NUMBER) == 2


def test_a_smaller_capacity_after_a_restart_leaves_none_rather_than_a_debt() -> None:
    assert Budget.of(1, [decided(n) for n in range(3)]).left(DAY_NUMBER) == 0


def test_a_negative_capacity_is_refused() -> None:
    with pytest.raises(Invalid, match="got -1"):
        Budget(-1)
