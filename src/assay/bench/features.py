"""How fast are features read, updated and backfilled, beside those who do the same?"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from assay.bench import features_peers
from assay.bench.features_reads import read_rows
from assay.bench.features_world import WINDOWS, Payments, by_card, payments
from assay.bench.peers import DUCKDB, RIVER, Peer, ask, missing
from assay.bench.report import Row, Timing, per_second, report, row, summarised, timed
from assay.core.errors import AssayError, Unavailable
from assay.features.backfill import backfill_columns
from assay.features.frame import Frame
from assay.features.state import FeatureState


def run(
    seed: int,
    *,
    events: int = 1_000_000,
    updates: int = 100_000,
    reads: int = 5_000,
    repeats: int = 3,
) -> dict[str, object]:
    """Measure and report; see the rows' names for what is done.

    Args:
        seed: of the simulated payments.
        events: backfilled at once.
        updates: applied one by one, and present when reading.
        reads: requests answered one by one, all different.
        repeats: of everything but reads, after one warm-up.
    """
    made = payments(seed, max(events, updates + reads))
    with TemporaryDirectory() as folder:
        asked = _Asked(Path(folder), made, events, updates, repeats)
        rows = [
            *read_rows(made, updates, reads),
            _update_row(made, updates, repeats, asked),
            *_backfill_rows(made, events, repeats, asked),
        ]
    return report("features", seed=seed, rows=rows, packages=("numba", "numpy", "polars"))


class _Asked:
    """The peers that live in environments of their own, asked once each."""

    def __init__(
        self, folder: Path, made: Payments, events: int, updates: int, repeats: int
    ) -> None:
        self._folder, self._answers = folder, dict[str, dict[str, list[float]]]()
        self._job = {"repeats": repeats, "windows": WINDOWS, "updates": updates}
        np.savez(
            folder / "events.npz",
            ts=made.ts[:events],
            card=made.card[:events],
            cents=made.cents[:events],
            shop=made.shop[:events],
        )

    def timing(self, peer: Peer, measured: str) -> tuple[Timing | None, str]:
        """The peer's seconds, or None and why not."""
        why = missing(peer)
        if why:
            return None, why
        if peer.name not in self._answers:
            job = json.dumps({**self._job, "peer": peer.name})
            (self._folder / "job.json").write_text(job, encoding="utf-8")
            try:
                script = Path(features_peers.__file__)
                self._answers[peer.name] = ask(peer, script, self._folder)
            except Unavailable as error:
                return None, str(error)
        return summarised(self._answers[peer.name][measured]), ""


def _update_row(made: Payments, updates: int, repeats: int, asked: _Asked) -> Row:
    catalog, history = by_card(distinct=True), list(made.events(updates))

    def update_all() -> None:
        FeatureState(catalog).apply_all(history)

    [ours] = timed(update_all, repeats=repeats)
    theirs, why = asked.timing(RIVER, "updates")
    return row(
        "live update, one event a call, 15 features (river: 9)",
        per_second(ours, updates),
        "events/s",
        "river",
        None if theirs is None else per_second(theirs, updates),
        why=why,
    )


def _backfill_rows(made: Payments, events: int, repeats: int, asked: _Asked) -> list[Row]:
    """With and without distinct shops, beside Polars in this process and DuckDB in its own."""
    columns = {"paid": made.columns(events)}
    table = pl.DataFrame(
        {"ts": made.ts, "card": made.card, "cents": made.cents, "shop": made.shop}
    ).head(events)
    rows = []
    for distinct, measured, what in (
        (True, "all", "count, sum, mean, max, distinct"),
        (False, "plain", "count, sum, mean, max"),
    ):
        catalog = by_card(distinct=distinct)
        _check_same_sums(backfill_columns(catalog, columns), _polars(table, distinct=distinct))
        ours, polars = timed(
            lambda catalog=catalog: backfill_columns(catalog, columns),  # type: ignore[misc]  # binds the loop's value
            lambda distinct=distinct: _polars(table, distinct=distinct),  # type: ignore[misc]  # the same
            repeats=repeats,
        )
        name = f"backfill of {events:,} events, 50,000 keys, 3 windows x ({what})"
        duckdb, why = asked.timing(DUCKDB, measured)
        rows.append(row(name, ours, "s", "polars", polars))
        rows.append(row(name, ours, "s", "duckdb", duckdb, why=why))
    return rows


def _polars(table: pl.DataFrame, *, distinct: bool) -> list[pl.DataFrame]:
    """The same windows ``[T - w, T)`` in Polars: sorted, then rolled by card."""
    sorted_table = table.sort("card", "ts")
    aggregates = [
        pl.len().alias("count"),
        pl.col("cents").sum().alias("sum"),
        pl.col("cents").mean().alias("mean"),
        pl.col("cents").max().alias("max"),
    ]
    if distinct:
        aggregates.append(pl.col("shop").n_unique().alias("distinct"))
    return [
        sorted_table.rolling("ts", period=f"{window}i", group_by="card", closed="left").agg(
            aggregates
        )
        for window in WINDOWS
    ]


def _check_same_sums(frame: Frame, theirs: list[pl.DataFrame]) -> None:
    """Two engines that do not agree are not compared."""
    for place, name in enumerate(frame.names):
        window, aggregate = WINDOWS.index(int(name.rsplit("_", 1)[1])), name.split("_")[1]
        if aggregate == "mean":
            continue
        ours = int(frame.bits[:, place].sum())
        peer = int(theirs[window][aggregate].fill_null(0).sum())
        if ours != peer:
            raise Differs(f"total of {name}: ours {ours}, polars {peer}")


class Differs(AssayError):
    """The peer did not compute the same, so its time says nothing."""

    code = "bench_differs"
