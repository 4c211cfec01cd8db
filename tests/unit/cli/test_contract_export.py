"""What `contract export` writes is whole, or what was there before."""

import errno
import os
from pathlib import Path

import pytest

from assay.cli.main import main

EXPORT = ["contract", "export", "--workload", "cards", "--replace", "--out"]


def test_a_full_disk_leaves_the_old_file_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "cards.yaml"
    out.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        assert main([*EXPORT, str(out)]) == 4
    assert "cards.yaml cannot be written: [Errno 28]" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    assert main([*EXPORT, str(out)]) == 0
    assert "transaction" in out.read_text()


def test_a_link_stays_one_and_what_is_no_file_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    assert main([*EXPORT, str(link)]) == 0
    assert link.is_symlink()
    assert "transaction" in file.read_text()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main([*EXPORT, str(pipe)]) == 3
    assert pipe.is_fifo()
    assert "is no file that could be replaced" in capsys.readouterr().err
