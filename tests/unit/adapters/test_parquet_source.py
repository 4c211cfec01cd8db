"""Which files does a folder stand for, and how often is one of them opened?"""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.adapters.test_parquet_check import CATALOG, CONTRACTS, table

from assay.adapters.parquet.source import input_files
from assay.adapters.parquet.stages import ParquetStages
from assay.core.errors import Invalid, NotFound, Unavailable


def names(folder: Path) -> list[str]:
    return [file.name for file in input_files(folder, CONTRACTS, "paid")]


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(), path)


def test_linked_folders_are_read_and_unfinished_or_hidden_ones_are_not(tmp_path: Path) -> None:
    given, other = tmp_path / "in", tmp_path / "other"
    put(
        given / "a.parquet",
        given / "_a.parquet",
        given / ".a.parquet",
        given / "_temporary" / "0" / "part.parquet",
        given / ".spark" / "part.parquet",
        given / "_month=1" / "part.parquet",
        given / "whole.parquet" / "part.parquet",
        other / "deep" / "b.parquet",
    )
    (given / "linked").symlink_to(other)
    (given / "file.parquet").symlink_to(other / "deep" / "b.parquet")
    expected = [
        "_month=1/part.parquet",
        "a.parquet",
        "file.parquet",
        "linked/deep/b.parquet",
        "whole.parquet/part.parquet",
    ]
    assert names(given) == expected
    with pytest.raises(NotFound):
        names(given / "_temporary" / ".." / ".." / "nowhere")
    assert names(given / "_temporary") == ["0/part.parquet"]  # it was named itself


@pytest.mark.parametrize("target", ["in", "in/sub"])
def test_a_link_to_what_is_read_anyway_is_named(tmp_path: Path, target: str) -> None:
    """A cycle, or one folder under two names: its events would be read twice."""
    given = tmp_path / "in"
    put(given / "sub" / "a.parquet")
    (given / "link").symlink_to(tmp_path / target)
    with pytest.raises(Invalid, match=r"link.* are one folder.*: remove the link"):
        names(given)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.parquet")
    for given in (tmp_path, tmp_path / "p.parquet"):
        with pytest.raises(Unavailable, match=r"p\.parquet cannot be read"):
            names(given)


def test_a_look_at_the_times_opens_a_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opening parsed the footer, which is as long as there are row groups."""
    path = tmp_path / "in.parquet"
    rows = pa.concat_tables([table()] * 40)
    pq.write_table(rows, path, row_group_size=1)
    stages = ParquetStages(path, tmp_path / "out", CATALOG, CONTRACTS, memory=1 << 30)
    opened: list[Any] = []
    real = pq.ParquetFile

    def counted(*args: Any, **options: Any) -> Any:
        opened.append(options["metadata"])
        return real(*args, **options)

    monkeypatch.setattr(pq, "ParquetFile", counted)
    shape = stages.shape()
    assert len(opened) == 1
    assert opened[0].num_row_groups == 120
    stages.begin(shape, {})
    assert len(opened) == 1  # no column of retractions
