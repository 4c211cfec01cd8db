"""A subject is forgotten: the state is as if it never was, and any other change is noticed."""

import json

import msgspec
import numpy as np
import pytest
from tests.unit.decisions.small import AT, CATALOG, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine
from tests.unit.runtime.records import record_of

from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.core.errors import Invalid
from assay.core.time import DAY, HOUR
from assay.decisions.outcome import Outcome
from assay.features.catalog import Catalog
from assay.features.definition import Combined, Feature
from assay.features.state import FeatureState
from assay.runtime.erasure import Erasures, erase, find
from assay.runtime.fold import fold
from assay.runtime.intake import Ack, EventErased
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.replay import Report, verify_decisions, verify_features
from assay.runtime.subject import Subject
from assay.runtime.tombstones import tombstone

CATALOGS = {CATALOG.digest: CATALOG}
POLICY = compiled()
U1 = Subject("user_id", "u1")


def history() -> MemoryLog:
    """Two users, of whom the first is about to be erased; one correction, one refusal each."""
    log = MemoryLog()
    engine = make_engine(log)
    for number in range(12):
        user = "u1" if number % 3 == 0 else "u2"
        engine.decide(body(f"b{number}", AT + number * HOUR, user_id=user), f"k{number}").result(5)
    back = {"id": "r1", "type": "retraction", "ts": AT + DAY, "data": {"event": "b3"}}
    engine.ingest([json.dumps(back).encode()]).result(5)
    engine.ingest([b'{"user": "u1"', body("bad", user_id="u2", amount="x")]).result(5)
    engine.close()
    return log


def forget(log: MemoryLog, subject: Subject = U1) -> Entry:
    found = find(log, log, CATALOGS, subject)
    return erase(log, found, by="ada", at=AT + 2 * DAY, salt=b"0123456789abcdef", more={})


def features(log: MemoryLog) -> Report:
    return verify_features(log, CATALOGS)


def decisions(log: MemoryLog) -> Report:
    scorer = LinearScorer()
    return verify_decisions(log, {POLICY.policy.digest: POLICY}, {scorer.digest: scorer})


def test_everything_about_the_subject_goes_and_every_check_holds() -> None:
    log = history()
    before = list(log.entries())
    receipt = forget(log)
    assert b"u1" not in msgspec.msgpack.encode(list(log.entries()))
    assert [r.raw for r in log.refusals()] == [body("bad", user_id="u2", amount="x")]
    assert receipt.event.payload["counts"] == {
        "events": 5,
        "decisions": 4,
        "values": 4 * len(CATALOG),
        "quarantined": 1,
        "dependent_decisions": 0,
        "dependent_values": 0,
    }
    after = list(log.entries())
    assert len(after) == len(before) + 1
    for old, new in zip(before, after, strict=False):
        assert (old.seq, old.event.id, old.event.type) == (new.seq, new.event.id, new.event.type)
        if new.erased is None:
            assert old == new
        else:
            assert new.event.ts % DAY == new.known_at % DAY == 0
            assert new.event.ts // DAY == old.event.ts // DAY
    report = features(log)
    assert (report.mismatches, report.erased, report.dependent) == (0, 4 * len(CATALOG), 0)
    report = decisions(log)
    assert (report.mismatches, report.erased, report.compared) == (0, 4, 8)


def test_the_state_afterwards_is_that_of_a_log_without_the_subject() -> None:
    log = history()
    kept = [e for e in log.entries() if e.event.payload.get("user_id") == "u2"]
    forget(log)
    erased, without = FeatureState(CATALOG), FeatureState(CATALOG)
    for entry in log.entries():
        fold(erased, entry)
    for entry in kept:
        fold(without, entry)
    for user in ("u1", "u2"):
        request = Event("q", "booking", AT + DAY, {"user_id": user, "amount": 1})
        one, newest = erased.read(request)
        two, same = without.read(request)
        assert np.array_equal(one.bits, two.bits)
        assert newest == same


def test_an_erased_event_sent_again_is_known_and_nothing_of_it_is_kept() -> None:
    log = history()
    forget(log)
    last = log.last_seq()
    engine = make_engine(log)
    (ack,) = engine.ingest([body("b0", AT, user_id="u1")]).result(5)
    assert isinstance(ack, Ack)
    assert (ack.seq, ack.duplicate) == (1, True)
    with pytest.raises(EventErased):
        engine.decide(body("b0", AT, user_id="u1")).result(5)
    (back,) = engine.ingest(
        [json.dumps({"id": "r9", "type": "retraction", "ts": AT, "data": {"event": "b0"}}).encode()]
    ).result(5)
    assert isinstance(back, Refusal)
    assert back.code == "not_found"
    assert log.last_seq() == last
    assert not any(b"u1" in refusal.raw for refusal in log.refusals())


def shared_catalog() -> Catalog:
    """Bookings by guest: two users may have the same guest."""
    by_guest = Feature(
        name="guest_count", source="booking", key=("guest_name",), aggregate="count", window=DAY
    )
    return Catalog(request=CATALOG.request, contracts=CATALOG.contracts, features=[by_guest])


def served(catalog: Catalog, requests: list[tuple[str, str, int, int]]) -> MemoryLog:
    """A log of decided bookings: user, guest, hours after the start, amount."""
    log, state = MemoryLog(), FeatureState(catalog)
    for seq, (user, guest, hours, amount) in enumerate(requests, start=1):
        payload = {"user_id": user, "guest_name": guest, "amount": amount}
        event = Event(f"b{seq}", "booking", AT + hours * HOUR, payload)
        vector, newest = state.read(event)
        record = record_of(event, seq)
        receipt = msgspec.structs.replace(
            record.receipt, catalog=catalog.digest, vector=vector.digest, newest=newest
        )
        record = msgspec.structs.replace(
            record,
            receipt=receipt,
            bits=vector.bits.astype("<i8").tobytes(),
            known=vector.known.tobytes(),
            outcome=Outcome.APPROVE,
        )
        entry = Entry(seq=seq, event=event, known_at=event.ts, accepted=True, record=record)
        log.append([entry])
        fold(state, entry)
    return log


def test_who_else_saw_the_subject_is_named_exactly() -> None:
    catalog = shared_catalog()
    users = ("u1", "u2", "u1", "u3", "u2")
    log = served(
        catalog,
        [(user, "Eve" if user == "u3" else "Ann", seq, 5) for seq, user in enumerate(users, 1)],
    )
    catalogs = {catalog.digest: catalog}
    assert verify_features(log, catalogs).mismatches == 0
    found = find(log, log, catalogs, U1)
    assert [(d.seq, d.values) for d in found.dependents] == [(2, 1), (5, 1)]
    erase(log, found, by="ada", at=AT, salt=b"0123456789abcdef", more={})
    report = verify_features(log, catalogs)
    assert (report.mismatches, report.dependent, report.erased) == (0, 2, 2)
    # A second erasure, of somebody else that decision 5 saw too.
    forget_2 = find(log, log, catalogs, Subject("user_id", "u2"))
    assert forget_2.dependents == ()
    # What is no longer what was served is not excused by the receipt.
    five = log.entry("b5")
    assert five is not None
    assert five.record is not None
    changed = msgspec.structs.replace(five.record, bits=(9).to_bytes(8, "little"))
    log._entries[4] = msgspec.structs.replace(five, record=changed)
    assert verify_features(log, catalogs).mismatches == 1


def picked_catalog() -> Catalog:
    """Values that are picked from a guest's bookings: any one of them may have been the one."""
    last = Feature(
        name="last",
        source="booking",
        key=("guest_name",),
        aggregate="last",
        of="amount",
        window=DAY,
    )
    features = [
        last,
        msgspec.structs.replace(last, name="second", aggregate="nth", k=2),
        msgspec.structs.replace(last, name="common", aggregate="top"),
        msgspec.structs.replace(last, name="median", aggregate="quantile", permille=500),
    ]
    again = Combined(name="step", how="difference", of=("last", "second"))
    return Catalog(
        request=CATALOG.request, contracts=CATALOG.contracts, features=features, combined=[again]
    )


def picked(amounts: list[int]) -> list[int | None]:
    """The same in plain Python: the values over amounts in order of time."""
    if not amounts:
        return [None] * 5
    last, second = amounts[-1], amounts[-2] if len(amounts) > 1 else None
    common = min(set(amounts), key=lambda amount: (-amounts.count(amount), amount))
    median = sorted(amounts)[(len(amounts) + 1) // 2 - 1]
    return [last, second, common, median, None if second is None else last - second]


@pytest.mark.parametrize("seed", range(4))
def test_picked_values_that_came_from_the_subject_stand_on_the_receipt(seed: int) -> None:
    rng = np.random.default_rng(seed)
    requests = [
        (f"u{rng.integers(1, 4)}", "AnnEve"[3 * rng.integers(0, 2) :][:3], at, int(amount))
        for at, amount in enumerate(rng.integers(1, 4, 60))
    ]
    catalog = picked_catalog()
    log, catalogs = served(catalog, requests), {catalog.digest: catalog}
    assert verify_features(log, catalogs).mismatches == 0
    expected = []
    for at, (user, guest, now, _) in enumerate(requests):
        seen = [r for r in requests[:at] if r[1] == guest and r[2] >= now - 24]
        left = [r for r in seen if r[0] != "u1"]
        pairs = zip(picked([r[3] for r in seen]), picked([r[3] for r in left]), strict=True)
        values = sum(one != other for one, other in pairs)
        newest_differs = [r[2] for r in seen][-1:] != [r[2] for r in left][-1:]
        if user != "u1" and (values or newest_differs):
            expected.append((at + 1, values))
    assert len(expected) > 10
    found = find(log, log, catalogs, U1)
    assert [(item.seq, item.values) for item in found.dependents] == expected
    erase(log, found, by="ada", at=AT + 9 * DAY, salt=b"0123456789abcdef", more={})
    report = verify_features(log, catalogs)
    assert (report.mismatches, report.dependent) == (0, sum(count for _, count in expected))
    silent = log._entries[-1]
    told = silent.event.payload | {"dependents": silent.event.payload["dependents"][1:]}
    event = msgspec.structs.replace(silent.event, payload=told)
    log._entries[-1] = msgspec.structs.replace(silent, event=event)
    assert verify_features(log, catalogs).mismatches > 0


def test_any_other_change_fails_the_checks() -> None:
    log = history()
    before = log.entry("b0")
    receipt = forget(log)
    assert before is not None
    untouched = list(log._entries)

    def changed(seq: int, entry: Entry) -> list[int]:
        log._entries = list(untouched)
        log._entries[seq - 1] = entry
        counts = [features(log).mismatches, decisions(log).mismatches]
        log._entries = list(untouched)
        return counts

    assert min(changed(1, before)) >= 1, "it has content again"
    other = untouched[1]
    assert min(changed(2, tombstone(other, receipt.event.id, b"salt"))) >= 1, "nobody erased it"
    stone = untouched[0]
    assert stone.erased is not None
    worse = msgspec.structs.replace(stone.erased, before="sha256:0")
    assert min(changed(1, msgspec.structs.replace(stone, erased=worse))) >= 1, "another tombstone"
    accepted = msgspec.structs.replace(stone, accepted=False)
    assert min(changed(1, accepted)) >= 1, "another verdict"
    assert features(log).mismatches == decisions(log).mismatches == 0


def test_a_subject_is_a_field_and_a_value() -> None:
    assert Subject.parse("user_id=a=b") == Subject("user_id", "a=b")
    for text in ("user_id", "user_id=", "User=1", "=x"):
        with pytest.raises(Invalid):
            Subject.parse(text)


def test_an_id_that_names_the_subject_is_replaced() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.ingest([body("u1-first"), body("x2", user_id="u2")]).result(5)
    receipt = forget(log)
    assert [e.event.id for e in log.entries()][:2] == [f"erased-1-{receipt.event.id[-8:]}", "x2"]
    assert features(log).mismatches == 0


def test_nobody_keeps_a_subject_by_taking_the_id_of_its_tombstone() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.ingest([body("erased-2", user_id="u2"), body("u1-first")]).result(5)
    forget(log)
    assert "u1" not in str(list(log.entries())[:2])


def test_labels_of_the_subjects_requests_go_too() -> None:
    label = {"request_id": "b1", "fraud": True, "source": "chargeback"}
    log = MemoryLog(
        Entry(seq=seq, event=event, known_at=AT, accepted=True)
        for seq, event in enumerate(
            (
                Event("b1", "booking", AT, {"user_id": "u1"}),
                Event("b2", "booking", AT, {"user_id": "u2"}),
                Event("c1", "label", AT, label),
                Event("c2", "label", AT, {**label, "request_id": "b2"}),
            ),
            start=1,
        )
    )
    forget(log)
    assert [e.seq for e in log.entries() if e.erased] == [1, 3]
    assert len(Erasures(log).receipts) == 1
