"""A decision is made once, on what was known, and answered when it is durable."""

from concurrent.futures import CancelledError

import pytest
from tests.unit.decisions.small import AT, compiled
from tests.unit.runtime.engines import body, make_engine, make_lists
from tests.unit.runtime.failing import FailingLog

from assay.contracts.violation import ContractViolation
from assay.core.errors import Conflict, Invalid, Unavailable
from assay.core.time import DAY, HOUR
from assay.decisions.outcome import Outcome
from assay.runtime.clock import LogClock
from assay.runtime.intake import KeyConflict
from assay.runtime.memory import MemoryLists, MemoryLog
from assay.runtime.online import Overloaded


def test_a_decision_sees_the_events_before_it_and_not_itself() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    first = engine.decide(body("b1")).result(5)
    second = engine.decide(body("b2", AT + 1)).result(5)
    assert [int.from_bytes(r.bits[:8], "little") for r in (first, second)] == [0, 1]
    assert [r.receipt.cut for r in (first, second)] == [{"0": 0}, {"0": 1}]
    assert (first.receipt.newest, second.receipt.newest) == (None, AT)
    assert [r.seq for r in log.decisions()] == [1, 2]
    assert engine.record(first.id) == first
    engine.close()


def test_the_same_event_again_gives_the_stored_decision() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    first = engine.decide(body("b1"), "key-1").result(5)
    assert engine.decide(body("b1"), "key-1").result(5) == first
    assert engine.decide(body("b1")).result(5) == first
    assert log.last_seq() == 1
    engine.close()


@pytest.mark.parametrize("wait", [True, False], ids=["durable", "pending"])
def test_a_key_that_comes_only_with_a_retry_is_not_taken(wait: bool) -> None:
    log = MemoryLog()
    engine = make_engine(log)
    futures = [engine.decide(body("b1"), "key-1"), engine.decide(body("b2"))]
    if wait:
        [future.result(5) for future in futures]
    with pytest.raises(KeyConflict, match=r"key 'key-2' is not .* under another key"):
        engine.decide(body("b1"), "key-2").result(5)
    with pytest.raises(KeyConflict, match=r"key 'key-2' is not .* sent without a key"):
        engine.decide(body("b2"), "key-2").result(5)
    assert engine.decide(body("b3"), "key-2").result(5).event == "b3"  # free, as it was refused
    assert log.last_seq() == 3
    engine.close()


def test_the_same_event_again_before_it_is_durable_waits_for_the_first() -> None:
    log = FailingLog()
    engine = make_engine(log)
    log.gate.clear()
    first = engine.decide(body("b1"), "k")
    again = engine.decide(body("b1"), "k")
    taken = engine.ingest([body("b1")])
    assert not first.done()
    assert not taken.done()
    log.gate.set()
    assert first.result(5) == again.result(5)
    assert [r.duplicate for r in taken.result(5)] == [True]  # type: ignore[union-attr]  # an Ack
    assert log.last_seq() == 1
    engine.close()


@pytest.mark.parametrize("wait", [True, False], ids=["durable", "pending"])
def test_the_same_id_or_key_with_another_body_is_a_conflict(wait: bool) -> None:
    log = MemoryLog()
    engine = make_engine(log)
    future = engine.decide(body("b1"), "k")
    if wait:
        future.result(5)
    with pytest.raises(Conflict, match="amount"):
        engine.decide(body("b1", amount=1)).result(5)
    with pytest.raises(Conflict, match="idempotency key 'k'"):
        engine.decide(body("b2"), "k").result(5)
    assert log.last_seq() == 1
    engine.close()


def test_true_and_one_are_not_the_same_body() -> None:
    engine = make_engine()
    engine.decide(body("b1", first=True)).result(5)
    with pytest.raises(Conflict, match="first"):
        engine.decide(body("b1", first=False)).result(5)
    engine.close()


def test_what_is_not_a_request_is_refused_and_kept() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    for raw in (b"{", body("b1", amount="12,50"), body("b1", ts=AT).replace(b"booking", b"login")):
        with pytest.raises(ContractViolation):
            engine.decide(raw).result(5)
    assert [r.raw for r in log.refusals()][1] == body("b1", amount="12,50")
    assert [r.path for r in log.refusals()] == ["$", "$.data.amount", "$.type"]
    assert log.last_seq() == 0
    engine.close()


def test_a_bad_key_is_refused() -> None:
    engine = make_engine()
    with pytest.raises(Invalid, match="id of 1 to 128"):
        engine.decide(body("b1"), "two words").result(5)
    engine.close()


def test_an_event_taken_in_before_cannot_be_decided_on() -> None:
    engine = make_engine()
    engine.ingest([body("b1")]).result(5)
    with pytest.raises(Conflict, match="without a decision"):
        engine.decide(body("b1")).result(5)
    engine.close()


def test_without_a_policy_events_are_taken_in_and_nothing_is_decided() -> None:
    engine = make_engine(decides=False)
    with pytest.raises(Unavailable, match="no policy"):
        engine.decide(body("b1")).result(5)
    assert len(engine.ingest([body("b1")]).result(5)) == 1
    engine.versions.use(compiled(), None)
    assert engine.decide(body("b2")).result(5).outcome is Outcome.REVIEW
    engine.close()


def test_nobody_can_cancel_what_is_on_its_way_to_the_log() -> None:
    log = FailingLog()
    engine = make_engine(log)
    log.gate.clear()
    future = engine.decide(body("b1"))
    assert not future.cancel()
    log.gate.set()
    try:
        assert future.result(5).event == "b1"
    except CancelledError:  # pragma: no cover
        pytest.fail("it was cancelled")
    engine.close()


def test_reviews_stop_at_the_capacity_of_the_day() -> None:
    log = MemoryLog()
    engine = make_engine(log, policy=compiled(capacity_per_day=3))
    made = [engine.decide(body(f"b{n}", AT + n, amount=10)).result(5).outcome for n in range(4)]
    assert made == [Outcome.APPROVE] * 4
    late = [engine.decide(body(f"c{n}", AT + 10 + n)).result(5) for n in range(6)]
    assert [r.outcome for r in late].count(Outcome.REVIEW) == 3
    assert [r.slots_left for r in late] == [3, 2, 1, 0, 0, 0]
    tomorrow = engine.decide(body("d1", AT + DAY)).result(5)
    assert tomorrow.slots_left == 3
    engine.close()
    # A day late on purpose: only so can the day that is over be asked for what it has left.
    again = make_engine(log, policy=compiled(capacity_per_day=3), request_age_max=DAY)
    assert again.decide(body("c9", AT + 30)).result(5).slots_left == 0
    again.close()


def test_a_list_that_cannot_be_used_holds_and_says_so() -> None:
    lists = make_lists()
    del lists.snapshots["on_sanctions"]
    engine = make_engine(lists=lists)
    record = engine.decide(body("b1")).result(5)
    assert record.outcome is Outcome.HOLD
    assert record.memberships["on_sanctions"] is None
    assert record.snapshots["on_sanctions"] is None
    assert record.degraded == ("list_unavailable",)
    engine.close()


def test_the_lists_used_are_on_the_record() -> None:
    engine = make_engine()
    record = engine.decide(body("b1", guest_name="BAD  name")).result(5)
    assert record.outcome is Outcome.HOLD
    assert record.memberships == {"on_sanctions": True, "on_trusted": False}
    assert record.snapshots == {"on_sanctions": "sha256:s", "on_trusted": "sha256:t"}
    engine.close()
    engine = make_engine(lists=MemoryLists())
    assert engine.decide(body("b2")).result(5).degraded == ("list_unavailable",)
    engine.close()


def test_a_late_request_is_decided_on_but_does_not_count() -> None:
    log = MemoryLog()
    engine = make_engine(log, horizon=HOUR)
    engine.decide(body("b1", AT + 2 * HOUR)).result(5)
    engine.decide(body("b2", AT)).result(5)
    engine.decide(body("b3", AT + HOUR)).result(5)
    assert [e.accepted for e in log.entries()] == [True, False, True]
    last = engine.decide(body("b4", AT + 2 * HOUR + 1)).result(5)
    assert int.from_bytes(last.bits[:8], "little") == 2
    engine.close()


class Wall(LogClock):
    """A clock that is an hour ahead of the first event, whatever the events say."""

    def now(self) -> int:
        """Microseconds UTC."""
        return AT + HOUR


def test_a_request_dated_back_is_refused_and_a_stored_decision_still_answered() -> None:
    log = MemoryLog()
    engine = make_engine(log, request_age_max=HOUR)
    engine.decide(body("b1", AT)).result(5)
    engine.decide(body("b2", AT + HOUR)).result(5)
    assert engine.decide(body("b3", AT)).result(5).at == AT
    engine.ingest([body("b4", AT + HOUR + 1)]).result(5)
    with pytest.raises(ContractViolation, match="a new request's time not before") as caught:
        engine.decide(body("b5", AT)).result(5)
    assert caught.value.path == "$.ts"
    assert [refusal.path for refusal in log.refusals()] == ["$.ts"]
    assert engine.decide(body("b1", AT)).result(5).event == "b1"
    assert log.last_seq() == 4
    engine.close()


def test_a_request_far_behind_the_clock_is_refused_even_as_the_first() -> None:
    engine = make_engine(clock=Wall(), request_age_max=HOUR)
    with pytest.raises(ContractViolation, match="at most 1h behind"):
        engine.decide(body("b1", AT - 1)).result(5)
    assert engine.decide(body("b2", AT)).result(5).at == AT
    engine.close()


def test_a_jump_of_the_logs_clock_is_refused() -> None:
    engine = make_engine()
    engine.decide(body("b1")).result(5)
    with pytest.raises(ContractViolation, match="not after"):
        engine.decide(body("b2", AT + 2 * DAY)).result(5)
    assert engine.decide(body("b3", AT + 35 * HOUR)).result(5).at == AT + 35 * HOUR
    engine.close()


def test_too_much_waiting_for_the_disk_is_turned_away() -> None:
    log = FailingLog()
    engine = make_engine(log, waiting_max=3)
    log.gate.clear()
    waiting = [engine.decide(body(f"b{n}")) for n in range(3)]
    with pytest.raises(Overloaded):
        engine.decide(body("b9")).result(5)
    with pytest.raises(Overloaded):
        engine.ingest([body("b9")]).result(5)
    assert engine.stats.waiting == 3
    log.gate.set()
    assert all(future.result(5) for future in waiting)
    assert engine.decide(body("b9")).result(5).seq == 4
    engine.close()


def test_a_policy_of_another_catalog_is_refused() -> None:
    policy = compiled()
    policy.catalog = type("Other", (), {"digest": "sha256:other"})()
    with pytest.raises(Invalid, match="sha256:other"):
        make_engine(policy=policy)


def test_a_closed_engine_answers_everything_that_was_given_and_nothing_after() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    given = [engine.decide(body(f"b{n}")) for n in range(20)]
    engine.close()
    assert [future.result(0).seq for future in given] == list(range(1, 21))
    assert not engine.ready
    with pytest.raises(Unavailable, match="closed"):
        engine.decide(body("b99")).result(0)
    engine.close()
