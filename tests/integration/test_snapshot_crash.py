"""kill -9 at every single write, sync and rename: of a snapshot, and of a commit of the log."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.decisions.small import AT, CATALOG
from tests.unit.runtime.engines import body, make_engine
from tests.unit.runtime.test_snapshot import LOG, empty, same

from assay.adapters.files import snapshots
from assay.adapters.files.snapshots import SnapshotFiles
from assay.adapters.sqlite.log import SqliteLog
from assay.core.errors import Unavailable
from assay.core.time import SECOND
from assay.runtime.keeping import Keeping
from assay.runtime.memory import MemoryLog
from assay.runtime.replay import verify_features
from assay.runtime.snapshot import fold_log, take

ROOT = Path(__file__).resolve().parents[2]
EARLIER = MemoryLog(LOG.entries(0, 70))


class Killer:
    """Kills the process before the n-th call of what it watches; counts them all otherwise."""

    def __init__(self, at: int) -> None:
        self.calls, self._at = 0, at

    def watch(self, owner: Any, name: str) -> None:
        """Every call of ``owner.name`` is a point at which to die."""
        real: Callable[..., Any] = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        setattr(owner, name, call)

    def watch_all(self) -> None:
        """Opens, writes, syncs, renames and unlinks of a snapshot."""
        for name in ("open", "write", "fsync", "close", "unlink", "rename", "replace"):
            self.watch(os, name)
        self.watch(Path, "replace")
        self.watch(Path, "unlink")
        self.watch(snapshots, "sync_folder")


def forked(work: Callable[[], None]) -> int:
    """The status of a process that did the work."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child must not come back into the test
            os._exit(1)
    return os.waitpid(child, 0)[1]


def test_killed_at_any_step_of_a_snapshot_nothing_is_believed_that_is_not_whole(
    tmp_path: Path,
) -> None:
    expected = fold_log(LOG, empty)
    take(MemoryLog(LOG.entries(0, 50)), empty, SnapshotFiles(tmp_path / "s"))
    take(EARLIER, empty, SnapshotFiles(tmp_path / "s"))
    point, killed, outcomes = 0, 0, set()
    while True:
        point += 1
        folder = tmp_path / f"at-{point}"
        shutil.copytree(tmp_path / "s", folder)

        def work(point: int = point, folder: Path = folder) -> None:
            Killer(point).watch_all()
            take(LOG, empty, SnapshotFiles(folder))

        status = forked(work)
        store = SnapshotFiles(folder)
        outcomes.add(tuple(store.seqs()))
        for seq in store.seqs():
            store.load(seq)  # whole, or not there
        same(fold_log(LOG, empty, store), expected)
        if status == 0:
            break
        assert os.WIFSIGNALED(status), "the child failed by itself"
        assert os.WTERMSIG(status) == signal.SIGKILL
        killed += 1
        take(LOG, empty, store)
        # Killed after the rename, there is nothing new to take: the oldest goes with the next one.
        assert store.seqs()[:2] == [120, 70], "the next one succeeds"
        assert {path.suffix for path in folder.iterdir()} == {".snapshot"}, "nothing lies about"
        shutil.rmtree(folder)
    assert killed > 15, "every write of a part is a point of its own"
    assert {(70, 50), (120, 70)} <= outcomes, "before and after the rename"


def test_killed_at_any_step_of_a_snapshot_that_a_running_engine_takes(tmp_path: Path) -> None:
    """The same points, on the thread beside an engine that decides and takes events in."""
    begun = tmp_path / "begun"
    begun.mkdir()
    engine_until_kept(begun, 2)
    point, killed, kept = 0, 0, set()
    while True:
        point += 1
        folder = tmp_path / f"at-{point}"
        shutil.copytree(begun, folder)

        def work(point: int = point, folder: Path = folder) -> None:
            killer = Killer(point)
            engine_until_kept(folder, 1, killer.watch_all)

        status = forked(work)
        log, store = SqliteLog(folder / "log.db", create=False), SnapshotFiles(folder / "s")
        kept.add(len(set(store.seqs()) - set(SnapshotFiles(begun / "s").seqs())))
        for seq in store.seqs():
            store.load(seq)  # whole, or not there
        same(fold_log(log, empty, store), fold_log(log, empty), log)
        acknowledged = (folder / "acknowledged").read_text().split()
        stored = [logged.event.id for logged in log.read()]
        assert set(acknowledged) <= set(stored), "what was acknowledged is in the log"
        assert len(set(stored)) == len(stored)
        log.close()
        if status == 0:
            break
        assert os.WIFSIGNALED(status), "the child failed by itself"
        assert os.WTERMSIG(status) == signal.SIGKILL
        killed += 1
        engine_until_kept(folder, 1)
        assert {path.suffix for path in (folder / "s").iterdir()} == {".snapshot"}
        shutil.rmtree(folder)
    assert killed > 15, "every write of a part is a point of its own"
    assert kept == {0, 1}, "before and after the rename"


def engine_until_kept(folder: Path, count: int, begin: Callable[[], None] = lambda: None) -> None:
    """Decide until so many further snapshots were taken; note what was acknowledged."""
    log = SqliteLog(folder / "log.db")
    keeping = Keeping(every=40, retry=0.0)
    engine = make_engine(log, snapshots=SnapshotFiles(folder / "s"), keeping=keeping)
    begin()
    with (folder / "acknowledged").open("a") as told:
        for number in range(log.last_seq(), log.last_seq() + 5_000):
            if engine.keeper.view.taken >= count:
                break
            raw = body(f"b{number}", AT + number * SECOND, user_id=f"u{number % 7}")
            told.write(engine.decide(raw).result(60).event + "\n")
            told.flush()
        else:
            raise AssertionError("no snapshot was taken")
    engine.close()
    log.close()


def test_a_full_disk_leaves_the_snapshots_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SnapshotFiles(tmp_path)
    take(EARLIER, empty, store)
    real, calls = os.write, 0

    def full(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Unavailable, match="No space left"):
        take(LOG, empty, store)
    monkeypatch.undo()
    assert store.seqs() == [70]
    assert [path.suffix for path in tmp_path.iterdir()] == [".snapshot"]
    same(fold_log(LOG, empty, store), fold_log(LOG, empty))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("call", "when"), [("pwrite64", 40), ("pwrite64", 97), ("fdatasync", 3), ("fdatasync", 8)]
)
def test_killed_inside_a_commit_of_the_log_nothing_acknowledged_is_lost(
    tmp_path: Path, call: str, when: int
) -> None:
    """The system kills it at the n-th call, wherever that is: in the middle of a transaction."""
    command = [
        "strace", "-f", "-qq", "-o", "/dev/null",
        "-e", f"inject={call}:signal=SIGKILL:when={when}",
        sys.executable, "-m", "tests.integration.engine_process", "load", str(tmp_path), "0",
    ]  # fmt: skip
    ran = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert ran.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), ran.stderr[-500:]
    told = [json.loads(line) for line in ran.stdout.splitlines() if line.endswith("}")][1:]
    log = SqliteLog(tmp_path / "log.db", create=False)
    stored = [logged.event.id for logged in log.read()]
    assert len(set(stored)) == len(stored)
    assert {line["event"] for line in told} <= set(stored)
    report = verify_features(log, {CATALOG.digest: CATALOG})
    assert (report.mismatches, report.events) == (0, len(stored))
    log.close()
