"""Events are taken in once, each with its own answer; what is refused waits in quarantine."""

import numpy as np
import pytest
from tests.unit.decisions.small import AT, CATALOG, CONTRACTS
from tests.unit.runtime.engines import body, make_engine, make_lists
from tests.unit.runtime.failing import FailingLog

from assay.contracts.contract import ContractSet
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.core.errors import Unavailable
from assay.core.time import DAY, HOUR
from assay.features.backfill import backfill
from assay.runtime.clock import LogClock
from assay.runtime.intake import Ack
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine


def told(results: list[Ack | Refusal]) -> list[str]:
    return [
        result.code
        if isinstance(result, Refusal)
        else "duplicate"
        if result.duplicate
        else "accepted"
        if result.accepted
        else "late"
        for result in results
    ]


def test_each_event_gets_its_own_answer_in_order() -> None:
    log = MemoryLog()
    engine = make_engine(log, horizon=HOUR)
    engine.ingest([body("b1", AT + 2 * HOUR)]).result(5)
    results = engine.ingest(
        [
            body("b2", AT + 2 * HOUR),
            b"not json",
            body("b1", AT + 2 * HOUR),
            body("b3", AT),
            body("b2", AT + 2 * HOUR),
            body("b2", AT + 2 * HOUR, amount=7),
            body("b1", AT + 2 * HOUR, amount=7),
            body("b4", AT + 2 * HOUR, amount="x"),
        ]
    ).result(5)
    assert told(results) == [
        "accepted",
        "contract_violation",
        "duplicate",
        "late",
        "duplicate",
        "conflict",
        "conflict",
        "contract_violation",
    ]
    assert [r.seq for r in results if isinstance(r, Ack)] == [2, 1, 3, 2]
    assert [r.id for r in results if isinstance(r, Refusal)] == [1, 2, 3, 4]
    assert [r.code for r in log.refusals()] == [told([r])[0] for r in log.refusals()]
    assert log.last_seq() == 3
    engine.close()


def test_nothing_is_a_batch_too() -> None:
    engine = make_engine()
    assert engine.ingest([]).result(5) == []
    engine.close()


def test_duplicates_of_what_is_pending_are_answered_after_it_is_durable() -> None:
    log = FailingLog()
    engine = make_engine(log)
    log.gate.clear()
    first, second = engine.ingest([body("b1")]), engine.ingest([body("b1"), body("b1", amount=1)])
    assert not second.done()
    log.gate.set()
    assert told(first.result(5)) == ["accepted"]
    assert told(second.result(5)) == ["duplicate", "conflict"]
    engine.close()


def test_what_was_refused_is_taken_in_after_the_fix_and_leaves_the_quarantine() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.ingest([body("b1"), body("b2", AT + 40 * HOUR), b"{", body("b1", amount=2)]).result(5)
    assert [r.id for r in log.refusals()] == [1, 2, 3]
    assert told(engine.replay_quarantine([1])) == ["contract_violation"]
    engine.ingest([body("b3", AT + 20 * HOUR)]).result(5)  # the fix: the log's clock moved on
    assert told(engine.replay_quarantine()) == ["accepted", "contract_violation", "conflict"]
    assert [r.raw for r in log.refusals()] == [b"{", body("b1", amount=2)]
    assert log.event("b2") is not None
    assert engine.replay_quarantine([99]) == []
    engine.close()


def test_a_new_contract_lets_the_refused_in() -> None:
    log = MemoryLog()
    strict = make_engine(log)
    strict.ingest([body("b1", colour="red")]).result(5)
    strict.close()
    booking = CONTRACTS.get("booking")
    colour = type(booking.fields[0])(name="colour", kind="text", required=False)
    wider = ContractSet(
        [
            type(booking)(
                type="booking", version=2, fields=(*booking.fields, colour), keys=booking.keys
            )
        ]
    )
    engine = Engine.recover(
        contracts=wider,
        catalog=CATALOG,
        policy=None,
        scorer=None,
        lists=make_lists(),
        log=log,
        quarantine=log,
        clock=LogClock(),
        horizon=DAY,
    )
    assert told(engine.replay_quarantine()) == ["accepted"]
    assert list(log.refusals()) == []
    engine.close()


def history(size: int, seed: int) -> list[Event]:
    rng = np.random.default_rng(seed)
    return [
        Event(
            f"e{n}",
            "booking",
            AT + int(rng.integers(0, 200)),
            {"user_id": f"u{rng.integers(3)}", "amount": int(rng.integers(1, 1000))},
        )
        for n in range(size)
    ]


def test_a_history_is_loaded_once_and_counts_like_live_events() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    events = history(5_000, seed=1)
    bad = Event("bad", "booking", AT, {"user_id": 5, "amount": 1})
    report = engine.load([*events, bad, events[0]])
    assert (report.accepted, report.duplicates, report.refused) == (5_000, 1, 1)
    assert engine.load(events).duplicates == 5_000
    assert [e.known_at for e in log.entries()] == [e.ts for e in events]
    assert next(log.refusals()).path == "$.data.user_id"
    record = engine.decide(body("b1", AT + 100, user_id="u1")).result(5)
    frame = backfill(
        CATALOG,
        [*events, Event("b1", "booking", AT + 100, {"user_id": "u1", "amount": 5000})],
        wanted=lambda event: event.id == "b1",
    )
    assert record.bits == frame.bits[0].tobytes()
    engine.close()


def test_a_history_that_the_disk_refuses_is_not_half_reported() -> None:
    log = FailingLog()
    engine = make_engine(log)
    log.full = True
    with pytest.raises(Unavailable):
        engine.load(history(9_000, seed=2))
    assert log.last_seq() == 0
    log.full = False
    engine.close()
