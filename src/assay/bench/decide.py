"""How fast is a whole decision over HTTP, beside a server that only serves the model?

Ours: one server process; per request about 100 windowed features from live state, 33 rules, one
list, 500 trees x 64 leaves, reasons, and a record that is on disk before the answer leaves. The
peer, MLServer, answers the same trees and does nothing else. Both are asked by the same load
process over 8 kept-alive connections, in turns.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import lightgbm
import numpy as np

from assay.bench import mlserver
from assay.bench.decide_home import LEAVES, TREES, Prepared, prepare
from assay.bench.load import Job, Result
from assay.bench.mlserver import MLSERVER
from assay.bench.peers import missing
from assay.bench.processes import (
    HOST,
    free_port,
    get,
    loaded,
    processor_seconds,
    resident_bytes,
    running,
)
from assay.bench.report import Row, Timing, report, row, summarised
from assay.bench.world import FEATURES, SPAN, START, bodies
from assay.bench.world_rules import RULES
from assay.core.errors import AssayError, Unavailable

_CONNECTIONS, _OPEN_CONNECTIONS, _BODIES = 8, 64, 20_000
#: Between live requests in event time: as often as in the history, so that no window fills up
#: just because a benchmark is fast.
_TIME_STEP = SPAN // 200_000
_RATES = (1_000, 500, 300, 200, 100)
_ALONE = "no peer does this work in the same run"
_WHAT = (
    f"decision over HTTP: {len(FEATURES)} features, {len(RULES)} rules, {TREES} x {LEAVES} model"
)


def run(
    seed: int,
    *,
    history: int = 200_000,
    seconds: float = 4.0,
    repeats: int = 3,
    open_seconds: float = 20.0,
    rate: float | None = None,
) -> dict[str, object]:
    """Measure and report; see the rows' names for what is done.

    Args:
        seed: of the simulated traffic.
        history: events in the log and the live state when the first request comes.
        seconds: of each closed-loop run, after a second of warm-up.
        repeats: of the closed-loop runs; ours and the peer's take turns.
        open_seconds: of the open-loop run.
        rate: of the open-loop run, requests a second; by default the largest of 1,000, 500, 300,
            200 and 100 that is at most 60 % of what the closed loop reached.

    Raises:
        Unavailable: the server did not start, or the load process failed.
        NotServed: answers were not decisions.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = prepare(folder / "home", seed, history)
        (folder / "requests").write_bytes(bodies(seed, _BODIES))
        rows = _served(made, folder, repeats, seconds, open_seconds, rate)
    rows += list(_model_rows(made, repeats))
    packages = ("lightgbm", "cel-expr-python", "uvicorn", "uvloop", "numpy", "numba")
    return report("decide", seed=seed, rows=rows, packages=packages)


class NotServed(AssayError):
    """Requests were answered with something else than a decision, so their times say nothing."""

    code = "bench_not_served"


class _Measured(NamedTuple):
    """A closed-loop run, and the server's processor time a request.

    Of all figures that time suffers least from what else runs on the machine.
    """

    result: Result
    processor_us: float

    @classmethod
    def of(cls, process: int, run: Callable[[], Result]) -> "_Measured":
        """Run and measure the process meanwhile."""
        before = processor_seconds(process)
        result = run()
        return cls(result, (processor_seconds(process) - before) / result.sent * 1e6)


class _Runner:
    """The running server: loads it, and never sends the same request twice."""

    def __init__(self, made: Prepared, folder: Path, port: int) -> None:
        self._made, self._folder, self._port, self._sent = made, folder, port, 0

    def load(self, seconds: float, rate: float | None = None) -> Result:
        """One run of the load process: a closed loop, or an open one at ``rate``."""
        job = Job(
            host=HOST,
            port=self._port,
            path="/v1/decisions",
            bodies=str(self._folder / "requests"),
            headers={"Authorization": f"Bearer {self._made.token}"},
            connections=_CONNECTIONS if rate is None else _OPEN_CONNECTIONS,
            seconds=seconds,
            rate=rate,
            first=self._sent,
            time=START + SPAN,
            time_step=_TIME_STEP,
        )
        result = loaded(job, self._folder)
        self._sent += result.sent
        if result.errors and rate is None:  # an open loop reports them
            raise NotServed(f"{result.errors} of {result.sent} requests failed: {result.statuses}")
        return result

    def metrics(self) -> str:
        """What the server says of itself."""
        return get(self._port, "/metrics", self._made.token)[1].decode()


def _served(
    made: Prepared,
    folder: Path,
    repeats: int,
    seconds: float,
    open_seconds: float,
    rate: float | None,
) -> list[Row]:
    port = free_port()
    command = [sys.executable, "-m", "assay.bench.server", str(made.home), made.policy, str(port)]
    with ExitStack() as open_servers:
        process = open_servers.enter_context(
            running(command, port, "/readyz", folder / "server.log")
        )
        ours = _Runner(made, folder, port)
        state = _gauge(ours.metrics(), "assay_state_bytes") / made.history
        ask_peer, why = _peer(open_servers, made, folder, seconds)
        closed, theirs = [], []
        for _ in range(repeats):
            closed.append(_Measured.of(process, lambda: ours.load(seconds)))
            if ask_peer is not None:
                theirs.append(ask_peer())
        reached = summarised(found.result.rate for found in closed).median
        chosen = rate or next((r for r in _RATES if r <= 0.6 * reached), _RATES[-1])
        opened = ours.load(open_seconds, float(chosen))
        rows = [*_closed_rows(closed, theirs, why), *_open_rows(opened, chosen, open_seconds)]
        rows += _outcome_rows(ours.metrics())
        rows += _size_rows(resident_bytes(process), state, made)
        rows.append(_disk_row(folder))
    return rows


def _peer(
    stack: ExitStack, made: Prepared, folder: Path, seconds: float
) -> tuple[Callable[[], _Measured] | None, str]:
    why = missing(MLSERVER)
    if why:
        return None, why
    try:
        port, process = stack.enter_context(mlserver.serving(made.model, folder / "mlserver"))
    except Unavailable as error:
        return None, str(error)
    (folder / "peer").write_bytes(mlserver.bodies(made.rows))
    job = Job(
        host=HOST,
        port=port,
        path=mlserver.PATH,
        bodies=str(folder / "peer"),
        connections=_CONNECTIONS,
        seconds=seconds,
    )
    return lambda: _Measured.of(process, lambda: loaded(job, folder)), ""


def _closed_rows(ours: list[_Measured], theirs: list[_Measured], why: str) -> Iterator[Row]:
    for name, unit, read in (
        ("throughput", "requests/s", lambda found: found.result.rate),
        ("p50", "ms", lambda found: found.result.p50),
        ("p99", "ms", lambda found: found.result.p99),
        ("processor time of the server", "us/request", lambda found: found.processor_us),
    ):
        peer = summarised(map(read, theirs)) if theirs else None
        title = f"{_WHAT}, closed loop, {_CONNECTIONS} connections, {name}"
        yield row(title, summarised(map(read, ours)), unit, "mlserver (model only)", peer, why=why)


def _open_rows(found: Result, rate: float, seconds: float) -> Iterator[Row]:
    what = f"decision, open loop at {rate:,.0f}/s for {seconds:.0f} s"
    for name, value in (("p50", found.p50), ("p99", found.p99), ("p99.9", found.p999)):
        yield _alone(f"{what}, {name}", value, "ms")
    yield _alone(f"{what}, errors", float(found.errors), "requests")


def _outcome_rows(metrics: str) -> Iterator[Row]:
    """What was decided: a server that only approves, or skips its stages, would be fast too."""
    counts = {
        (found["outcome"], found["degraded"]): float(found["value"])
        for found in re.finditer(
            r'assay_decisions_total\{degraded="(?P<degraded>\w+)",outcome="(?P<outcome>\w+)"\} '
            r"(?P<value>\S+)",
            metrics,
        )
    }
    total = sum(counts.values())
    approved = sum(value for (outcome, _), value in counts.items() if outcome == "approve")
    degraded = sum(value for (_, yes), value in counts.items() if yes == "yes")
    yield _alone("decisions not approved, with contributions", 100 - 100 * approved / total, "%")
    yield _alone("decisions degraded", 100 * degraded / total, "%")


def _size_rows(resident: int | None, state: float, made: Prepared) -> Iterator[Row]:
    if resident is not None:
        what = f"server memory after the run, {made.history:,} events of history"
        yield _alone(what, resident / 2**20, "MiB")
    yield _alone(f"feature state, {len(FEATURES)} features, per event", state, "bytes")


def _disk_row(folder: Path) -> Row:
    """What every decision waits for at least: the disk, as busy as it is now."""
    seconds = []
    with (folder / "synced").open("wb") as file:
        for _ in range(100):
            file.write(bytes(4096))
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - start)
    found = [float(value) * 1e3 for value in np.percentile(seconds, (50, 10, 90))]
    timing = Timing(*found)
    return row(
        "fsync of 4 KiB beside the log, p50 (p10, p90)", timing, "ms", "none", None, why=_ALONE
    )


def _model_rows(made: Prepared, repeats: int) -> Iterator[Row]:
    """One row at a time, never the same twice in a row: a repeated row flatters threefold."""
    booster = lightgbm.Booster(model_str=made.model)
    scorer, rows = made.scorer, [np.ascontiguousarray(row) for row in made.rows[:2_000]]
    whole = [row.reshape(1, -1) for row in rows]
    ours, theirs = _p50s(
        lambda at: scorer.score(rows[at]),
        lambda at: booster.predict(whole[at], num_threads=1),
        len(rows),
        repeats,
    )
    name = f"model call, one row, {TREES} x {LEAVES}, calibrated, p50"
    yield row(name, ours, "us", "Booster.predict", theirs)
    ours, theirs = _p50s(
        lambda at: scorer.contributions(rows[at]),
        lambda at: booster.predict(whole[at], pred_contrib=True, num_threads=1),
        50,
        repeats,
    )
    yield row("contributions of one row, p50", ours, "us", "pred_contrib", theirs)


def _p50s(
    ours: Callable[[int], object], theirs: Callable[[int], object], count: int, repeats: int
) -> tuple[Timing, Timing]:
    """Median microseconds of a call, of ``repeats`` rounds that take turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for medians, function in zip(found, (ours, theirs), strict=True):
            seconds = []
            for at in range(count):
                start = time.perf_counter()
                function(at)
                seconds.append(time.perf_counter() - start)
            medians.append(float(np.median(seconds)) * 1e6)
    return summarised(found[0]), summarised(found[1])


def _alone(name: str, value: float, unit: str) -> Row:
    return row(name, Timing(value, value, value), unit, "none", None, why=_ALONE)


def _gauge(metrics: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else float("nan")
