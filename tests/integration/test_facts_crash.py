"""kill -9 while facts are put right or erased: both halves or neither, all of it or nothing."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.integration.facts_process import EVENTS, entry, fill
from tests.unit.decisions.small import CATALOG

from assay.adapters.sqlite.log import SqliteLog
from assay.runtime.replay import verify_features

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "tests.integration.facts_process"]


@pytest.mark.parametrize("after", [7, 60])
def test_a_correction_is_there_as_a_whole_or_not_at_all(tmp_path: Path, after: int) -> None:
    told = []
    with subprocess.Popen(
        [*PROGRAM, "correct", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(100, process.kill)
        watchdog.start()
        for line in process.stdout:
            told.append(int(line))
            if len(told) == after:
                process.kill()
        watchdog.cancel()
    assert process.returncode == -signal.SIGKILL
    assert len(told) >= after
    log = SqliteLog(tmp_path / "log.db", create=False)
    names = {kept.event.id for kept in log.entries()}
    numbers = {int(name[1:]) for name in names}
    assert all((f"c{n}" in names) == (f"r{n}" in names) for n in numbers)
    assert all({f"b{n}", f"c{n}", f"r{n}"} <= names for n in told), "it was acknowledged"
    assert verify_features(log, {CATALOG.digest: CATALOG}).mismatches == 0
    log.close()


def test_an_erasure_killed_before_any_statement_leaves_all_or_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    outcomes = []
    for statement in range(1, 40):
        folder = tmp_path / str(statement)
        folder.mkdir()
        shutil.copy(tmp_path / "log.db", folder / "log.db")
        done = subprocess.run(
            [*PROGRAM, "erase", str(folder), str(statement)], cwd=ROOT, check=False, timeout=100
        )
        log = SqliteLog(folder / "log.db", create=False)
        kept = list(log.entries())
        log.close()
        erased = [found.seq for found in kept if found.erased is not None]
        if erased:
            assert erased == [1, 3]
            assert [found.seq for found in kept] == list(range(1, EVENTS + 2))
        else:
            assert kept == [entry(seq) for seq in range(1, EVENTS + 1)]
        outcomes.append(bool(erased))
        if done.returncode == -signal.SIGTERM:
            break
    assert len(outcomes) > 6, "the transaction has a BEGIN, statements and a COMMIT"
    assert outcomes[0] is False
    assert outcomes[-1] is True, "after the commit it is durable"
    assert outcomes == sorted(outcomes)
