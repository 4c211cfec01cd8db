"""The scale run on a world of four small chunks: what is measured, and that it continues."""

from pathlib import Path

import pytest

from assay.bench import scale, scale_world
from assay.core.errors import Invalid


def test_sizes_memory_and_slope_are_reported_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "CHUNK", 500)
    monkeypatch.setattr(scale_world, "CHUNK", 500)
    told = scale.run(3, events=2_000, folder=tmp_path)
    rows = told["rows"]
    assert isinstance(rows, list)
    assert [row["unit"] for row in rows] == ["s", "s", "GB", "GB", "s", "h"]
    assert all(row["value"] > 0 for row in rows[:4])
    assert rows[0]["peer_value"] is not None
    assert rows[1]["why"]
    answers = {path.name for path in tmp_path.rglob("*.answer")}
    assert answers == {"disk-500.answer", "disk-2000.answer", "memory-500.answer"}
    monkeypatch.setattr("assay.bench.scale.subprocess.run", None)  # nothing is left to be run
    assert scale.run(3, events=2_000, folder=tmp_path)["rows"] == rows


def test_only_whole_millions_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="whole millions"):
        scale.run(3, events=1_500_000, folder=tmp_path)
