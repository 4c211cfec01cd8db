"""What every event log must do, run on each implementation of the port."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.unit.runtime.records import record_of

from assay.adapters.sqlite.log import SqliteLog
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.contracts.retraction import completed, retraction_key
from assay.core.errors import Conflict
from assay.runtime.memory import MemoryLog
from assay.runtime.partition_log import MemoryPartitionLog
from assay.runtime.ports import Entry
from assay.runtime.tombstones import tombstone

Log = MemoryLog | SqliteLog
LOGS: dict[str, Callable[[Path], Log]] = {
    "memory": lambda _folder: MemoryLog(),
    "memory partition": lambda _folder: MemoryPartitionLog(),
    "sqlite": lambda folder: SqliteLog(folder / "log.db"),
    "sqlite partition": lambda folder: SqlitePartitionLog(folder / "log.db"),
}


@pytest.fixture(params=sorted(LOGS))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    made = LOGS[request.param](tmp_path)
    yield made
    made.close()


def entry(
    seq: int, name: str | None = None, *, decided: bool = False, key: str | None = None
) -> Entry:
    event = Event(name or f"e{seq}", "login", seq * 1000, {"user": "u1", "amount": seq, "ok": True})
    record = record_of(event, seq) if decided else None
    return Entry(seq=seq, event=event, known_at=seq, accepted=seq % 3 != 0, record=record, key=key)


def test_a_new_log_is_empty(log: Log) -> None:
    assert log.last_seq() == 0
    assert list(log.read()) == []
    assert list(log.decisions()) == []
    assert log.event("e1") is None
    assert log.entry("e1") is None
    assert log.decision("d1") is None
    assert log.entry_of_key("k1") is None
    assert log.known_ids(["e1"]) == set()


def test_what_was_appended_is_read_back_in_order_and_unchanged(log: Log) -> None:
    first = [entry(seq, decided=seq % 2 == 0, key=f"k{seq}") for seq in range(1, 6)]
    second = [entry(6, decided=True)]
    log.append(first)
    log.append(second)
    assert list(log.entries()) == first + second
    assert [logged.event for logged in log.read()] == [e.event for e in first + second]
    assert [logged.accepted for logged in log.read()] == [e.accepted for e in first + second]
    assert list(log.decisions()) == [e.record for e in first + second if e.record]


def test_reading_takes_what_lies_after_and_up_to(log: Log) -> None:
    log.append([entry(seq, decided=True) for seq in range(1, 8)])
    assert [logged.seq for logged in log.read(after=2, until=5)] == [3, 4, 5]
    assert [record.seq for record in log.decisions(after=5)] == [6, 7]
    assert [found.seq for found in log.entries(until=2)] == [1, 2]
    assert list(log.read(after=7)) == []


def test_a_view_of_decisions_reads_them_and_the_events_it_names(log: Log) -> None:
    log.append([entry(1), entry(2, decided=True), entry(3, "verdict-1"), entry(4, "xverdict-2")])
    assert [found.seq for found in log.decided(prefix="verdict-")] == [2, 3]
    assert [found.seq for found in log.decided(after=2, until=3, prefix="verdict-")] == [3]
    assert [found.seq for found in log.decided(prefix="")] == [1, 2, 3, 4]


def test_each_thing_is_found_by_its_own_name(log: Log) -> None:
    kept = entry(1, decided=True, key="k1")
    log.append([kept, entry(2)])
    assert kept.record is not None
    assert log.decision(kept.record.id) == kept.record
    assert log.entry("e1") == kept
    assert log.entry_of_key("k1") == kept
    logged = log.event("e2")
    assert logged is not None
    assert (logged.seq, logged.event.id) == (2, "e2")
    assert log.known_ids(["e2", "e9", "e1"]) == {"e1", "e2"}


def test_an_append_of_nothing_changes_nothing(log: Log) -> None:
    log.append([])
    assert log.last_seq() == 0


@pytest.mark.parametrize(
    "bad",
    [
        [entry(2)],
        [entry(1), entry(3)],
        [entry(1), entry(2, "e1")],
        [entry(1, key="k"), entry(2, key="k")],
    ],
    ids=["skips the first", "leaves a gap", "repeats an id", "repeats a key"],
)
def test_a_group_that_cannot_follow_is_refused_as_a_whole(log: Log, bad: list[Entry]) -> None:
    with pytest.raises(Conflict):
        log.append(bad)
    assert log.last_seq() == 0
    log.append([entry(1)])
    assert log.last_seq() == 1


def test_an_id_of_an_earlier_group_is_refused(log: Log) -> None:
    log.append([entry(1)])
    with pytest.raises(Conflict, match="event"):
        log.append([entry(2), entry(3, "e1")])
    assert log.last_seq() == 1


def test_a_large_group_is_one_transaction_too(log: Log) -> None:
    group = [entry(seq, decided=seq % 50 == 0) for seq in range(1, 1001)]
    with pytest.raises(Conflict):
        log.append([*group, entry(1001, "e1")])
    assert log.last_seq() == 0
    log.append(group)
    assert list(log.entries()) == group
    assert len(log.known_ids([f"e{seq}" for seq in range(1, 1500)])) == 1000


def test_a_scan_sees_the_log_as_it_was_when_the_scan_began(log: Log) -> None:
    log.append([entry(seq) for seq in range(1, 4)])
    scan = log.read(until=log.last_seq())
    first = next(scan)
    log.append([entry(4)])
    assert [first.seq, *(logged.seq for logged in scan)] == [1, 2, 3]


def test_extreme_payloads_survive_exactly(log: Log) -> None:
    payload = {
        "low": -(2**63),
        "high": 2**63 - 1,
        "tenth": 0.1 + 0.2,
        "tiny": 5e-324,
        "text": 'é\n\t"\\ \U0001f600 \x7f',
        "empty": "",
        "no": False,
    }
    event = Event("e1", "login", 1, payload)
    log.append([Entry(seq=1, event=event, known_at=-1, accepted=False)])
    found = log.event("e1")
    assert found is not None
    assert found.event == event
    assert {k: type(v) for k, v in found.event.payload.items()} == {
        k: type(v) for k, v in payload.items()
    }


def test_a_retraction_keeps_what_its_event_said_and_an_event_has_one(log: Log) -> None:
    said = entry(1)
    back = Event("r1", "retraction", 9, {"event": "e1", "reason": "twice"})
    kept = Entry(
        seq=2,
        event=completed(back, said.event),
        known_at=9,
        accepted=True,
        key=retraction_key("e1"),
    )
    log.append([said, kept])
    assert list(log.entries()) == [said, kept]
    assert log.entry_of_key(retraction_key("e1")) == kept
    again = Event("r2", "retraction", 9, {"event": "e1"})
    with pytest.raises(Conflict):
        log.append([msgspec.structs.replace(kept, seq=3, event=again)])
    assert log.last_seq() == 2


def test_an_erasure_replaces_content_and_appends_its_receipt(log: Log) -> None:
    kept = [entry(seq, decided=seq == 2, key=f"k{seq}") for seq in range(1, 5)]
    log.append(kept)
    ids = log.put(
        [Refusal(code="c", path="", message="m", raw=raw, received_at=1) for raw in (b"a", b"b")]
    )
    stones = [tombstone(kept[at], "erasure_1", b"salt") for at in (0, 1)]
    receipt = Entry(
        seq=5,
        event=Event("erasure_1", "erasure", 9, {"erased": [[1, "x"]]}),
        known_at=9,
        accepted=True,
    )
    log.erase(stones, receipt, ids[:1])
    log.scrub()
    assert list(log.entries()) == [*stones, *kept[2:], receipt]
    assert log.entry("e1") == stones[0]
    assert kept[1].record is not None
    assert log.decision(kept[1].record.id) is None
    assert log.entry_of_key("k1") is None
    assert [refusal.raw for refusal in log.refusals()] == [b"b"]
    assert list(log.named("erasure_")) == [receipt]
    assert list(log.named("e")) == [*stones, *kept[2:], receipt]
    with pytest.raises(Conflict):
        log.append([entry(6, "e1")])
    log.append([entry(6)])
    assert log.last_seq() == 6


def test_an_erasure_that_cannot_be_whole_changes_nothing(log: Log) -> None:
    log.append([entry(1), entry(2)])
    receipt = Entry(seq=3, event=Event("erasure_1", "erasure", 9, {}), known_at=9, accepted=True)
    stone = tombstone(entry(1), "erasure_1", b"salt")
    nobody = msgspec.structs.replace(stone, seq=9)
    with pytest.raises(Conflict):
        log.erase([stone, nobody], receipt)
    with pytest.raises(Conflict):
        log.erase([stone], msgspec.structs.replace(receipt, seq=4))
    assert list(log.entries()) == [entry(1), entry(2)]
    log.append([entry(3)])


def test_refusals_are_kept_byte_for_byte_until_removed(log: Log) -> None:
    bodies = [b"", b"\x00\xff{", b"x" * 100_000]
    ids = log.put(
        [
            Refusal(code="c", path="$", message=f"m{n} \ud800", raw=raw, received_at=n)
            for n, raw in enumerate(bodies)
        ]
    )
    kept = list(log.refusals())
    assert [refusal.raw for refusal in kept] == bodies
    assert [refusal.id for refusal in kept] == ids
    log.remove([ids[1], 999])
    assert [refusal.raw for refusal in log.refusals()] == [bodies[0], bodies[2]]
    assert [refusal.id for refusal in log.refusals(after=ids[0])] == [ids[2]]


def test_the_same_bytes_wait_once_and_keep_their_first_place(log: Log) -> None:
    one = Refusal(code="c", path="", message="m", raw=b"a", received_at=1)
    other = msgspec.structs.replace(one, raw=b"b")
    first = log.put([one, other, one])
    assert first == [first[0], first[0] + 1, first[0]]
    assert log.put([msgspec.structs.replace(one, received_at=9)]) == first[:1]
    assert [kept.received_at for kept in log.refusals()] == [1, 1]
    log.note_places({first[0]: "t.csv:2", first[1]: "t.csv:3"})
    log.note_places({first[0]: "t.csv:9"})
    assert [kept.place for kept in log.refusals()] == ["t.csv:2", "t.csv:3"]
    log.remove(first[:1])
    again = log.put([one])
    assert again[0] > first[1]
    assert [kept.place for kept in log.refusals()] == ["t.csv:3", ""]


def test_the_id_of_a_removed_refusal_is_not_given_again(log: Log) -> None:
    one = Refusal(code="c", path="", message="m", raw=b"a", received_at=1)
    first = log.put([one])
    log.remove(first)
    assert log.put([one])[0] > first[0]


def test_a_healthy_log_answers_a_probe(log: Log) -> None:
    log.probe()
    log.append([entry(1)])
    log.probe()
    assert log.last_seq() == 1
