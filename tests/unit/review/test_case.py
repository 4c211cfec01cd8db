import itertools
from typing import get_args

import msgspec
import pytest
from tests.unit.review.decided import COSTS, START, decided

from assay.core.errors import Invalid
from assay.core.time import HOUR
from assay.decisions.outcome import Outcome
from assay.review.case import (
    MOVES,
    Case,
    IllegalMove,
    Move,
    Service,
    Status,
    assigned,
    case_of,
    closed,
    lapsed,
    loss_avoided,
    moved,
    queue,
    released,
)

SERVICE = Service()


def made(
    number: int = 1,
    outcome: Outcome = Outcome.REVIEW,
    probability: float | None = 0.4,
    amount: int | None = 10_000,
) -> Case:
    record = decided(number, outcome, probability=probability)
    case = case_of(record, amount=amount, entity=f"u{number}", service=SERVICE)
    assert case is not None
    return case


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_review_and_hold_open_a_case(outcome: Outcome) -> None:
    case = case_of(decided(1, outcome), amount=1, entity="u", service=SERVICE)
    assert (case is not None) == (outcome in (Outcome.REVIEW, Outcome.HOLD))


def test_the_same_decision_is_the_same_case() -> None:
    assert made() == made()
    assert made(1).id != made(2).id


def test_a_review_is_due_sooner_than_a_hold() -> None:
    assert made().due_at == START + 4 * HOUR
    assert made(outcome=Outcome.HOLD).due_at == START + 24 * HOUR


def test_every_pair_of_status_and_move_is_in_the_table_or_refused() -> None:
    for status, move in itertools.product(get_args(Status), get_args(Move)):
        case = msgspec.structs.replace(made(), status=status)
        if (status, move) in MOVES:
            assert moved(case, move) == MOVES[status, move]
        else:
            with pytest.raises(IllegalMove, match=f"is {status}: '{move}' is not possible"):
                moved(case, move)


def test_a_closed_case_is_final_and_says_so() -> None:
    case = closed(assigned(made(), "rita"), fraud=True, at=START + 1, label_event="lbl_1")
    assert (case.status, case.verdict, case.label_event) == ("closed", True, "lbl_1")
    with pytest.raises(IllegalMove, match="possible moves: none, it is final"):
        assigned(case, "ruth")


def test_a_released_case_belongs_to_nobody() -> None:
    assert released(assigned(made(), "rita")) == made()


def test_an_open_case_cannot_be_closed_by_nobody() -> None:
    with pytest.raises(IllegalMove):
        closed(made(), fraud=False, at=START, label_event="lbl_1")


def test_a_case_lapses_once_at_its_due_time_to_the_declared_outcome() -> None:
    case = made()
    assert lapsed(case, case.due_at - 1, SERVICE) is case
    late = lapsed(case, case.due_at, SERVICE)
    assert (late.lapsed_to, late.lapsed_at, late.status) == (Outcome.APPROVE, case.due_at, "open")
    assert lapsed(late, case.due_at + HOUR, SERVICE) is late


def test_a_hold_never_lapses_into_anything_milder() -> None:
    case = made(outcome=Outcome.HOLD)
    late = lapsed(case, case.due_at, Service(review_lapses_to=Outcome.APPROVE))
    assert late.lapsed_to is Outcome.HOLD


def test_loss_avoided_is_the_hand_computed_one() -> None:
    # Not looking approves: 0.4 * (10000 + 2000) = 4800. Looking: 400 + 0.1 * (0.4 * 12000
    # + 0.6 * 1500) = 970. Saved 3830 in 6 minutes.
    assert loss_avoided(made(), COSTS, SERVICE) == pytest.approx(3830 / 6)
    # A lapse into a block costs 0.6 * 1500 = 900 instead: looking loses 70.
    strict = Service(review_lapses_to=Outcome.BLOCK)
    assert loss_avoided(made(), COSTS, strict) == pytest.approx(-70 / 6)
    assert loss_avoided(made(probability=None), COSTS, SERVICE) == 0.0
    assert loss_avoided(made(amount=None), COSTS, SERVICE) == 0.0


def test_the_queue_puts_holds_first_then_the_largest_loss_avoided() -> None:
    small, large = made(1, amount=2_000), made(2, amount=90_000)
    unknown, hold = made(3, probability=None), made(4, Outcome.HOLD)
    done = closed(assigned(made(5), "rita"), fraud=False, at=START, label_event="lbl")
    ordered = queue([small, unknown, done, hold, large], COSTS, SERVICE)
    assert ordered == [hold, large, small, unknown]
    assert queue(reversed(ordered), COSTS, SERVICE) == ordered


def test_a_promise_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot lapse to another review"):
        Service(review_lapses_to=Outcome.REVIEW)
    with pytest.raises(Invalid, match="above zero"):
        Service(review_takes=0)
