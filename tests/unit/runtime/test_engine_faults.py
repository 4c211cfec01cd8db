"""When a commit fails nothing is acknowledged, and the state follows the log again."""

import time
from collections.abc import Callable

import pytest
from tests.unit.decisions.small import AT, CATALOG
from tests.unit.runtime.engines import body, make_engine
from tests.unit.runtime.failing import FailingLog

from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.features.state import FeatureState
from assay.runtime.online import Engine
from assay.runtime.replay import verify_features


def eventually(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < end, "it did not happen within ten seconds"
        time.sleep(0.005)


def outage(engine: Engine, log: FailingLog) -> None:
    """Three decisions that could not be made durable."""
    log.gate.clear()
    given = [engine.decide(body(f"lost{n}", AT + 50 + n)) for n in range(3)]
    log.full = True
    log.gate.set()
    for future in given:
        with pytest.raises(Unavailable, match="not acknowledged"):
            future.result(5)
    eventually(lambda: not engine.ready)


def test_a_failed_commit_acknowledges_nothing_and_stops_deciding() -> None:
    log = FailingLog()
    engine = make_engine(log)
    engine.decide(body("b1")).result(5)
    outage(engine, log)
    assert "no space left" in engine.why_not_ready
    with pytest.raises(Unavailable, match="not ready"):
        engine.decide(body("b2")).result(5)
    with pytest.raises(Unavailable, match="not ready"):
        engine.ingest([body("b2")]).result(5)
    assert log.last_seq() == 1
    engine.close()


def test_when_the_disk_is_back_the_state_is_what_the_log_says() -> None:
    log = FailingLog()
    engine = make_engine(log)
    engine.decide(body("b1")).result(5)
    outage(engine, log)
    log.full = False
    eventually(lambda: engine.ready)
    record = engine.decide(body("b2", AT + 99)).result(5)
    assert int.from_bytes(record.bits[:8], "little") == 1, "what was lost must not count"
    assert record.receipt.cut == {"0": 1}
    again = engine.decide(body("lost0", AT + 50)).result(5)
    assert again.seq == 3
    assert engine.stats.rebuilds == 2
    engine.close()
    assert verify_features(log, {CATALOG.digest: CATALOG}).ok


def test_the_review_slots_of_lost_decisions_are_free_again() -> None:
    log = FailingLog()
    engine = make_engine(log)
    for n in range(4):
        engine.decide(body(f"b{n}", AT + n)).result(5)
    before = engine.decide(body("b4", AT + 4)).result(5).slots_left
    outage(engine, log)
    log.full = False
    eventually(lambda: engine.ready)
    assert engine.decide(body("b5", AT + 60)).result(5).slots_left == before - 1
    engine.close()


def test_a_refusal_that_cannot_be_kept_is_not_answered_as_kept() -> None:
    log = FailingLog()
    engine = make_engine(log)
    log.gate.clear()
    refused = engine.ingest([b"not json"])
    log.full = True
    log.gate.set()
    with pytest.raises(Unavailable):
        refused.result(5)
    log.full = False
    eventually(lambda: engine.ready)
    assert len(engine.ingest([b"not json"]).result(5)) == 1
    engine.close()


def test_an_engine_can_be_closed_while_the_disk_is_full() -> None:
    log = FailingLog()
    engine = make_engine(log)
    outage(engine, log)
    engine.close()
    assert log.last_seq() == 0


def test_a_state_that_broke_half_way_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    log = FailingLog()
    engine = make_engine(log)
    first = engine.decide(body("b1"))

    def broken(_state: FeatureState, _event: Event) -> None:
        raise MemoryError("half-way")

    monkeypatch.setattr(FeatureState, "apply", broken)
    with pytest.raises(MemoryError):
        engine.decide(body("b2", AT + 1))
    assert not engine.ready
    monkeypatch.undo()
    assert first.result(5).seq == 1, "what was decided before stays"
    eventually(lambda: engine.ready)
    record = engine.decide(body("b2", AT + 1)).result(5)
    assert (record.seq, int.from_bytes(record.bits[:8], "little")) == (2, 1)
    engine.close()
