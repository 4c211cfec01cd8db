"""An event is taken back by its id, once; a correction is taken in whole or not at all."""

import json
from typing import Any

import pytest
from tests.unit.decisions.small import AT, CATALOG, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine
from tests.unit.runtime.failing import FailingLog

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.quarantine import Refusal
from assay.contracts.retraction import RETRACTION, completed, target_of, with_retractions
from assay.core.errors import Conflict, Invalid, NotFound, Unavailable
from assay.core.time import DAY, HOUR, MINUTE
from assay.runtime.ingest import Tally
from assay.runtime.intake import Ack
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine
from assay.runtime.replay import verify_decisions, verify_features
from assay.runtime.reserved import check_free


def back(name: str, event: str, ts: int = AT + HOUR, **data: Any) -> bytes:
    """A retraction in wire form."""
    said = {"event": event, **data}
    return json.dumps({"id": name, "type": "retraction", "ts": ts, "data": said}).encode()


def take(engine: Engine, *raws: bytes) -> list[Ack | Refusal]:
    return engine.ingest(raws, check_free).result(5)


def counted(engine: Engine, name: str, ts: int = AT + HOUR, user: str = "u1") -> int:
    """How many bookings of the user the decision on a new one sees."""
    record = engine.decide(body(name, ts, user_id=user)).result(5)
    return int.from_bytes(record.bits[:8], "little")


def test_what_was_taken_back_stops_counting_and_what_was_decided_stays() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    take(engine, body("b1"), body("b2", AT + 1))
    assert counted(engine, "q1") == 2
    (ack,) = take(engine, back("r1", "b1", reason="sent twice"))
    assert ack == Ack("r1", 4, accepted=True, duplicate=False)
    assert counted(engine, "q2", AT + HOUR + 1) == 2  # b2 and q1
    assert log.decision(engine.decide(body("q1", AT + HOUR)).result(5).id) is not None
    entry = log.entry("r1")
    assert entry is not None
    kept = log.entry("b1")
    assert kept is not None
    assert target_of(entry.event) == kept.event, "a fold needs no look-up"
    assert entry.event.payload["reason"] == "sent twice"
    assert verify_features(log, {CATALOG.digest: CATALOG}).mismatches == 0
    rebuilt = make_engine(log)
    assert counted(rebuilt, "q3", AT + HOUR + 2) == 3


def test_a_request_that_was_decided_on_may_be_taken_back() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    first = engine.decide(body("b1")).result(5)
    take(engine, back("r1", "b1"))
    assert counted(engine, "b2") == 0
    assert log.decision(first.id) == first
    policy = compiled()
    report = verify_decisions(
        log, {policy.policy.digest: policy}, {LinearScorer().digest: LinearScorer()}
    )
    assert (report.compared, report.mismatches) == (2, 0)


def test_the_same_retraction_and_another_one_of_the_same_event_are_duplicates() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    take(engine, body("b1"))
    for restart in (False, False, True):
        engine = make_engine(log) if restart else engine
        results = take(engine, back("r1", "b1"), back("r2", "b1"))
        assert [r.seq for r in results if isinstance(r, Ack)] == [2, 2]
    assert [r.duplicate for r in results if isinstance(r, Ack)] == [True, True]
    assert log.last_seq() == 2
    (result,) = take(engine, back("r1", "b1", reason="another"))
    assert isinstance(result, Refusal)
    assert result.code == "conflict"


def test_in_one_batch_the_event_and_its_retractions() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    results = take(engine, body("b1"), back("r1", "b1"), back("r2", "b1"), body("b1"))
    assert [(r.seq, r.duplicate) for r in results if isinstance(r, Ack)] == [
        (1, False), (2, False), (2, True), (1, True),
    ]  # fmt: skip
    assert counted(engine, "q") == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (back("r", "nobody"), "not_found"),
        (back("r", "r0"), "contract_violation"),
        (back("r", "lbl_1"), "not_found"),
        (back("r", "b1", amount=1), "contract_violation"),
        (back("r", "b1", type="booking"), "contract_violation"),
        (back("lbl_9", "b1"), "reserved"),
        (back("r", "b1", AT + 9 * DAY), "contract_violation"),
    ],
    ids=["unknown", "a retraction", "no label", "a field", "a completed one", "its id", "too new"],
)
def test_what_cannot_be_taken_back_is_refused_and_kept(raw: bytes, code: str) -> None:
    log = MemoryLog()
    engine = make_engine(log)
    take(engine, body("b0"), body("b1"), back("r0", "b0"))
    (result,) = take(engine, raw)
    assert isinstance(result, Refusal)
    assert result.code == code
    assert [kept.raw for kept in log.refusals()] == [raw]
    assert counted(engine, "q") == 1


def test_the_label_of_a_verdict_is_taken_back_by_nobody() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.ingest([body("lbl_1")]).result(5)  # as the desk does, which no check stands before
    (result,) = take(engine, back("r", "lbl_1"))
    assert isinstance(result, Refusal)
    assert result.code == "reserved"


def test_a_retraction_that_came_too_early_is_taken_in_from_the_quarantine() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    take(engine, body("b0"), back("r", "b1", AT))
    take(engine, body("b1", AT + 1))
    assert [type(result) for result in engine.replay_quarantine()] == [Ack]
    assert counted(engine, "q") == 1


def test_a_retraction_is_never_late_and_moves_no_clock() -> None:
    log = MemoryLog()
    engine = make_engine(log, horizon=HOUR)
    take(engine, body("b1"), body("b2", AT + HOUR))
    take(engine, body("b3", AT + 3 * HOUR), back("r1", "b1", AT - 9 * DAY))
    assert [entry.accepted for entry in log.entries()] == [True] * 4
    take(engine, back("r2", "b2", AT + 30 * HOUR))
    assert engine.newest == AT + 3 * HOUR
    (ack,) = take(engine, body("b4", AT + 2 * HOUR))
    assert isinstance(ack, Ack)
    assert (ack.accepted, ack.late) == (True, True)


def test_late_accepted_and_late_rejected_are_counted_apart() -> None:
    engine = make_engine(horizon=HOUR)
    tally = Tally()
    tally.add(take(engine, body("b1", AT + 2 * HOUR), body("b2", AT + HOUR), body("b3", AT)))
    tally.add(take(engine, body("b1", AT + 2 * HOUR), b"{"))
    report = tally.report()
    assert (report.accepted, report.late_accepted, report.late_rejected) == (2, 1, 1)
    assert (report.duplicates, report.refused) == (1, 1)
    stats = engine.stats
    assert (stats.accepted, stats.late_accepted, stats.late_rejected) == (2, 1, 1)


def test_a_late_event_is_seen_by_the_next_request_and_rewrites_nothing_served() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    assert counted(engine, "q1", AT + HOUR) == 0
    take(engine, body("late", AT + 30 * MINUTE))
    assert counted(engine, "q2", AT + HOUR + 1) == 2
    report = verify_features(log, {CATALOG.digest: CATALOG})
    assert (report.records, report.mismatches) == (2, 0)


def test_a_correction_replaces_an_event_in_one_group() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    take(engine, body("b1", amount=100_000))
    pair = (body("b2", amount=1_000), back("r1", "b1"))
    for restart in (False, False, True):
        engine = make_engine(log) if restart else engine
        acks = engine.correct(*pair, check_free).result(5)
        assert [ack.seq for ack in acks if isinstance(ack, Ack)] == [2, 3]
    record = engine.decide(body("q", AT + HOUR)).result(5)
    assert int.from_bytes(record.bits[:8], "little") == 1
    assert verify_features(log, {CATALOG.digest: CATALOG}).mismatches == 0


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        ((body("b2"), back("r1", "nobody")), NotFound),
        ((body("b2", amount="x"), back("r1", "b1")), Invalid),
        ((body("b2"), back("r1", "b1", extra=1)), Invalid),
        ((body("b0"), back("r1", "b1")), Conflict),
        ((body("b2"), back("b0", "b1")), Conflict),
        ((body("b2"), back("r2", "b0")), Conflict),
        ((body("b2", AT - 9 * DAY), back("r1", "b1")), Invalid),
        ((body("lbl_2"), back("r1", "b1")), Invalid),
        ((back("r1", "b1"), body("b2")), Invalid),
    ],
    ids=[
        "no such event", "a bad event", "a bad retraction", "a used id", "a used retraction id",
        "taken back before", "too late to count", "a reserved id", "the wrong way round",
    ],
)  # fmt: skip
def test_a_correction_of_which_one_half_fails_changes_nothing(
    pair: tuple[bytes, bytes], kind: type[Invalid]
) -> None:
    log = MemoryLog()
    engine = make_engine(log)
    take(engine, body("b0"), body("b1"), back("r0", "b0"))
    with pytest.raises(kind):
        engine.correct(*pair, check_free).result(5)
    assert log.last_seq() == 3
    assert list(log.refusals()) == []
    assert counted(engine, "q") == 1


def test_a_correction_that_the_disk_refuses_leaves_neither_half() -> None:
    log = FailingLog()
    engine = make_engine(log)
    take(engine, body("b1", amount=7))
    log.full = True
    with pytest.raises(Unavailable):
        engine.correct(body("b2"), back("r1", "b1"), check_free).result(5)
    log.full = False
    while not engine.ready:
        pass
    assert counted(engine, "q") == 1
    assert [e.event.id for e in log.entries()] == ["b1", "q"]


def test_the_type_is_reserved() -> None:
    own = EventContract(
        type="retraction", version=1, fields=(Field(name="x", kind="int"),), keys=()
    )
    with pytest.raises(Invalid, match="retraction"):
        with_retractions(ContractSet([own]))
    assert RETRACTION.field("event").required


def test_a_retraction_that_was_never_completed_names_the_event_alone() -> None:
    from assay.contracts.event import Event

    bare = Event("r", "retraction", 1, {"event": "e"})
    assert target_of(bare) == Event("e", "", 0, {})
    assert completed(bare, Event("e", "t", 5, {"x": 1})).payload["data"] == {"x": 1}
