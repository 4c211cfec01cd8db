"""kill -9 under load: whatever was acknowledged is there, and values are the same to the bit."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.unit.decisions.small import AT, CATALOG, MODEL, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine

from assay.adapters.sqlite.log import SqliteLog
from assay.runtime.replay import verify_decisions, verify_features

ROOT = Path(__file__).resolve().parents[2]


def killed_under_load(folder: Path, first: int, after: int) -> list[dict[str, Any]]:
    """What a process told before it was killed, at a moment it could not choose."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.engine_process", "load", str(folder), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        watchdog = threading.Timer(100, process.kill)
        watchdog.start()
        lines: list[dict[str, Any]] = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if len(lines) == after:
                process.kill()
        # What was in the pipe was told before the kill; a torn last line was not.
        watchdog.cancel()
        assert len(lines) >= after, process.stderr.read()[-2000:]
    assert process.returncode == -9
    return lines


@pytest.mark.parametrize("after", [60, 333])
def test_nothing_acknowledged_is_missing_after_kill_nine(tmp_path: Path, after: int) -> None:
    told: list[dict[str, Any]] = []
    last = 0
    for _round in range(3):
        lines = killed_under_load(tmp_path, last, after)
        assert lines[0]["last"] == last, "a restart must find everything the log holds"
        told += lines[1:]
        log = SqliteLog(tmp_path / "log.db", create=False)
        last = log.last_seq()
        for line in told:
            entry = log.entry(line["event"])
            assert entry is not None, f"{line['event']} was acknowledged and is gone"
            if line["decision"] is not None:
                record = log.decision(line["decision"])
                assert record is not None
                assert record == entry.record
                assert (record.bits + record.known).hex() == line["bits"]
        log.close()
    log = SqliteLog(tmp_path / "log.db", create=False)
    features = verify_features(log, {CATALOG.digest: CATALOG})
    assert (features.mismatches, features.events) == (0, last)
    policy = compiled()
    decisions = verify_decisions(log, {policy.policy.digest: policy}, {MODEL: LinearScorer()})
    assert decisions.differences == ()
    engine = make_engine(log)
    again = next(line for line in told if line["decision"] is not None)
    number = int(again["event"][1:])
    ts = AT + number * 1_000_000 - (40_000_000 if number % 5 == 0 else 0)
    raw = body(again["event"], ts, user_id=f"u{number % 7}", amount=1 + number % 900)
    assert engine.decide(raw, key=f"k{number}").result(10).id == again["decision"]
    assert log.last_seq() == last, "the same request after the crash gets the same answer"
    engine.close()
    log.close()
