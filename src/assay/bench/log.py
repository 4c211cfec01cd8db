"""What does it cost that nothing is acknowledged before it is on disk? Groups of a hundred events.

The peer of each figure is the disk itself: the same bytes appended to a plain file, synced after
every group, in the same run. Where the disk is busy both suffer, so the ratio means more than the
rate; the processor's share is given apart, since it does not depend on the disk.
"""

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from assay.adapters.sqlite.log import LOG_SCHEMA, SqliteLog
from assay.adapters.sqlite.log_rows import encode_row
from assay.bench.report import Row, Timing, report, row, summarised
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.runtime.clock import LogClock
from assay.runtime.memory import MemoryLists
from assay.runtime.online import Engine
from assay.runtime.ports import Entry
from assay.workloads.cards.workload import CARDS

_GROUP, _AT = 100, 1_767_225_600_000_000
_PLACES = "(?,?,?,?,?,?,?)"
_SYNC = re.compile(r"\b(fsync|fdatasync)\(")

Group = Sequence[Entry]


def run(seed: int, *, events: int = 60_000, repeats: int = 3) -> dict[str, object]:
    """Measure appends and acknowledgements, with and without knowing every id again."""
    groups = _groups(seed, events)
    found: dict[str, list[_Played]] = {}
    for _ in range(repeats):  # by turns, so that a busy disk disturbs all alike
        for name, play in _PLAYS.items():
            with TemporaryDirectory(prefix="assay-bench-") as folder:
                found.setdefault(name, []).append(play(Path(folder), groups))
    rows = [
        *_rows("append, ids known again for ever", found["known"], found["floor"], events),
        *_rows("append, without knowing ids again", found["unknown"], found["floor"], events),
        *_rows("JSON in, checked, state, durable", found["engine"], found["floor"], events),
        _syncs(),
    ]
    return report("log", seed=seed, rows=rows)


class _Played(msgspec.Struct):
    """Seconds of each group from call to durable, of the processor, and of the whole."""

    each: list[float]
    processor: float
    whole: float


def card_events(seed: int, events: int) -> list[Event]:
    """Card transactions in order of time, under random ids."""
    draw = np.random.default_rng(seed)
    ids = draw.integers(0, 2**62, events)
    return [
        Event(
            f"e{ids[at]:016x}",
            "transaction",
            _AT + at * 1_000,
            {
                "customer_id": f"c{draw.integers(0, 5_000)}",
                "terminal_id": f"t{draw.integers(0, 2_000)}",
                "amount": int(draw.integers(1, 100_000)),
                "local_time": _AT + at * 1_000,
            },
        )
        for at in range(events)
    ]


def _groups(seed: int, events: int) -> list[Group]:
    entries = [
        Entry(seq=at, event=event, known_at=_AT, accepted=True)
        for at, event in enumerate(card_events(seed, events), start=1)
    ]
    return [entries[start : start + _GROUP] for start in range(0, events, _GROUP)]


def _played(groups: Sequence[Group], append: Callable[[Group], object]) -> _Played:
    each, began = [], time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF)
    for group in groups:
        start = time.perf_counter()
        append(group)
        each.append(time.perf_counter() - start)
    now = resource.getrusage(resource.RUSAGE_SELF)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return _Played(each, processor, time.perf_counter() - began)


def _known(folder: Path, groups: Sequence[Group]) -> _Played:
    log = SqliteLog(folder / "log.db")
    try:
        return _played(groups, log.append)
    finally:
        log.close()


def _unknown(folder: Path, groups: Sequence[Group]) -> _Played:
    """The log's own table and rows, without the index by which an id is known again."""
    connection = sqlite3.connect(folder / "log.db", isolation_level=None)
    for pragma in ("synchronous = FULL", "journal_mode = WAL", "wal_autocheckpoint = 8000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(LOG_SCHEMA[0].replace("UNIQUE", ""))
    statement = "INSERT INTO entry VALUES " + ",".join([_PLACES] * _GROUP)  # noqa: S608 - constant

    def append(group: Group) -> None:
        connection.execute(statement, [value for entry in group for value in encode_row(entry)])

    try:
        return _played(groups, append)
    finally:
        connection.close()


def _floor(folder: Path, groups: Sequence[Group]) -> _Played:
    """The same bytes at the end of a file, and nothing else."""
    with (folder / "bytes").open("ab", buffering=0) as file:

        def append(group: Group) -> None:
            file.write(b"".join([encode_row(entry)[4] for entry in group]))
            os.fdatasync(file.fileno())

        return _played(groups, append)


def _engine(folder: Path, groups: Sequence[Group]) -> _Played:
    """From JSON to the acknowledgement: contract, idempotence, verdict, feature state, log."""
    log = SqliteLog(folder / "log.db")
    engine = Engine.recover(
        contracts=CARDS.contracts,
        catalog=CARDS.catalog,
        policy=None,
        scorer=None,
        lists=MemoryLists(),
        log=log,
        quarantine=log,
        clock=LogClock(),
        horizon=10**15,
    )
    wire = {id(group): [encode_event(entry.event) for entry in group] for group in groups}
    try:
        return _played(groups, lambda group: engine.ingest(wire[id(group)]).result())
    finally:
        engine.close()
        log.close()


_PLAYS = {"known": _known, "unknown": _unknown, "engine": _engine, "floor": _floor}


def _rows(name: str, ours: list[_Played], floor: list[_Played], events: int) -> list[Row]:
    disk = "write + fdatasync"
    return [
        row(f"{name}: rate", _rate(ours, events), "events/s", disk, _rate(floor, events)),
        row(f"{name}: acknowledged, p50", _p(ours, 0.5), "ms", disk, _p(floor, 0.5)),
        row(f"{name}: acknowledged, p99", _p(ours, 0.99), "ms", disk, _p(floor, 0.99)),
        row(f"{name}: processor", _cpu(ours, events), "us/event", disk, _cpu(floor, events)),
    ]


def _rate(played: list[_Played], events: int) -> Timing:
    return summarised([events / one.whole for one in played])


def _p(played: list[_Played], share: float) -> Timing:
    return summarised([1e3 * float(np.quantile(one.each, share)) for one in played])


def _cpu(played: list[_Played], events: int) -> Timing:
    return summarised([1e6 * one.processor / events for one in played])


def _syncs(groups: int = 100) -> Row:
    """How often the disk is asked to sync, counted by the system itself; the least is 1 a group."""
    name, found, why = "syncs of the disk a group", None, "strace is not installed or not allowed"
    if shutil.which("strace") is not None:
        with TemporaryDirectory(prefix="assay-bench-") as folder:
            trace = Path(folder) / "trace"
            code = (
                "from pathlib import Path; from assay.bench.log import _groups, _known; "
                f"_known(Path({folder!r}), _groups(1, {groups * _GROUP}))"
            )
            watched = ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync"]
            command = [*watched, sys.executable, "-c", code]
            done = subprocess.run(command, check=False)  # noqa: S603 - ours
            if done.returncode == 0:
                found = len(_SYNC.findall(trace.read_text(encoding="utf-8"))) / groups
    if found is None:
        return row(name, Timing(0.0, 0.0, 0.0), "syncs", "one a group", None, why=why)
    return row(name, Timing(found, found, found), "syncs", "one a group", Timing(1.0, 1.0, 1.0))
