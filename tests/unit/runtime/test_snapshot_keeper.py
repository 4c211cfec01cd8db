"""The state is kept while events go on: at a cut, off their path, and never at their cost."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.unit.decisions.small import AT
from tests.unit.runtime.engines import body, make_engine
from tests.unit.runtime.test_snapshot import empty, same

from assay.adapters.files.snapshots import SnapshotFiles
from assay.core.errors import Unavailable
from assay.core.time import SECOND
from assay.runtime.clock import wall_time
from assay.runtime.keeping import Keeping
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine
from assay.runtime.ports import Entry
from assay.runtime.snapshot import Snapshot, fold_log, take

OFTEN = Keeping(every=50, retry=0.0)


def decide(engine: Engine, numbers: Sequence[int]) -> None:
    """Decide on one request after the other, some of them late."""
    for number in numbers:
        ts = AT + number * SECOND - (number % 5 == 0) * 40 * SECOND
        engine.decide(body(f"b{number}", ts, user_id=f"u{number % 7}")).result(10)


def until(engine: Engine, condition: Callable[[], bool], first: int = 1_000) -> int:
    """Decide on further requests until it holds; how many that took."""
    for number in range(first, first + 4_000):
        if condition():
            return number - first
        decide(engine, [number])
        time.sleep(0.001)
    raise AssertionError("it never came to hold")


class SlowStore(SnapshotFiles):
    """Keeps a snapshot only when it may; tells at which place in the log that was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may, self.asked = threading.Event(), threading.Event()

    def save(self, snapshot: Snapshot) -> None:
        """See `SnapshotStore.save`."""
        self.asked.set()
        assert self.may.wait(30)
        super().save(snapshot)


class FullStore(SnapshotFiles):
    """Has room for nothing while it is ``full``."""

    full = True

    def save(self, snapshot: Snapshot) -> None:
        """See `SnapshotStore.save`."""
        if self.full:
            raise Unavailable(f"the snapshot at seq {snapshot.seq} cannot be written: disk full")
        super().save(snapshot)


def test_events_go_on_while_a_snapshot_is_saved_and_none_of_them_is_in_it(tmp_path: Path) -> None:
    log, store = MemoryLog(), SlowStore(tmp_path)
    engine = make_engine(log, snapshots=store, keeping=OFTEN)
    until(engine, store.asked.is_set)
    asked_at = log.last_seq()
    decide(engine, range(300))
    assert log.last_seq() == asked_at + 300, "nobody waited for the disk of the snapshot"
    store.may.set()
    until(engine, lambda: engine.keeper.view.taken > 0, 10_000)
    cut = store.seqs()[-1]
    assert OFTEN.every <= cut <= asked_at
    kept = fold_log(MemoryLog(log.entries(0, cut)), empty, store)
    same(kept, fold_log(MemoryLog(log.entries(0, cut)), empty), log)
    same(fold_log(log, empty, store), fold_log(log, empty), log)
    view = engine.keeper.view
    assert 0 < view.pause_us <= view.pause_max_us
    assert (view.failures, view.why) == (0, "")
    assert abs(view.at - wall_time()) < 60 * SECOND
    assert view.bytes_used == max(tmp_path.glob("*.snapshot")).stat().st_size
    engine.close()


def test_the_last_two_are_kept_and_a_restart_is_one_of_them_and_the_tail(tmp_path: Path) -> None:
    log, store = MemoryLog(), SnapshotFiles(tmp_path)
    engine = make_engine(log, snapshots=store, keeping=OFTEN)
    until(engine, lambda: engine.keeper.view.taken >= 4)
    assert len(store.seqs()) == 2
    newest, before = store.seqs()
    assert newest >= before + OFTEN.every
    folded: list[int] = []
    # As after kill -9: nothing was closed.
    same(fold_log(log, empty, store, folded.append), fold_log(log, empty), log)
    assert sum(folded) == log.last_seq() - newest
    restarted = make_engine(MemoryLog(log.entries()), snapshots=store)
    plain = make_engine(MemoryLog(log.entries()))
    later = body("later", AT + 9_000 * SECOND, user_id="u3")
    assert restarted.decide(later).result(10).bits == plain.decide(later).result(10).bits
    for one in (engine, restarted, plain):
        one.close()


def test_a_full_disk_stops_no_decision_and_the_snapshot_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, store = MemoryLog(), FullStore(tmp_path)
    engine = make_engine(log, snapshots=store, keeping=OFTEN)
    with caplog.at_level(logging.ERROR, "assay.snapshot"):
        until(engine, lambda: engine.keeper.view.failures >= 2)
    assert "disk full" in caplog.text
    assert "tried again" in caplog.text
    assert "disk full" in engine.keeper.view.why
    assert engine.ready
    store.full = False
    until(engine, lambda: engine.keeper.view.taken > 0, 20_000)
    assert engine.keeper.view.why == "", "the alarm ends"
    same(fold_log(log, empty, store), fold_log(log, empty), log)
    engine.close()


def test_one_that_failed_is_not_tried_again_at_once(tmp_path: Path) -> None:
    engine = make_engine(
        MemoryLog(), snapshots=FullStore(tmp_path), keeping=Keeping(every=50, retry=600.0)
    )
    until(engine, lambda: engine.keeper.view.failures == 1)
    decide(engine, range(300))
    assert engine.keeper.view.failures == 1
    engine.close()


class BrokenOnce(MemoryLog):
    """Loses a group when it is told to; what comes then has the same places in the log."""

    broken = False

    def append(self, entries: Sequence[Entry]) -> None:
        """See `EventLog.append`."""
        if self.broken and entries:
            self.broken = False
            raise Unavailable("the disk failed")
        super().append(entries)


def test_a_state_that_ran_ahead_of_the_log_is_never_kept(tmp_path: Path) -> None:
    log, store = BrokenOnce(), SnapshotFiles(tmp_path)
    engine = make_engine(log, snapshots=store, keeping=Keeping(every=10, retry=0.0))
    for attempt in range(30):
        log.broken = True
        names = [f"x{attempt}-{place}" for place in range(4)]
        futures = [engine.decide(body(name, AT + attempt * SECOND)) for name in names]
        assert any(future.exception(10) for future in futures)
        end = time.monotonic() + 10
        while not engine.ready and time.monotonic() < end:
            time.sleep(0.001)
        decide(engine, range(100 * attempt, 100 * attempt + 9))
        for seq in store.seqs():
            before = MemoryLog(log.entries(0, seq))
            same(fold_log(before, empty, store), fold_log(before, empty), log)
    assert engine.keeper.view.taken > 3
    engine.close()


def test_a_state_that_is_too_large_is_not_copied_and_that_is_said(tmp_path: Path) -> None:
    engine = make_engine(
        MemoryLog(), snapshots=SnapshotFiles(tmp_path), keeping=Keeping(every=20, copy_max=1_000)
    )
    until(engine, lambda: engine.keeper.view.failures > 0)
    assert "snapshots.copy_max" in engine.keeper.view.why
    assert engine.keeper.view.pause_us == 0
    engine.close()


def test_no_memory_for_the_copy_stops_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_size: int) -> Any:
        raise MemoryError

    monkeypatch.setattr("assay.runtime.snapshot_keeper._made_ready", none)
    engine = make_engine(MemoryLog(), snapshots=SnapshotFiles(tmp_path), keeping=OFTEN)
    until(engine, lambda: engine.keeper.view.failures > 1)
    assert engine.keeper.view.why == "MemoryError"
    engine.close()


def test_zero_is_never(tmp_path: Path) -> None:
    log, store = MemoryLog(), SnapshotFiles(tmp_path)
    engine = make_engine(log, snapshots=store, keeping=Keeping(every=0))
    decide(engine, range(300))
    engine.close()
    assert store.seqs() == []


def test_one_kept_by_another_process_counts(tmp_path: Path) -> None:
    log, store = MemoryLog(), SnapshotFiles(tmp_path)
    engine = make_engine(log, snapshots=store, keeping=Keeping(every=200))
    decide(engine, range(190))
    take(log, empty, store)
    assert store.seqs() == [190]
    decide(engine, range(2_000, 2_190))
    assert engine.keeper.view.taken == 0
    assert until(engine, lambda: engine.keeper.view.taken > 0) > 5
    engine.close()


def test_the_end_of_a_process_waits_for_a_snapshot_on_its_way(tmp_path: Path) -> None:
    log, store = MemoryLog(), SlowStore(tmp_path)
    others = set(threading.enumerate())
    engine = make_engine(log, snapshots=store, keeping=OFTEN)
    until(engine, store.asked.is_set)
    threading.Timer(0.2, store.may.set).start()
    engine.close()
    assert len(store.seqs()) == 1
    ours = set(threading.enumerate()) - others
    assert not [thread for thread in ours if thread.name == "assay-snapshot"]
