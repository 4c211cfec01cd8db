"""A restart from a snapshot is one from the log; whatever is wrong with one is passed over."""

import logging
import os
from pathlib import Path

import msgspec
import pytest
from tests.unit.decisions.small import AT, CATALOG
from tests.unit.runtime.engines import body, make_engine

from assay.adapters.files.snapshots import SnapshotFiles
from assay.contracts.event import Event
from assay.core.errors import Conflict, Corrupt, NotFound
from assay.core.time import HOUR, SECOND
from assay.features.catalog import Catalog
from assay.runtime.live import Full, Live
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import EventLog
from assay.runtime.snapshot import dump, fold_log, restore, take
from assay.runtime.snapshot_keeper import SAVED_FROM

LOOKBACK = 6 * HOUR


def empty(catalog: Catalog = CATALOG, lookback: int | None = LOOKBACK) -> Live:
    """A live state before the first entry."""
    return Live(catalog, 5, 0, lookback=lookback)


def history(count: int) -> MemoryLog:
    """A log of decisions and events: late ones, rejected ones, keys."""
    log = MemoryLog()
    engine = make_engine(log)
    for number in range(count):
        back = (number % 5 == 0) * 40 * SECOND + (number % 33 == 30) * 60 * HOUR
        raw = body(f"b{number}", AT + number * SECOND - back, user_id=f"u{number % 7}")
        if number % 3:
            engine.decide(raw, key=f"k{number}").result(10)
        else:
            engine.ingest([raw]).result(10)
    engine.close()
    return log


LOG = history(120)


def same(one: Live, other: Live, log: EventLog = LOG) -> None:
    """Two live states answer alike and are alike where it can be seen."""
    assert (one.seq, one.newest, one.budget.taken) == (other.seq, other.newest, other.budget.taken)
    assert one.newest_of == other.newest_of
    # A new part of the live state must be kept too: add it to `dump`, `restore` and here.
    assert set(Live.__slots__) == {
        "budget", "features", "generation", "lost", "memory_max", "newest", "newest_of",
        "pending", "pending_keys", "seen_ids", "seen_keys", "seq", "states",
    }  # fmt: skip
    for number in range(9):
        asked = Event("asked", "booking", (one.newest or AT) + 1, {"user_id": f"u{number}"})
        assert one.features.read(asked)[0].digest == other.features.read(asked)[0].digest
    for entry in log.entries():
        assert (entry.event.id in one.seen_ids) == (entry.seq <= one.seq)
        assert entry.key is None or (entry.key in one.seen_keys) == (entry.seq <= one.seq)


@pytest.mark.parametrize("cut", range(1, 121, 7))
def test_a_snapshot_at_any_cut_and_the_tail_are_the_whole_log(tmp_path: Path, cut: int) -> None:
    store = SnapshotFiles(tmp_path / "snapshots")
    before = MemoryLog(LOG.entries(0, cut))
    live = fold_log(before, empty)
    made = take(before, empty, store)
    assert made is not None
    same(restore(store.load(cut), empty(), LOG), live)
    same(fold_log(LOG, empty, store), fold_log(LOG, empty))
    assert take(before, empty, store) is None, "nothing new"


def test_the_last_two_are_kept_and_each_begins_where_the_one_before_ended(tmp_path: Path) -> None:
    store = SnapshotFiles(tmp_path)
    for cut in (10, 50, 90):
        take(MemoryLog(LOG.entries(0, cut)), empty, store)
    assert store.seqs() == [90, 50]
    store.remove(7)
    with pytest.raises(NotFound):
        store.load(7)
    same(restore(store.load(90), empty(), LOG), fold_log(MemoryLog(LOG.entries(0, 90)), empty))


def two(folder: Path) -> SnapshotFiles:
    """Snapshots at 60 and 100."""
    store = SnapshotFiles(folder)
    for cut in (60, 100):
        take(MemoryLog(LOG.entries(0, cut)), empty, store)
    return store


@pytest.mark.parametrize("place", [0, 9, 20, 60, 400, 2_000, -200, -1])
def test_a_flipped_byte_anywhere_falls_back_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    store = two(tmp_path)
    path = max(tmp_path.glob("*.snapshot"))
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Corrupt, match="damaged"):
        store.load(100)
    folded = 0

    def count(entries: int) -> None:
        nonlocal folded
        folded += entries

    with caplog.at_level(logging.WARNING):
        same(fold_log(LOG, empty, store, count), fold_log(LOG, empty))
    assert folded == 60, "from the snapshot at 60, and not from nothing"
    assert "seq 100 is passed over" in caplog.text


@pytest.mark.parametrize("kept", [0, 3, 11, 100, 1_000, -1])
def test_a_snapshot_that_is_cut_short_or_padded_is_not_believed(tmp_path: Path, kept: int) -> None:
    store = two(tmp_path)
    path = max(tmp_path.glob("*.snapshot"))
    raw = path.read_bytes()
    path.write_bytes(raw + b"x" if kept < 0 else raw[:kept])
    with pytest.raises(Corrupt):
        store.load(100)
    same(fold_log(LOG, empty, store), fold_log(LOG, empty))


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_what_is_no_file_is_passed_over_and_waited_for_by_nobody(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "snapshots"
    store = two(folder)
    path = max(folder.glob("*.snapshot"))
    elsewhere = path.rename(tmp_path / "elsewhere")
    if what == "link":
        path.symlink_to(elsewhere)
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(Corrupt, match="cannot be read"):
        store.load(100)
    same(fold_log(LOG, empty, store), fold_log(LOG, empty))
    assert "seq 100 is passed over" in caplog.text


def test_when_all_are_damaged_the_log_alone_is_folded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = two(tmp_path)
    for path in tmp_path.glob("*.snapshot"):
        path.write_bytes(b"nothing of the kind")
    (tmp_path / "strange.snapshot").write_bytes(b"")
    same(fold_log(LOG, empty, store), fold_log(LOG, empty))
    assert caplog.text.count("passed over") == 2


def test_a_snapshot_ahead_of_the_log_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = two(tmp_path)
    shorter = MemoryLog(LOG.entries(0, 80))
    same(fold_log(shorter, empty, store), fold_log(shorter, empty))
    assert "ahead of the log" in caplog.text


def test_snapshots_ahead_of_a_restored_log_do_not_keep_out_those_of_it(tmp_path: Path) -> None:
    store = two(tmp_path)
    assert min(store.seqs()) > 50
    restored = MemoryLog(LOG.entries(0, 50))
    assert take(restored, empty, store) is not None
    assert store.seqs() == [50]
    same(fold_log(restored, empty, store), fold_log(restored, empty))


def test_a_snapshot_of_another_log_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = two(tmp_path)
    entries = list(LOG.entries())
    entries[99] = msgspec.structs.replace(entries[99], known_at=entries[99].known_at + 1)
    other = MemoryLog(entries)
    same(fold_log(other, empty, store), fold_log(other, empty))
    assert "another entry at seq 100" in caplog.text


def test_a_snapshot_of_another_catalog_lookback_or_code_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = two(tmp_path)
    smaller = Catalog(
        request=CATALOG.request, contracts=CATALOG.contracts, features=CATALOG.features[:1]
    )
    assert fold_log(LOG, lambda: empty(smaller), store).seq == 120
    assert "with catalog" in caplog.text
    assert fold_log(LOG, lambda: empty(lookback=2 * LOOKBACK), store).seq == 120
    assert "with lookback" in caplog.text
    monkeypatch.setattr("assay.features.image.code_stamp", lambda: "newer")
    same(fold_log(LOG, empty, store), fold_log(LOG, empty))
    assert "with code" in caplog.text


def test_an_engine_keeps_a_snapshot_at_its_end_and_begins_there(tmp_path: Path) -> None:
    store, log = SnapshotFiles(tmp_path), MemoryLog()
    engine = make_engine(log, snapshots=store)
    raws = [body(f"e{n}", AT + n * SECOND, user_id=f"u{n % 7}") for n in range(SAVED_FROM)]
    for start in range(0, SAVED_FROM, 100):
        engine.ingest(raws[start : start + 100]).result(10)
    record = engine.decide(body("b", AT + 2_000 * SECOND), key="k").result(10)
    engine.close()
    assert store.seqs() == [SAVED_FROM + 1]
    again = make_engine(log, snapshots=store)
    assert again.decide(body("b", AT + 2_000 * SECOND), key="k").result(10) == record
    assert again.ingest([raws[7]]).result(10)[0].duplicate  # type: ignore[union-attr]  # an Ack
    with pytest.raises(Conflict):
        again.decide(body("b", AT + 2_000 * SECOND, amount=1)).result(10)
    plain = make_engine(MemoryLog(log.entries()))
    later = body("c", AT + 2_001 * SECOND, user_id="u3")
    plain_bits = plain.decide(later).result(10).bits
    assert again.decide(later).result(10).bits == plain_bits
    again.close()
    plain.close()
    assert store.seqs() == [SAVED_FROM + 1], "two more entries are not worth a snapshot"


def test_a_snapshot_from_before_an_erasure_is_removed(tmp_path: Path) -> None:
    store = two(tmp_path)
    erasure = msgspec.structs.replace(
        next(LOG.entries(119, 120)), seq=121, record=None, key=None,
        event=Event("erased-1", "erasure", AT, {}), accepted=False,
    )  # fmt: skip
    log = MemoryLog([*LOG.entries(), erasure])
    assert fold_log(log, empty, store).seq == 121
    assert store.seqs() == [], "they hold what was erased"
    assert not list(tmp_path.glob("*.snapshot"))


def test_a_state_that_is_ahead_of_its_log_cannot_be_dumped() -> None:
    live = fold_log(LOG, empty)
    with pytest.raises(Corrupt, match="no entry 120"):
        dump(live, MemoryLog(LOG.entries(0, 80)))


def test_at_its_bound_of_memory_an_engine_turns_events_away_and_loses_none() -> None:
    log = MemoryLog()
    engine = make_engine(log, memory_max=1)
    with pytest.raises(Full, match="memory_max"):
        engine.ingest([body("a", AT)]).result(10)
    with pytest.raises(Full, match="again later"):
        engine.decide(body("a", AT)).result(10)
    engine.close()
    assert log.last_seq() == 0
    roomy = make_engine(log, memory_max=1 << 30)
    assert roomy.decide(body("a", AT)).result(10).seq == 1, "sent again, it is taken in"
    roomy.close()
