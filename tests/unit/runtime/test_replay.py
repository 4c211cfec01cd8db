"""Both checks pass on what the engine wrote and find every change of it, with a way to see it."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.decisions.small import AT, CATALOG, MODEL, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine, make_lists

from assay.contracts.event import Event
from assay.core.time import DAY, HOUR, MINUTE
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord, Score
from assay.features.state import FeatureState
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.replay import Report, verify_decisions, verify_features
from assay.runtime.reproducer import value_text

CATALOGS = {CATALOG.digest: CATALOG}
Change = Callable[[DecisionRecord], dict[str, Any]]


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """What an engine wrote for ties, late events, too late ones, and degraded decisions."""
    rng = np.random.default_rng(7)
    log = MemoryLog()
    engine = make_engine(log, horizon=3 * HOUR, policy=compiled(capacity_per_day=5))
    for n in range(120):
        ts = AT + 2 * n * MINUTE - int(rng.choice([0, 0, 0, HOUR, 5 * HOUR]))
        raw = body(f"b{n}", ts, user_id=f"u{rng.integers(4)}", amount=int(rng.integers(1, 900)))
        if n % 4 == 0:
            engine.ingest([raw]).result(5)
        else:
            late = n % 29 == 0
            engine.decide(raw, received=-DAY * 1_000 if late else 0).result(5)
    engine.close()
    made = list(log.entries())
    assert {e.accepted for e in made} == {True, False}
    return made


def features(entries: list[Entry]) -> Report:
    return verify_features(MemoryLog(entries), CATALOGS)


def decisions(entries: list[Entry], **kwargs: Any) -> Report:
    policy = compiled(capacity_per_day=5)
    policies = {policy.policy.digest: policy}
    return verify_decisions(MemoryLog(entries), policies, {MODEL: LinearScorer()}, **kwargs)


def changed(entries: list[Entry], change: Change) -> list[Entry]:
    """The entries with the last full decision changed."""
    last = next(
        n
        for n in reversed(range(len(entries)))
        if (record := entries[n].record) is not None and not record.degraded
    )
    record = entries[last].record
    assert record is not None
    forged = msgspec.structs.replace(record, **change(record))
    return [
        *entries[:last],
        msgspec.structs.replace(entries[last], record=forged),
        *entries[last + 1 :],
    ]


def test_what_the_engine_wrote_holds(entries: list[Entry]) -> None:
    report = features(entries)
    assert report.ok
    assert report.records == 90
    assert report.skipped == sum(
        1 for e in entries if e.record and "features_unavailable" in e.record.degraded
    )
    assert report.compared == (report.records - report.skipped) * len(CATALOG)
    assert report.reproducer is None
    again = decisions(entries)
    assert (again.compared, again.differences) == (90, ())


def test_the_memberships_hold_when_the_lists_are_at_hand(entries: list[Entry]) -> None:
    lists = make_lists().snapshots
    assert decisions(entries, snapshots={s.digest: s for s in lists.values()}).ok
    assert not decisions(entries, snapshots={}).ok


def test_an_empty_log_holds() -> None:
    assert features([]) == Report(compared=0, mismatches=0, records=0, events=0)
    assert decisions([]).ok


def flip(place: int) -> Change:
    def change(record: DecisionRecord) -> dict[str, Any]:
        bits = bytearray(record.bits)
        bits[place] ^= 1
        return {"bits": bytes(bits)}

    return change


def receipt(**parts: Any) -> Change:
    return lambda record: {"receipt": msgspec.structs.replace(record.receipt, **parts)}


@pytest.mark.parametrize(
    "change",
    [
        flip(0),
        flip(8),
        flip(15),
        lambda record: {"known": bytes([1 - record.known[0], *record.known[1:]])},
        lambda record: {"bits": record.bits[:-8]},
        receipt(vector="sha256:0"),
        receipt(catalog="sha256:0"),
        receipt(cut={"0": 1}),
        receipt(newest=None),
        receipt(at=AT),
    ],
)
def test_one_changed_bit_of_a_vector_or_its_receipt_is_found(
    entries: list[Entry], change: Change
) -> None:
    report = features(changed(entries, change))
    assert report.mismatches == 1
    assert len(report.differences) == 1


@pytest.mark.parametrize(
    "change",
    [
        flip(0),
        lambda r: {"outcome": Outcome.HOLD if r.outcome is not Outcome.HOLD else Outcome.BLOCK},
        lambda r: {"score": Score(r.score.raw, np.nextafter(r.score.probability, 1).item())},
        lambda r: {"score": Score(r.score.raw + 1e-15, r.score.probability)},
        lambda r: {"rules": (*r.rules[:-1], 1 - abs(r.rules[-1]))},
        lambda _: {"reasons": ()},
        lambda r: {"slots_left": r.slots_left + 1},
        lambda _: {"policy": "sha256:0"},
        lambda _: {"model": None},
        lambda _: {"seq": 1},
        lambda _: {"id": "dec_1"},
        lambda _: {"memberships": {"on_sanctions": True, "on_trusted": False}},
    ],
)
def test_one_changed_part_of_a_decision_is_found(entries: list[Entry], change: Change) -> None:
    report = decisions(changed(entries, change))
    assert report.mismatches == 1
    assert report.differences


def test_a_decision_whose_model_is_gone_does_not_hold(entries: list[Entry]) -> None:
    policy = compiled(capacity_per_day=5)
    report = verify_decisions(MemoryLog(entries), {policy.policy.digest: policy}, {})
    assert report.mismatches > 50
    assert len(report.differences) == 20


def test_an_event_slipped_into_history_is_found_where_it_counts(entries: list[Entry]) -> None:
    first = entries[40]
    forged = msgspec.structs.replace(
        first, event=msgspec.structs.replace(first.event, payload={"user_id": "u9", "amount": 1})
    )
    report = features([*entries[:40], forged, *entries[41:]])
    assert report.mismatches > 0


def read_back(wire: dict[str, Any]) -> Event:
    return Event(wire["id"], wire["type"], wire["ts"], wire["data"])


def test_the_reproducer_is_the_smallest_slice_that_shows_the_value(entries: list[Entry]) -> None:
    report = features(changed(entries, flip(0)))
    found = report.reproducer
    assert found is not None
    assert found.minimal
    assert found.feature == "user_count_1d"
    assert found.served != found.recomputed == str(len(found.events))
    events = [
        Event(e["id"], e["type"], e["ts"], e["data"]) for e in (s.event for s in found.events)
    ]
    request = Event(*(found.request[part] for part in ("id", "type", "ts", "data")))

    def value(kept: list[Event]) -> str:
        state = FeatureState(CATALOG)
        state.apply_all(kept)
        return value_text(state.read(request)[0], CATALOG, CATALOG.index(found.feature))

    assert value(events) == found.recomputed
    for at in range(len(events)):
        assert value(events[:at] + events[at + 1 :]) != found.recomputed
    assert {e.payload["user_id"] for e in events} == {request.payload["user_id"]}


def test_a_report_can_be_written_as_json(entries: list[Entry]) -> None:
    report = features(changed(entries, flip(0)))
    assert b'"mismatches":1' in msgspec.json.encode(report)


def test_a_value_nobody_knows_is_told_from_zero() -> None:
    engine = make_engine(log := MemoryLog())
    engine.decide(body("b1")).result(5)
    engine.close()
    forged = changed(list(log.entries()), lambda _: {"known": b"\x01\x01\x01"})
    report = features(forged)
    assert [(d.stored, d.again) for d in report.differences] == [("0.0", "not known")]
    assert report.reproducer is not None
    assert report.reproducer.events == ()
