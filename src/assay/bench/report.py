"""What does a benchmark print? One object that says what was measured, where, and beside whom."""

import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec


class Timing(msgspec.Struct, frozen=True):
    """Repeated measurements of one thing, in the unit of the row: middle and extremes."""

    median: float
    low: float
    high: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, and the peer's for the same work where the peer ran.

    ``ratio`` above 1 means ours is better, whatever the unit; None when ``peer_value`` is, and
    ``why`` then says why the peer could not run. ``low`` and ``high`` are the extremes of the
    repeats of ``value``.
    """

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float | None
    ratio: float | None
    why: str = ""
    low: float | None = None
    high: float | None = None


def row(
    name: str, ours: Timing, unit: str, peer: str, theirs: Timing | None, *, why: str = ""
) -> Row:
    """A row from two timings; rates (``.../s``) are better high, everything else low.

    Example:
        >>> fast, slow = Timing(2.0, 1.9, 2.2), Timing(6.0, 6.0, 6.0)
        >>> row("backfill", fast, "s", "polars", slow).ratio
        3.0
        >>> row("updates", fast, "events/s", "river", slow).ratio
        0.333
    """
    ratio = None
    if theirs is not None:
        faster = ours.median / theirs.median
        ratio = round(faster if unit.endswith("/s") else 1 / faster, 3)
    return Row(
        name=name,
        value=ours.median,
        unit=unit,
        peer=peer,
        peer_value=None if theirs is None else theirs.median,
        ratio=ratio,
        why="" if theirs is not None else why or "the peer was not run",
        low=ours.low,
        high=ours.high,
    )


def timed(*functions: Callable[[], object], repeats: int = 5) -> list[Timing]:
    """Seconds of each function: one warm-up, then ``repeats`` rounds that take turns.

    Turns, so that a busy neighbour disturbs ours and the peer's alike.
    """
    for function in functions:
        function()
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for found, function in zip(seconds, functions, strict=True):
            start = time.perf_counter()
            function()
            found.append(time.perf_counter() - start)
    return [summarised(found) for found in seconds]


def summarised(values: Iterable[float]) -> Timing:
    """Median and extremes of measurements."""
    found = sorted(values)
    return Timing(statistics.median(found), found[0], found[-1])


def per_second(seconds: Timing, count: int) -> Timing:
    """A rate from the seconds that ``count`` things took."""
    return Timing(count / seconds.median, count / seconds.high, count / seconds.low)


def report(
    benchmark: str, *, seed: int, rows: Iterable[Row], packages: Iterable[str] = ()
) -> dict[str, object]:
    """The object that ``assay bench --json`` prints."""
    versions = {"python": platform.python_version(), "assay": _version("assay")}
    versions |= {name: _version(name) for name in packages}
    return {
        "benchmark": benchmark,
        "machine": machine(),
        "versions": versions,
        "seed": seed,
        "rows": [_printed(item) for item in rows],
    }


def machine() -> dict[str, str | int]:
    """What it ran on: processor, cores this process may use, system, load when it started."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
        "system": f"{platform.system()} {platform.machine()}",
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
    }


def _printed(item: Row) -> dict[str, object]:
    printed = msgspec.structs.asdict(item)
    if item.peer_value is not None:
        del printed["why"]
    return printed


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
