"""What do ten thousand, a million, five million keys cost: an event in time, a key in bytes?

And what does a restart cost from a snapshot, beside folding the same events again?
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from assay.adapters.files.snapshots import SnapshotFiles
from assay.bench.features_world import PAID, by_card
from assay.bench.report import Row, Timing, report, row
from assay.contracts.event import Event
from assay.core.time import TIME_MIN
from assay.features.state import FeatureState
from assay.runtime.live import Live
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.snapshot import dump, fold_log, restore

KEYS = (10_000, 100_000, 1_000_000, 5_000_000)
_PROBED, _STEP = 20_000, 1_000
_LOGGED = 200_000
_US = 1e6
_T = TypeVar("_T")


def run(
    seed: int, *, keys: Sequence[int] = KEYS, probed: int = _PROBED, logged: int = _LOGGED
) -> dict[str, object]:
    """Measure and report.

    Args:
        seed: of the keys that are asked and updated.
        keys: how many keys a state has, smallest first: the first is what the others are held to.
        probed: events applied to random keys, and requests read, at each size.
        logged: entries of the log that is folded and of which a snapshot is taken.
    """
    # What is measured is compiled first; the backfill, which `warm` compiles too, is not asked.
    _probe(FeatureState(by_card(distinct=True)), [1, 2] * 200, 200)
    rows = [*_growth(seed, keys, probed), *_restart(seed, logged)]
    return report("growth", seed=seed, rows=rows, packages=("numba", "numpy"))


def _growth(seed: int, keys: Sequence[int], probed: int) -> Iterator[Row]:
    rng = np.random.default_rng(seed)
    state, made = FeatureState(by_card(distinct=True)), 0
    base: list[Timing] = []
    for count in keys:
        for number in range(made, count):  # every key has two events, as most have few
            state.apply(_payment(2 * number, number))
            state.apply(_payment(2 * number + 1, number))
        made = count
        found = _probe(state, rng.integers(0, count, 2 * probed).tolist(), probed)
        found.append(Timing(*[state.bytes_used / count] * 3))
        base = base or found
        names = ("an event applied", "a request read", "memory")
        for name, unit, ours, first in zip(
            names, ("us", "us", "bytes/key"), found, base, strict=True
        ):
            what = f"{name}, {count:,} keys of 2 events, 15 features"
            yield row(what, ours, unit, f"{keys[0]:,} keys", first)


def _probe(state: FeatureState, chosen: list[int], probed: int) -> list[Timing]:
    """Microseconds of an event and of a read: median and extremes of the means of chunks."""
    last = max(chosen)
    applied: list[float] = []
    read: list[float] = []
    steps: tuple[tuple[Callable[[Event], object], list[float], list[int]], ...] = (
        (state.apply, applied, chosen[:probed]),
        (state.read, read, chosen[probed:]),
    )
    for work, seconds, asked in steps:
        events = [_payment(10 * last + place, key) for place, key in enumerate(asked)]
        for start in range(0, probed, _STEP):
            chunk = events[start : start + _STEP]
            began = time.perf_counter()
            for event in chunk:
                work(event)
            seconds.append((time.perf_counter() - began) / len(chunk) * _US)
    return [
        Timing(float(np.median(seconds)), min(seconds), max(seconds)) for seconds in (applied, read)
    ]


def _restart(seed: int, logged: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    catalog = by_card(distinct=True)
    events = (_payment(n, key) for n, key in enumerate(rng.integers(0, logged, logged).tolist()))
    log = MemoryLog(
        Entry(seq=seq, event=event, known_at=event.ts, accepted=True)
        for seq, event in enumerate(events, start=1)
    )

    def make() -> Live:
        return Live(catalog, 0, 0)

    folded, live = _taken(lambda: fold_log(log, make))
    with TemporaryDirectory() as folder:
        store = SnapshotFiles(Path(folder))
        saved, _ = _taken(lambda: store.save(dump(live, log)))
        loaded, _ = _taken(lambda: restore(store.load(logged), make(), log))
    what = f"{logged:,} entries, already decoded"
    return [
        row(f"restart from a snapshot of {what}", loaded, "s", "folding them", folded),
        row(f"a snapshot of {what}, synced to disk", saved, "s", "folding them", folded),
    ]


def _taken(work: Callable[[], _T]) -> tuple[Timing, _T]:
    """Seconds of one run, and what it gave."""
    began = time.perf_counter()
    given = work()
    seconds = time.perf_counter() - began
    return Timing(seconds, seconds, seconds), given


def _payment(number: int, key: int) -> Event:
    body = {"card": f"card-{key}", "shop": f"shop-{number % 2_000}", "cents": 100 + number % 90_000}
    return Event(f"payment-{number:010}", PAID.type, TIME_MIN + 1_000 * number, body)
