"""What is waiting for a person, what may happen to it next, and what should be looked at first?"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from assay.core.errors import Conflict, Invalid
from assay.core.ids import derived_id
from assay.core.time import DAY, HOUR, MINUTE, utc_day
from assay.decisions.outcome import Outcome, Reason
from assay.decisions.policy import Costs
from assay.decisions.record import DecisionRecord

Status = Literal["open", "assigned", "closed"]
Move = Literal["assign", "release", "close"]

#: What may happen to a case: every pair that is not here is refused.
MOVES: dict[tuple[Status, Move], Status] = {
    ("open", "assign"): "assigned",
    ("assigned", "assign"): "assigned",
    ("assigned", "release"): "open",
    ("assigned", "close"): "closed",
}

#: Outcomes that make a case: a person must look before the request is let through or refused.
REVIEWED = (Outcome.REVIEW, Outcome.HOLD)


class IllegalMove(Conflict):
    """The case is not in a state from which this may happen."""

    code = "illegal_move"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that waits for a person.

    ``day`` is the UTC day of the request (the day whose capacity it used); ``opened_at`` the
    request's ``ts``; times are microseconds UTC; ``amount`` is minor units or None when not
    known; ``probability`` the calibrated fraud probability or None when the model did not answer.
    ``verdict`` is True for fraud. ``lapsed_to`` is the declared outcome that took effect when
    nobody looked in time: the case stays in the queue, because the label is still worth having.
    """

    id: str
    decision_id: str
    event_id: str
    day: int
    opened_at: int
    due_at: int
    outcome: Outcome
    probability: float | None
    amount: int | None
    entity: str
    reasons: tuple[Reason, ...]
    status: Status = "open"
    assignee: str | None = None
    verdict: bool | None = None
    closed_at: int | None = None
    label_event: str | None = None
    lapsed_to: Outcome | None = None
    lapsed_at: int | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What reviewers promise: due times, what happens when they are missed, minutes a case takes.

    Durations are microseconds. A held case never lapses into anything milder than a hold.
    """

    review_within: int = 4 * HOUR
    hold_within: int = DAY
    review_lapses_to: Outcome = Outcome.APPROVE
    review_takes: int = 6 * MINUTE
    hold_takes: int = 15 * MINUTE

    def __post_init__(self) -> None:
        spans = (self.review_within, self.hold_within, self.review_takes, self.hold_takes)
        if min(spans) <= 0:
            raise Invalid(f"expected review durations above zero, got {min(spans)} us")
        if self.review_lapses_to is Outcome.REVIEW:
            raise Invalid(
                "a review that nobody did cannot lapse to another review: "
                "choose one of approve, challenge, hold, block"
            )


def case_of(
    record: DecisionRecord, *, amount: int | None, entity: str, service: Service
) -> Case | None:
    """The case a decision opens, or None when its outcome needs no person.

    The id is computed from the decision's id, so projecting a log twice opens nothing twice.
    """
    if record.outcome not in REVIEWED:
        return None
    within = service.hold_within if record.outcome is Outcome.HOLD else service.review_within
    return Case(
        id=case_id(record.id),
        decision_id=record.id,
        event_id=record.event,
        day=utc_day(record.at),
        opened_at=record.at,
        due_at=record.at + within,
        outcome=record.outcome,
        probability=record.score.probability,
        amount=amount,
        entity=entity,
        reasons=record.reasons,
    )


def case_id(decision_id: str) -> str:
    """The id of the case that a decision opens."""
    return derived_id("case", decision_id)


def moved(case: Case, move: Move) -> Status:
    """The status after ``move``.

    Raises:
        IllegalMove: the table ``MOVES`` has no such move; the message names the legal ones.

    Example:
        >>> MOVES["open", "assign"]
        'assigned'
    """
    status = MOVES.get((case.status, move))
    if status is None:
        legal = [str(name) for at, name in MOVES if at == case.status]
        raise IllegalMove(
            f"case {case.id} is {case.status}: {move!r} is not possible, "
            f"possible moves: {', '.join(legal) or 'none, it is final'}"
        )
    return status


def assigned(case: Case, reviewer: str) -> Case:
    """The case in the hands of ``reviewer`` (taking over from somebody else is a legal move)."""
    return msgspec.structs.replace(case, status=moved(case, "assign"), assignee=reviewer)


def released(case: Case) -> Case:
    """The case back in the queue."""
    return msgspec.structs.replace(case, status=moved(case, "release"), assignee=None)


def closed(case: Case, *, fraud: bool, at: int, label_event: str) -> Case:
    """The case with its verdict; only an assigned case can be closed."""
    return msgspec.structs.replace(
        case, status=moved(case, "close"), verdict=fraud, closed_at=at, label_event=label_event
    )


def lapsed(case: Case, at: int, service: Service) -> Case:
    """The case after its due time: the declared outcome is written down, once.

    A hold stays a hold (sanctions screening fails closed): it lapses to itself and is escalated
    by its place in the queue.
    """
    if case.status == "closed" or case.lapsed_to is not None or at < case.due_at:
        return case
    to = Outcome.HOLD if case.outcome is Outcome.HOLD else service.review_lapses_to
    return msgspec.structs.replace(case, lapsed_to=to, lapsed_at=at)


def loss_avoided(case: Case, costs: Costs, service: Service) -> float:
    """Expected minor units saved per minute of a reviewer's time, compared with not looking.

    Not looking means the outcome the case lapses to. With fraud probability p, fraud cost F,
    cost B of blocking a good request and reviewer error e, a reviewer's expected cost is
    ``review_fixed + e p F + e (1 - p) B``; approving costs ``p F``; anything stricter
    ``(1 - p) B``. An unknown probability or amount counts as 0: such cases are ordered by due time.
    """
    p, amount = case.probability, case.amount
    takes = service.hold_takes if case.outcome is Outcome.HOLD else service.review_takes
    if p is None or amount is None:
        return 0.0
    fraud = costs.fraud_share * amount + costs.fraud_fixed
    block = costs.block_share * amount + costs.block_fixed
    looking = costs.review_fixed + costs.reviewer_error * (p * fraud + (1 - p) * block)
    stays = case.outcome is Outcome.HOLD or service.review_lapses_to is not Outcome.APPROVE
    not_looking = (1 - p) * block if stays else p * fraud
    return (not_looking - looking) / (takes / MINUTE)


def queue(cases: Iterable[Case], costs: Costs, service: Service) -> list[Case]:
    """Cases that wait, in the order in which they should be looked at.

    Holds come first (a person is stopped and money cannot rank a sanctions match), by due time;
    then reviews by expected loss avoided per minute, ties by due time and id.
    """
    waiting = [case for case in cases if case.status != "closed"]

    def place(case: Case) -> tuple[int, float, int, str]:
        if case.outcome is Outcome.HOLD:
            return (0, 0.0, case.due_at, case.id)
        return (1, -loss_avoided(case, costs, service), case.due_at, case.id)

    return sorted(waiting, key=place)
