"""Does a backfill stay in flat memory, and how does its time grow with the number of events?

Files and answers are kept under ``.bench/scale``: a run that was killed continues, and one that
was done answers at once. Remove the folder to measure anew.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from assay.bench.report import Row, Timing, report, row
from assay.bench.scale_world import CHUNK, part_of, write_chunks
from assay.core.errors import Invalid, Unavailable

FOLDER = Path(".bench") / "scale"
MEMORY, WORKERS = 4 << 30, 2
#: The share of the whole that each size has; the smallest is also done in memory.
_SHARES = (40, 8, 1)
_PROJECTED = 1_000_000_000
#: Bytes on disk for an event, at the peak: input, files between the steps, output (measured).
_DISK_BYTES = 220
_IN_MEMORY_MAX = 10_000_000


def run(seed: int, *, events: int = 10 * CHUNK, folder: Path = FOLDER) -> dict[str, object]:
    """Backfill a fortieth, an eighth and all of so many events; 21 values each.

    Args:
        seed: of the events.
        events: whole millions; the smallest size is a million.
        folder: where everything is kept.

    Raises:
        Invalid: fewer than a million events, or not whole millions.
        Unavailable: the disk has no room for it.
    """
    if events < CHUNK or events % CHUNK:
        raise Invalid(f"expected whole millions of events, got {events:,}")
    sizes = sorted({max(1, events // CHUNK // share) * CHUNK for share in _SHARES})
    here = folder / f"{events}-{seed}"
    here.mkdir(parents=True, exist_ok=True)
    _check_room(here, events)
    write_chunks(here / "events", events, seed)
    found = {size: _measured(here, size, in_memory=False) for size in sizes}
    smallest = sizes[0]
    whole = None
    if smallest <= _IN_MEMORY_MAX:
        whole = _measured(here, smallest, in_memory=True)
    rows = [
        *(_seconds_row(size, found[size], whole if size == smallest else None) for size in sizes),
        *(_memory_row(size, found[size], whole if size == smallest else None) for size in sizes),
        *_slope_rows(found),
    ]
    return report("scale", seed=seed, rows=rows, packages=("numba", "numpy", "pyarrow"))


def _measured(here: Path, events: int, *, in_memory: bool) -> dict[str, Any]:
    """The answer of one job, done now unless it was before; its output is removed."""
    name = f"{'memory' if in_memory else 'disk'}-{events}"
    answer, job, out = here / f"{name}.answer", here / f"{name}.json", here / name
    if not answer.exists():
        given = part_of(here / "events", here / f"events-{events}", events)
        told = {
            "given": str(given),
            "out": str(out),
            "memory": MEMORY,
            "workers": WORKERS,
            "in_memory": in_memory,
        }
        job.write_text(json.dumps(told), encoding="utf-8")
        command = [sys.executable, "-m", "assay.bench.scale_job", str(job)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            raise Unavailable(
                f"the backfill of {events:,} events failed; start again to continue it: "
                f"{done.stderr.strip().splitlines()[-1:]}"
            )
        answer.write_text(done.stdout, encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def _check_room(here: Path, events: int) -> None:
    held = sum(path.stat().st_size for path in here.rglob("*") if path.is_file())
    needed, free = events * _DISK_BYTES - held, shutil.disk_usage(here).free
    if needed > free:
        raise Unavailable(
            f"{events:,} events need about {needed / 1e9:.0f} GB of disk in {here}, "
            f"{free / 1e9:.0f} GB are free"
        )


def _seconds_row(events: int, ours: dict[str, Any], whole: dict[str, Any] | None) -> Row:
    return row(
        f"backfill out of core, {events:,} events x 21 values: seconds a million "
        f"(of a processor: {ours['processor_seconds'] * 1e6 / events:.1f}, without restarts)",
        _each(ours["seconds"] * 1e6 / events),
        "s",
        "the same in memory, at once",
        None if whole is None else _each(whole["seconds"] * 1e6 / events),
        why="does not fit in memory, or was not asked at this size",
    )


def _memory_row(events: int, ours: dict[str, Any], whole: dict[str, Any] | None) -> Row:
    return row(
        f"backfill out of core, {events:,} events: peak of resident memory (allowed: 4.3 GB)",
        _each(ours["peak_gb"]),
        "GB",
        "the same in memory, at once",
        None if whole is None else _each(whole["peak_gb"]),
        why="does not fit in memory, or was not asked at this size",
    )


def _slope_rows(found: dict[int, dict[str, Any]]) -> list[Row]:
    """A line through the sizes: seconds of each further million, and where it leads."""
    if len(found) < 2:
        return []
    millions = np.array(sorted(found)) / 1e6
    seconds = np.array([found[size]["seconds"] for size in sorted(found)])
    slope, start = np.polyfit(millions, seconds, 1)
    projected = start + slope * _PROJECTED / 1e6
    none = "a projection has no peer"
    return [
        row(
            "slope: seconds of each further million events", _each(slope), "s", "-", None, why=none
        ),
        row(
            f"projection, not measured: hours for {_PROJECTED:,} events",
            _each(projected / 3600),
            "h",
            "-",
            None,
            why=none,
        ),
    ]


def _each(value: float) -> Timing:
    return Timing(float(value), float(value), float(value))
