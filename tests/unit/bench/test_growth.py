"""The growth benchmark runs, small, and reports what it says it measures."""

from assay.bench.growth import run


def test_growth_reports_time_memory_and_restarts() -> None:
    told = run(3, keys=(50, 200), probed=100, logged=300)
    rows = told["rows"]
    assert isinstance(rows, list)
    assert [row["unit"] for row in rows] == ["us", "us", "bytes/key"] * 2 + ["s", "s"]
    assert all(row["value"] > 0 and row["peer_value"] > 0 for row in rows)
    assert [row["ratio"] for row in rows[:3]] == [1.0] * 3, "the smallest is held to itself"
