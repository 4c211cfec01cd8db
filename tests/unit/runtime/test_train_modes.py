"""Three ways to look back, told apart by a log with late events, retractions and receipts."""

import json

import msgspec
import numpy as np
import pytest
from tests.unit.decisions.small import AT, CATALOG
from tests.unit.runtime.engines import body, make_engine

from assay.contracts.event import Event
from assay.core.time import HOUR, MINUTE
from assay.features.catalog import Catalog
from assay.features.definition import Combined, Feature
from assay.features.meaning import shared
from assay.features.state import FeatureState
from assay.models.frame import NotEnoughData
from assay.models.lift import Mode
from assay.runtime.knowledge import NOT_KNOWN, dated, facts_of, measured_delays, touched
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.train_modes import past_of, training_frame


def booking(name: str, ts: int, user: str = "u1", amount: int = 100) -> Event:
    return Event(name, "booking", ts, {"user_id": user, "amount": amount})


def entries(*rows: tuple[Event, int]) -> MemoryLog:
    """A log of events with the moment each was known."""
    return MemoryLog(
        Entry(seq=seq, event=event, known_at=known, accepted=True)
        for seq, (event, known) in enumerate(rows, start=1)
    )


def counts(log: MemoryLog, mode: Mode | None) -> dict[str, int]:
    found = training_frame(log, CATALOG, mode).frame
    return dict(zip(map(str, found.event_ids), found.bits[:, 0].tolist(), strict=True))


def test_a_late_event_is_in_what_is_known_now_and_not_in_what_was_known_then() -> None:
    log = entries(
        (booking("a", AT), AT),
        (booking("b", AT + HOUR), AT + HOUR),
        (booking("late", AT + MINUTE), AT + 2 * HOUR),
        (booking("c", AT + 3 * HOUR), AT + 3 * HOUR),
    )
    assert counts(log, "as_corrected") == {"a": 0, "late": 1, "b": 2, "c": 3}
    assert counts(log, "as_known") == {"a": 0, "late": 1, "b": 1, "c": 3}
    assert counts(log, None) == counts(log, "as_known")
    lift = training_frame(log, CATALOG, "as_known").lift
    assert dict(zip(lift.names, lift.known_corrected, strict=True)) == {
        "user_count_1d": 1, "user_mean_1d": 0, "is_large": 0,
    }  # fmt: skip
    assert (lift.late_data, lift.used_corrected, lift.served) == (1, 1, 0)


def test_what_was_taken_back_was_known_until_then_and_is_no_row() -> None:
    log = entries((booking("a", AT), AT), (booking("b", AT + HOUR), AT + HOUR))
    back = Event(
        "r", "retraction", AT + 2 * HOUR,
        {"event": "a", "type": "booking", "ts": AT, "data": booking("a", AT).payload},
    )  # fmt: skip
    log.append([Entry(seq=3, event=back, known_at=AT + 2 * HOUR, accepted=True)])
    last = booking("c", AT + 3 * HOUR)
    log.append([Entry(seq=4, event=last, known_at=last.ts, accepted=True)])
    assert counts(log, "as_corrected") == {"b": 0, "c": 1}
    assert counts(log, "as_known") == {"b": 1, "c": 1}


def test_what_was_served_is_taken_from_the_receipts_to_the_bit() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.ingest([body("a", AT)]).result(5)
    engine.decide(body("q1", AT + HOUR)).result(5)
    engine.ingest([body("late", AT + 30 * MINUTE)]).result(5)
    back = {"id": "r", "type": "retraction", "ts": AT, "data": {"event": "a"}}
    engine.ingest([json.dumps(back).encode()]).result(5)
    engine.decide(body("q2", AT + 2 * HOUR)).result(5)
    engine.close()
    found = training_frame(log, CATALOG)
    assert found.lift.mode == "as_served"
    assert found.lift.served == 2
    assert found.from_receipts is not None
    assert found.from_receipts.sum(axis=1).tolist() == [0, 3, 3]
    for row in np.flatnonzero(found.from_receipts.all(axis=1)).tolist():
        record = log.entry(str(found.frame.event_ids[row]))
        assert record is not None
        assert record.record is not None
        assert found.frame.vector(row).digest == record.record.receipt.vector
    assert counts(log, "as_served") == {"late": 1, "q1": 1, "q2": 2}, "not served: as known"
    assert counts(log, "as_known") == {"late": 1, "q1": 1, "q2": 2}
    assert counts(log, "as_corrected") == {"late": 0, "q1": 1, "q2": 2}


def test_without_receipts_nothing_is_as_served() -> None:
    log = entries((booking("a", AT), AT))
    with pytest.raises(NotEnoughData, match="receipts"):
        training_frame(log, CATALOG, "as_served")


def test_as_known_is_what_a_platform_serving_at_that_moment_gives() -> None:
    """Told everything it knew before T and nothing else, a fresh state gives the same bits."""
    rng = np.random.default_rng(7)
    rows = []
    for number in range(120):
        ts = AT + int(rng.integers(0, 48)) * HOUR
        event = booking(f"e{number}", ts, f"u{number % 3}", int(rng.integers(1, 9)))
        late = int(rng.choice([0, 0, MINUTE, HOUR, 30 * HOUR]))
        rows.append((event, ts + late))
    rows.sort(key=lambda row: row[1])
    log = entries(*rows)
    found = training_frame(log, CATALOG, "as_known")
    kept = list(log.entries())
    by_id = {entry.event.id: entry for entry in kept}
    for row, name in enumerate(found.frame.event_ids):
        request = by_id[str(name)]
        state = FeatureState(CATALOG)
        for entry in kept:
            if (entry.known_at, entry.seq) < (request.event.ts, request.seq):
                state.apply(entry.event)
        assert state.read(request.event)[0].digest == found.frame.vector(row).digest
    assert found.lift.late_data > 0


def test_a_moment_that_is_not_known_is_measured_by_those_that_are() -> None:
    rows = [(booking(f"e{n}", AT + n * HOUR), AT + n * HOUR + n * MINUTE) for n in range(20)]
    log = entries(*rows, (booking("x", AT + MINUTE), NOT_KNOWN))
    facts = list(facts_of(log.entries()))
    delays = measured_delays(facts)
    assert delays == {"booking": 18 * MINUTE}, "the 19th of 20 delays, 0 to 19 minutes"
    assert dated(facts, delays)[-1].known == AT + 19 * MINUTE
    assert measured_delays(facts[:-1]) == {}
    nothing = entries((booking("x", AT), NOT_KNOWN))
    assert measured_delays(list(facts_of(nothing.entries()))) == {"booking": 0}


def test_only_what_counts_is_a_fact() -> None:
    log = entries((booking("a", AT), AT))
    late = Entry(seq=2, event=booking("b", AT - HOUR), known_at=AT, accepted=False)
    log.append([late])
    assert [fact.event.id for fact in past_of(log.entries()).facts] == ["a"]
    assert past_of(log.entries(), until=AT - 1).facts == []


def test_requests_that_nothing_late_can_have_touched_are_not_read_again() -> None:
    facts = past_of(entries((booking("a", AT), AT), (booking("b", AT + 5), AT + 9)).entries()).facts
    at = np.array([AT, AT + 5, AT + 6, AT + 9, AT + 10])
    assert touched(facts, at).tolist() == [False, False, True, True, False]
    early = [msgspec.structs.replace(facts[0], known=AT - 1)]
    assert not touched(early, at).any()


def test_values_that_mean_the_same_are_taken_from_receipts_of_another_catalog() -> None:
    """A mean is new, the count is not: only the count was served."""
    log = MemoryLog()
    engine = make_engine(log)
    engine.ingest([body("a", AT, amount=700)]).result(5)
    record = engine.decide(body("q", AT + HOUR)).result(5)
    engine.ingest([body("late", AT + MINUTE)]).result(5)
    engine.close()
    mean = msgspec.structs.replace(CATALOG.features[1], window=2 * HOUR)
    other = Catalog(
        request=CATALOG.request,
        contracts=CATALOG.contracts,
        features=[mean, CATALOG.features[0]],
        derived=CATALOG.derived,
    )
    with pytest.raises(NotEnoughData):
        training_frame(log, other, "as_served")
    found = training_frame(log, other, "as_served", served_by={CATALOG.digest: CATALOG})
    row = [str(name) for name in found.frame.event_ids].index("q")
    assert found.from_receipts is not None
    assert found.from_receipts[row].tolist() == [False, True, True]
    assert found.frame.bits[row, 1] == int.from_bytes(record.bits[:8], "little") == 1
    assert found.lift.served == 1
    assert found.lift.served_corrected == (0, 1, 0), "the late one counts now"


def test_a_value_means_its_inputs_too() -> None:
    total = Combined(name="share", how="ratio", of=("user_count_1d", "user_mean_1d"))

    def catalog(count: Feature) -> Catalog:
        return Catalog(
            request=CATALOG.request,
            contracts=CATALOG.contracts,
            features=[count, CATALOG.features[1]],
            combined=[total],
        )

    one = catalog(CATALOG.features[0])
    two = catalog(msgspec.structs.replace(CATALOG.features[0], window=HOUR))
    assert shared(one, one) == {0: 0, 1: 1, 2: 2}
    assert shared(one, two) == {1: 1}


def test_what_saw_somebody_who_was_erased_is_not_learned_from_as_served() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.decide(body("q1", AT)).result(5)
    engine.decide(body("q2", AT + HOUR)).result(5)
    engine.close()
    receipt = Event("erasure_1", "erasure", AT, {"dependents": [[2, "", None, 1]], "erased": []})
    log.append([Entry(seq=3, event=receipt, known_at=AT, accepted=True)])
    assert set(past_of(log.entries()).served) == {"q1"}
