"""How fast is a backfill, beside Polars and DuckDB? Their totals must agree with ours."""

from collections.abc import Sequence
from functools import partial

import polars as pl

from assay.bench.features_world import WINDOWS, Payments, by_card, by_card_more
from assay.bench.report import Row, Timing, row, timed
from assay.core.errors import AssayError
from assay.features.backfill import backfill_columns
from assay.features.catalog import Catalog
from assay.features.columns import Columns
from assay.features.frame import Frame
from assay.features.spread import Spread

#: Seconds and totals of a peer by what was measured, or None and why not.
Answer = tuple[Timing | None, Sequence[float], str]


class Differs(AssayError):
    """The peer did not compute the same, so its time says nothing."""

    code = "bench_differs"


def backfill_rows(
    made: Payments, events: int, repeats: int, spread: Spread, duckdb: dict[str, Answer]
) -> list[Row]:
    """With and without distinct shops, beside both peers; then what neither has in exact form."""
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
        frame = backfill_columns(catalog, columns, spread=spread)
        check_totals(frame, _totals(_polars(table, distinct=distinct)), "polars")
        ours, polars = timed(
            partial(backfill_columns, catalog, columns, spread=spread),
            partial(_polars, table, distinct=distinct),
            repeats=repeats,
        )
        timing, totals, why = duckdb[measured]
        if timing is not None:
            check_totals(frame, _named(totals, distinct=distinct), "duckdb")
        threads = f"{spread.parts} threads" if spread.parts > 1 else "1 thread"
        name = f"backfill of {events:,} events, 50,000 keys, 3 windows x ({what}), {threads}"
        rows.append(row(name, ours, "s", "polars", polars))
        rows.append(row(name, ours, "s", "duckdb", timing, why=why))
    return [
        *rows,
        _alone(by_card(distinct=True), columns, events, repeats),
        *_more(columns, table, repeats, spread),
    ]


def check_totals(frame: Frame, theirs: dict[str, int], peer: str) -> None:
    """Two engines that do not agree are not compared.

    Both windows are [T - w, T), so that payments at one instant do not see each other.
    """
    for place, name in enumerate(frame.names):
        if name in theirs and int(frame.bits[:, place].sum()) != theirs[name]:
            ours = int(frame.bits[:, place].sum())
            raise Differs(f"total of {name}: ours {ours}, {peer} {theirs[name]}")


def _alone(catalog: Catalog, columns: dict[str, Columns], events: int, repeats: int) -> Row:
    [ours] = timed(lambda: backfill_columns(catalog, columns), repeats=repeats)
    why = "what threads change: compare with the row above"
    return row(
        f"the same with distinct, {events:,} events, 1 thread", ours, "s", "-", None, why=why
    )


def _more(
    columns: dict[str, Columns], table: pl.DataFrame, repeats: int, spread: Spread
) -> list[Row]:
    """Median and entropy over a day, beside Polars' rolling median."""
    catalog = by_card_more()
    frame_sorted = table.sort("card", "ts")

    def median() -> pl.DataFrame:
        rolled = frame_sorted.rolling("ts", period=f"{WINDOWS[1]}i", group_by="card", closed="left")
        return rolled.agg(pl.col("cents").quantile(0.5, "lower"))

    ours, theirs = timed(
        lambda: backfill_columns(catalog, columns, spread=spread), median, repeats=repeats
    )
    name = "backfill of a median, an entropy and a top share over a day (peer: the median)"
    return [row(name, ours, "s", "polars", theirs)]


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


def _totals(theirs: list[pl.DataFrame]) -> dict[str, int]:
    found = {}
    for window, frame in zip(WINDOWS, theirs, strict=True):
        for aggregate in frame.columns:
            if aggregate in _OF and aggregate != "mean":
                total = int(frame[aggregate].fill_null(0).sum())
                found[f"card_{aggregate}_{_OF[aggregate]}_{window}"] = total
    return found


def _named(totals: Sequence[float], *, distinct: bool) -> dict[str, int]:
    """DuckDB's totals, window by window in the order of its query, by the names of ours."""
    kinds = [name for name in _OF if distinct or name != "distinct"]
    names = [f"card_{name}_{_OF[name]}_{window}" for window in WINDOWS for name in kinds]
    pairs = zip(names, totals, strict=True)
    return {name: int(total) for name, total in pairs if "_mean_" not in name}


_OF = {"count": "cents", "sum": "cents", "mean": "cents", "max": "cents", "distinct": "shop"}
