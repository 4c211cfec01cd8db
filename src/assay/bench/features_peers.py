"""How fast do peers compute the same features? Run by a peer's own Python: imports nothing of ours.

Usage: ``python features_peers.py FOLDER`` with FOLDER/events.npz (ts, card, cents, shop) and
FOLDER/job.json (peer, repeats, windows in microseconds, updates).
"""

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def seconds(function: Callable[[], object], repeats: int) -> list[float]:
    """What each repeat took, after one warm-up."""
    function()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return found


def duckdb_seconds(
    events: dict[str, Any], job: dict[str, Any], *, distinct: bool
) -> tuple[list[float], list[float]]:
    """Windows ``[T - w, T)`` as RANGE frames, one query for all: seconds, and each total."""
    duckdb, arrow = import_module("duckdb"), import_module("pyarrow")
    table = arrow.table(events)
    aggregates = "count(*) {o}, sum(cents) {o}, avg(cents) {o}, max(cents) {o}"
    aggregates += ", count(DISTINCT shop) {o}" if distinct else ""
    columns = [aggregates.format(o=f"OVER w{number}") for number in range(len(job["windows"]))]
    frames = [
        f"w{number} AS (PARTITION BY card ORDER BY ts "
        f"RANGE BETWEEN {window} PRECEDING AND 1 PRECEDING)"
        for number, window in enumerate(job["windows"])
    ]
    query = f"SELECT {', '.join(columns)} FROM events WINDOW {', '.join(frames)}"  # noqa: S608 - numbers of ours
    connection = duckdb.connect()
    connection.register("events", table)
    found = seconds(lambda: connection.execute(query).to_arrow_table(), job["repeats"])
    answer, compute = connection.execute(query).to_arrow_table(), import_module("pyarrow.compute")
    return found, [float(compute.sum(column).as_py() or 0) for column in answer.columns]


def river_seconds(events: dict[str, Any], job: dict[str, Any]) -> list[float]:
    """A ``TimeRolling`` per card, window and statistic; var in place of count, which it refuses."""
    stats, utils = import_module("river.stats"), import_module("river.utils")
    start = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - river compares with times without a zone
    periods = [dt.timedelta(microseconds=window) for window in job["windows"]]
    count = job["updates"]
    rows = [
        (card, cents, start + dt.timedelta(microseconds=ts))
        for card, cents, ts in zip(
            events["card"][:count].tolist(),
            events["cents"][:count].tolist(),
            events["ts"][:count].tolist(),
            strict=True,
        )
    ]

    def update_all() -> None:
        states: dict[int, list[Any]] = {}
        for card, cents, at in rows:
            if card not in states:
                states[card] = [
                    utils.TimeRolling(made(), period=period)
                    for period in periods
                    for made in (stats.Mean, stats.Sum, stats.Var)
                ]
            for state in states[card]:
                state.update(cents, t=at)

    return seconds(update_all, job["repeats"])


def main(folder: Path) -> dict[str, list[float]]:
    """The seconds of every repeat, by what was measured."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with np.load(folder / "events.npz") as held:
        events = {name: held[name] for name in held.files}
    if job["peer"] == "river":
        return {"updates": river_seconds(events, job)}
    answers = {}
    for measured, distinct in (("all", True), ("plain", False)):
        found = duckdb_seconds(events, job, distinct=distinct)
        answers[measured], answers[f"{measured}_totals"] = found
    return answers


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
