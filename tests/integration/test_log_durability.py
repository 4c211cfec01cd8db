"""Durable means an fsync before the acknowledgement, and nothing acknowledged on a full disk."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.decisions.small import CATALOG

from assay.adapters.sqlite.log import SqliteLog
from assay.runtime.replay import verify_features

ROOT = Path(__file__).resolve().parents[2]
PROCESS = [sys.executable, "-m", "tests.integration.engine_process"]


def run(*arguments: object) -> list[dict[str, object]]:
    done = subprocess.run(
        [*PROCESS, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_between_two_acknowledgements_lies_an_fsync(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    watched = ["strace", "-f", "-o", str(trace), "-e", "trace=write,fsync,fdatasync"]
    done = subprocess.run(
        [*watched, *PROCESS, "append", str(tmp_path), "40"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if "PTRACE_TRACEME" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this machine does not allow tracing")
    assert done.returncode == 0, done.stderr[-2000:]
    synced, acknowledged = False, 0
    for line in trace.read_text().splitlines():
        if re.search(r"\b(fsync|fdatasync)\(\d+\)\s+= 0", line):
            synced = True
        elif "write(1," in line and "durable" in line:
            assert synced, f"group {acknowledged} was acknowledged without an fsync"
            synced, acknowledged = False, acknowledged + 1
    assert acknowledged == 40


def check_outage(folder: Path, lines: list[dict[str, object]]) -> None:
    """What every kind of full disk must lead to."""
    failed, end = lines[0], lines[-1]
    assert "not acknowledged" in str(failed["error"])
    acknowledged, stored = end["acknowledged"], end["stored"]
    assert isinstance(acknowledged, list)
    assert isinstance(stored, list)
    assert len(acknowledged) > 20
    assert stored == [*acknowledged, "after"]
    assert end["counted"] == len(acknowledged), "the state must not have run ahead of the log"
    assert isinstance(end["rebuilds"], int)
    assert end["rebuilds"] >= 2
    log = SqliteLog(folder / "log.db", create=False)
    report = verify_features(log, {CATALOG.digest: CATALOG})
    log.close()
    assert (report.mismatches, report.records) == (0, len(stored))


def test_on_a_full_disk_nothing_is_acknowledged_and_the_state_follows_the_log(
    tmp_path: Path,
) -> None:
    check_outage(tmp_path, run("fill", tmp_path, 2_000_000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB with a ballast file of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow mounting a tmpfs")
    (disk / "ballast").write_bytes(bytes(2 << 20))
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_real_full_file_system_is_survived_too(small_disk: Path) -> None:
    check_outage(small_disk, run("fill-disk", small_disk, 0))
