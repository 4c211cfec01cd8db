"""Every case store carries the desk: cases are a view of the log, and a verdict ends up in it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.unit.review.decided import CONTRACTS, COSTS, START, decided, request

from assay.adapters.sqlite.cases import SqliteCases
from assay.adapters.sqlite.database import create_all, open_database
from assay.contracts.decode import decode_event
from assay.contracts.quarantine import Refusal
from assay.core.errors import Conflict, Invalid, NotFound, Unavailable
from assay.core.time import HOUR
from assay.decisions.outcome import Outcome
from assay.review.case import IllegalMove
from assay.runtime.case_store import CaseStore
from assay.runtime.memory import MemoryLog
from assay.runtime.memory_cases import MemoryCases
from assay.runtime.ports import Entry
from assay.runtime.review import Desk, ReviewDesk

DESK = Desk(contracts=CONTRACTS, amount_field="amount", entity_field="user_id", costs=COSTS)


class Platform:
    """A log with something that takes label events in, as the engine does."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.now_is = START + HOUR
        self.fails: Exception | None = None

    def now(self) -> int:
        """Microseconds UTC."""
        return self.now_is

    def decide(self, number: int, outcome: Outcome = Outcome.REVIEW, amount: int = 10_000) -> None:
        """Put a request and its decision into the log."""
        event = request(number, START + number, amount)
        seq = self.log.last_seq() + 1
        record = decided(number, outcome, at=event.ts, seq=seq)
        entry = Entry(seq=seq, event=event, known_at=event.ts, accepted=True, record=record)
        self.log.append([entry])

    def ingest(self, raws: Sequence[bytes]) -> "Future[list[object]]":
        """Accept, or refuse an id that is known with other content."""
        answers: list[object] = []
        for raw in raws:
            event = decode_event(raw, CONTRACTS, now=self.now_is)
            known = self.log.event(event.id)
            if known is not None and known.event.digest != event.digest:
                answers.append(
                    Refusal(code="conflict", path="", message="known", raw=raw, received_at=0)
                )
                continue
            if known is None:
                seq = self.log.last_seq() + 1
                entry = Entry(seq=seq, event=event, known_at=self.now_is, accepted=True)
                self.log.append([entry])
            answers.append(event.id)
        future: Future[list[object]] = Future()
        if self.fails is not None:
            future.set_exception(self.fails)
        else:
            future.set_result(answers)
        return future


@pytest.fixture(params=["memory", "sqlite"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], CaseStore]]:
    """Makes empty stores."""
    engines: list[Engine] = []

    def make() -> CaseStore:
        if request.param == "memory":
            return MemoryCases()
        engine = open_database(tmp_path / f"control{len(engines)}.db")
        engines.append(engine)
        create_all(engine)
        return SqliteCases(engine)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def desk(fresh: Callable[[], CaseStore], platform: Platform) -> ReviewDesk:
    return ReviewDesk(fresh(), platform, platform.log, DESK, platform)


def test_decisions_that_ask_for_a_person_become_cases_once(
    desk: ReviewDesk, platform: Platform
) -> None:
    for number, outcome in enumerate(Outcome):
        platform.decide(number, outcome)
    assert desk.project() == 2
    assert desk.project() == 0
    assert {case.outcome for case in desk.waiting()} == {Outcome.REVIEW, Outcome.HOLD}
    assert {case.amount for case in desk.waiting()} == {10_000}


def test_the_queue_is_ordered_by_what_looking_saves(desk: ReviewDesk, platform: Platform) -> None:
    for number, amount in enumerate((5_000, 80_000, 20_000)):
        platform.decide(number, amount=amount)
    assert [case.amount for case in desk.waiting()] == [80_000, 20_000, 5_000]
    assert [case.amount for case in desk.waiting(limit=1)] == [80_000]


def test_a_verdict_becomes_a_label_in_the_log_and_closes_the_case(
    desk: ReviewDesk, platform: Platform
) -> None:
    platform.decide(1)
    case = desk.waiting()[0]
    desk.assign(case.id, "rita")
    closed = desk.verdict(case.id, "rita", fraud=True)
    label = platform.log.event(str(closed.label_event))
    assert label is not None
    assert label.event.payload["request_id"] == "bk-1"
    assert (closed.status, closed.verdict, closed.closed_at) == ("closed", True, START + HOUR)
    assert (desk.waiting(), desk.closed()) == ([], [closed])


def test_the_same_verdict_again_is_the_same_answer_and_another_one_a_conflict(
    desk: ReviewDesk, platform: Platform
) -> None:
    platform.decide(1)
    case = desk.waiting()[0]
    first = desk.verdict(case.id, "rita", fraud=False)
    platform.now_is += HOUR
    size = platform.log.last_seq()
    assert desk.verdict(case.id, "rita", fraud=False) == first
    with pytest.raises(Conflict, match="was closed as not fraud by rita"):
        desk.verdict(case.id, "ruth", fraud=True)
    assert platform.log.last_seq() == size


def test_a_case_in_other_hands_is_not_judged(desk: ReviewDesk, platform: Platform) -> None:
    platform.decide(1)
    case = desk.waiting()[0]
    desk.assign(case.id, "rita")
    with pytest.raises(Conflict, match="in the hands of rita"):
        desk.verdict(case.id, "ruth", fraud=True)
    desk.assign(case.id, "ruth")
    assert desk.verdict(case.id, "ruth", fraud=True).assignee == "ruth"
    with pytest.raises(IllegalMove, match="is closed"):
        desk.assign(case.id, "rita")


def test_a_crash_after_the_label_and_before_the_closing_loses_nothing(
    desk: ReviewDesk, platform: Platform
) -> None:
    platform.decide(1)
    case = desk.waiting()[0]
    platform.fails = TimeoutError()
    with pytest.raises(Unavailable, match="was not durable within"):
        desk.verdict(case.id, "rita", fraud=True)
    platform.fails = None
    platform.now_is += HOUR
    closed = desk.verdict(case.id, "rita", fraud=True)
    assert (closed.verdict, closed.closed_at) == (True, START + HOUR)


def test_an_empty_store_is_filled_again_from_the_log(
    desk: ReviewDesk, platform: Platform, fresh: Callable[[], CaseStore]
) -> None:
    for number in range(4):
        platform.decide(number)
    judged = desk.verdict(desk.waiting()[0].id, "rita", fraud=True)
    again = ReviewDesk(fresh(), platform, platform.log, DESK, platform)
    assert again.waiting() == desk.waiting()
    assert again.get(judged.id) == judged


def test_a_label_that_no_case_produced_closes_nothing(desk: ReviewDesk, platform: Platform) -> None:
    platform.decide(1)
    raw = (
        b'{"id":"m-1","type":"label","ts":%d,"data":'
        b'{"request_id":"bk-1","fraud":true,"source":"review"}}' % platform.now_is
    )
    platform.ingest([raw])
    assert [case.status for case in desk.waiting()] == ["open"]


def test_a_refused_label_leaves_the_case_open_and_says_why(
    desk: ReviewDesk, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.decide(1)
    case = desk.waiting()[0]

    def refuse(raws: Sequence[bytes]) -> "Future[list[Refusal]]":
        future: Future[list[Refusal]] = Future()
        future.set_result(
            [Refusal(code="invalid", path="$", message="too old", raw=raws[0], received_at=0)]
        )
        return future

    monkeypatch.setattr(platform, "ingest", refuse)
    with pytest.raises(Invalid, match="the log refused the verdict: too old"):
        desk.verdict(case.id, "rita", fraud=True)
    assert desk.get(case.id).status == "assigned"


def test_a_case_nobody_looked_at_lapses_to_the_declared_outcome_and_stays(
    desk: ReviewDesk, platform: Platform
) -> None:
    platform.decide(1)
    platform.decide(2, Outcome.HOLD)
    platform.now_is = START + 200 * HOUR
    assert [case.lapsed_to for case in desk.lapse()] == [Outcome.APPROVE, Outcome.HOLD]
    assert desk.lapse() == []
    assert len(desk.waiting()) == 2


def test_an_unknown_case_is_not_found(desk: ReviewDesk) -> None:
    with pytest.raises(NotFound, match="no case 'case_x'"):
        desk.get("case_x")


def test_two_people_changing_one_case_do_not_overwrite_each_other(
    fresh: Callable[[], CaseStore], platform: Platform
) -> None:
    store = fresh()
    desk = ReviewDesk(store, platform, platform.log, DESK, platform)
    platform.decide(1)
    before = desk.waiting()[0]
    desk.assign(before.id, "rita")
    with pytest.raises(Conflict, match="was changed meanwhile"):
        store.replace(before, before)
    with pytest.raises(Conflict, match="cannot go back to 0"):
        store.project([], [], 0)
