"""A backfill that dies at any write, or under SIGKILL, ends with the bytes of one that did not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.property.backfill.cut import backfilled, differences, table_of
from tests.property.features.worlds import CONTRACTS, FEATURES, PAID, START

from assay.contracts.event import Event
from assay.core.errors import Conflict, Corrupt, Unavailable
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.runtime.backfill_job import Shape

CATALOG = Catalog(request=PAID, contracts=CONTRACTS, features=FEATURES[::101])
SHAPE = Shape((START + 10, START + 20), 2, 30)


class Killed(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


def payments(count: int, seed: int = 5) -> list[Event]:
    rng = np.random.default_rng(seed)
    return [
        Event(
            f"e{number}",
            "paid",
            START + int(rng.integers(0, 30)),
            {
                "card": f"c{rng.integers(0, 9)}",
                "user": "u",
                "cents": int(rng.integers(-9, 9)),
                "shop": f"s{rng.integers(0, 3)}",
                "risk": float(rng.integers(0, 8)),
                "present": bool(rng.integers(0, 2)),
            },
        )
        for number in range(count)
    ]


def written(folder: Path) -> dict[str, bytes]:
    """Every file of a finished output."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def given(tmp_path: Path) -> Path:
    pq.write_table(table_of(payments(200)), tmp_path / "in.parquet", row_group_size=40)
    return tmp_path / "in.parquet"


def test_dying_at_any_write_changes_no_byte(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the rename, between rename and journal, after the journal: all are fsyncs."""
    real, calls = os.fsync, [0]

    def counted(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] == calls_max:
            raise Killed
        real(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    calls_max = 0
    backfilled(given, tmp_path / "whole", CATALOG, CONTRACTS, SHAPE)
    whole, writes = written(tmp_path / "whole"), calls[0]
    assert writes > 40
    assert differences(tmp_path / "whole", backfill(CATALOG, payments(200))) == []
    resumed = []
    for point in range(1, writes + 1, 4):
        out = tmp_path / f"killed-{point}"
        calls[0], calls_max = 0, point
        with pytest.raises(Killed):
            backfilled(given, out, CATALOG, CONTRACTS, SHAPE)
        calls_max = 0
        resumed.append(backfilled(given, out, CATALOG, CONTRACTS, SHAPE).resumed_steps)
        assert written(out) == whole
    assert resumed[-1] > resumed[0]


def test_a_changed_input_or_another_job_is_refused(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr("assay.adapters.parquet.stages.join_range", _fail)
        with pytest.raises(Killed):
            backfilled(given, out, CATALOG, CONTRACTS, SHAPE)
    other = Catalog(request=PAID, contracts=CONTRACTS, features=FEATURES[::200])
    with pytest.raises(Conflict, match="its catalog, its contracts or the format"):
        backfilled(given, out, other, CONTRACTS, SHAPE)
    before = given.read_bytes()
    pq.write_table(table_of(payments(201)), given)
    with pytest.raises(Conflict, match=r"the input changed \(in.parquet\)"):
        backfilled(given, out, CATALOG, CONTRACTS, SHAPE)
    given.write_bytes(before)
    done = backfilled(given, out, CATALOG, CONTRACTS, SHAPE)
    assert backfilled(given, out, CATALOG, CONTRACTS, SHAPE).requests == done.requests
    with pytest.raises(Conflict, match="the output of another backfill"):
        backfilled(given, out, other, CONTRACTS, SHAPE)
    manifest = json.loads((out / "manifest.json").read_bytes())
    del manifest["unused"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Corrupt, match="lacks unused: name a new folder"):
        backfilled(given, out, CATALOG, CONTRACTS, SHAPE)


def test_a_full_disk_says_what_to_do_and_loses_nothing(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "out", os.fsync
    calls = [0]

    def full(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] > 20:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left on device"):
            backfilled(given, out, CATALOG, CONTRACTS, SHAPE)
    assert backfilled(given, out, CATALOG, CONTRACTS, SHAPE).resumed_steps > 0
    assert differences(out, backfill(CATALOG, payments(200))) == []


def test_a_file_that_was_damaged_between_two_runs_is_noticed(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr("assay.adapters.parquet.stages.join_range", _fail)
        with pytest.raises(Killed):
            backfilled(given, out, CATALOG, CONTRACTS, SHAPE)
    victim = next((out / ".work" / "filled-0").glob("*.arrow"))
    victim.write_bytes(victim.read_bytes()[:100])
    with pytest.raises(Corrupt, match="start over"):
        backfilled(given, out, CATALOG, CONTRACTS, SHAPE)


def _fail(*_: object) -> None:
    raise Killed


def _command(given: Path, out: Path) -> list[str]:
    return [
        sys.executable, "-m", "assay.cli.main", "backfill", "--workload", "cards",
        "--events", str(given), "--out", str(out), "--memory", "512MiB", "--json",
    ]  # fmt: skip


def test_sigkill_between_steps_and_inside_them(tmp_path: Path) -> None:
    """The command itself, killed twice: what it then ends with is what it would have been."""
    rng = np.random.default_rng(3)
    events = [
        Event(
            f"t{number:06}",
            "transaction",
            1_700_000_000_000_000 + int(ts),
            {
                "customer_id": f"c{rng.integers(0, 500)}",
                "terminal_id": f"t{rng.integers(0, 900)}",
                "amount": int(rng.integers(100, 50_000)),
                "local_time": 1_700_000_000_000_000 + int(ts),
            },
        )
        for number, ts in enumerate(np.sort(rng.integers(0, 10**13, 30_000)))
    ]
    given = tmp_path / "in.parquet"
    pq.write_table(table_of(events), given, row_group_size=3_000)
    whole = subprocess.run(
        _command(given, tmp_path / "whole"), check=True, capture_output=True, text=True
    )
    told = json.loads(whole.stdout)
    assert (told["events"], told["requests"], told["resumed_steps"]) == (30_000, 30_000, 0)
    journal = tmp_path / "out" / ".work" / "journal.jsonl"
    for lines in (3, 8):
        process = subprocess.Popen(
            _command(given, tmp_path / "out"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        while process.poll() is None and _lines(journal) < lines:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    last = subprocess.run(
        _command(given, tmp_path / "out"), check=True, capture_output=True, text=True
    )
    assert json.loads(last.stdout)["resumed_steps"] > 0
    assert written(tmp_path / "out") == written(tmp_path / "whole")


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
