"""Ratios point the right way, missing peers say why, and the features benchmark runs end to end."""

import json
from pathlib import Path
from typing import Any

import pytest

from assay.bench.features import run
from assay.bench.peers import Peer, ask, missing
from assay.bench.report import Timing, per_second, report, row, summarised, timed
from assay.core.errors import Unavailable


def rows_of(printed: dict[str, object]) -> list[dict[str, Any]]:
    """The rows as a reader of the JSON text sees them."""
    rows: list[dict[str, Any]] = json.loads(json.dumps(printed))["rows"]
    return rows


FAST, SLOW = Timing(1.0, 0.9, 1.2), Timing(4.0, 3.9, 4.5)


def test_a_ratio_above_one_means_ours_is_better_whatever_the_unit() -> None:
    assert row("t", FAST, "s", "peer", SLOW).ratio == 4.0
    assert row("t", SLOW, "events/s", "peer", FAST).ratio == 4.0
    assert row("t", SLOW, "us", "peer", FAST).ratio == 0.25


def test_a_peer_that_did_not_run_is_null_with_the_reason() -> None:
    printed = report("b", seed=1, rows=[row("t", FAST, "s", "peer", None, why="not built")])
    [only] = rows_of(printed)
    assert (only["peer_value"], only["ratio"], only["why"]) == (None, None, "not built")


def test_a_report_says_what_where_and_with_which_seed() -> None:
    printed = report("b", seed=7, rows=[row("t", FAST, "s", "peer", SLOW)], packages=("numpy",))
    assert set(printed) == {"benchmark", "machine", "versions", "seed", "rows"}
    assert printed["seed"] == 7
    [only] = rows_of(printed)
    assert {"name", "value", "unit", "peer", "peer_value", "ratio"} < set(only)
    assert "why" not in only


def test_a_rate_keeps_its_extremes_in_order() -> None:
    assert per_second(Timing(2.0, 1.0, 4.0), 8) == Timing(4.0, 2.0, 8.0)
    assert summarised([3.0, 1.0, 2.0]) == Timing(2.0, 1.0, 3.0)


def test_functions_are_warmed_up_and_take_turns() -> None:
    calls: list[str] = []
    timed(lambda: calls.append("a"), lambda: calls.append("b"), repeats=2)
    assert calls == ["a", "b", "a", "b", "a", "b"]


def test_a_peer_without_environment_says_how_to_get_one(tmp_path: Path) -> None:
    peer = Peer("nobody", ())
    assert "--prepare" in missing(peer, tmp_path)
    with pytest.raises(Unavailable, match="peer nobody failed"):
        ask(peer, Path("script.py"), tmp_path, tmp_path)


def test_the_features_benchmark_runs_and_agrees_with_polars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small, and in an empty folder, where no peer environment is."""
    monkeypatch.chdir(tmp_path)
    printed = run(3, events=3_000, updates=500, reads=20, repeats=1)
    rows = rows_of(printed)
    peers = {row["peer"] for row in rows}
    assert {"feast", "river", "deques in Python", "polars", "duckdb"} <= peers
    assert all(row["why"] for row in rows if row["peer_value"] is None)
    assert all(r["peer_value"] for r in rows if r["peer"] == "polars")
    assert all(r["value"] > 0 for r in rows)
