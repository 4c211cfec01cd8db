"""A pipe in the place of a file is refused at once, whoever would have read it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.adapters.files.regular import check_regular, open_regular, read_regular
from assay.cli.main import main
from assay.core.errors import TooLarge


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """A reader that waits for a writer fails here, and does not wait with the tests for ever."""
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.parquet"
    os.mkfifo(path)
    return path


def test_only_a_file_is_opened(tmp_path: Path, pipe: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"12345")
    link.symlink_to(file)
    assert read_regular(link, 5) == b"12345"
    check_regular(link)
    with pytest.raises(TooLarge, match="at most 4 bytes"):
        read_regular(file, 4)
    with pytest.raises(OSError, match="symbolic links"):
        open_regular(link, links=False)
    for other, why in ((pipe, "no regular file"), (tmp_path, "Is a directory")):
        with pytest.raises(OSError, match=why):
            open_regular(other)
        with pytest.raises(OSError, match=why):
            check_regular(other)


def test_no_command_waits_for_a_pipe(
    tmp_path: Path, pipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, home = tmp_path / "shop", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    os.mkfifo(folder / "contracts.yaml")
    out = str(tmp_path / "out")
    cases = [
        (3, ["contract", "show", str(pipe)]),
        (3, ["features", "check", str(pipe), "--workload", "cards"]),
        (3, ["features", "list", "--workload", f"{folder}/"]),
        (4, ["backfill", "--workload", "cards", "--events", str(pipe), "--out", out]),
        (4, ["backfill", "--workload", "cards", "--events", str(tmp_path), "--out", out]),
    ]
    for name in ("workload", "assay.toml"):
        where = tmp_path / f"home-{name}"
        where.mkdir()
        os.mkfifo(where / name)
        cases.append((3, ["settings", "--home", str(where)]))
    for code, words in cases:
        assert main(words) == code, words
        assert "no regular file" in capsys.readouterr().err, words
