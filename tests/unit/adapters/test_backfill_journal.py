"""What is done is what was written whole; anything else in a journal is named, not guessed at."""

from pathlib import Path

import pytest

from assay.adapters.parquet.folder import JournalFile
from assay.core.errors import Corrupt

HEADER = {"job": "sha256:1", "inputs": []}
FIRST = b'{"job": "sha256:1", "inputs": []}\n'
STEP = b'{"step": "read-0", "facts": {"rows": 3}}\n'


def test_a_last_line_that_was_torn_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "out" / ".work" / "journal.jsonl"
    assert JournalFile(path).begin(HEADER) == (HEADER, {})
    JournalFile(path).done("read-0", {"rows": 3})
    path.write_bytes(path.read_bytes() + b'{"step": "re')
    assert JournalFile(path).begin({}) == (HEADER, {"read-0": {"rows": 3}})
    assert path.read_bytes() == FIRST + STEP


@pytest.mark.parametrize(
    ("lines", "at"),
    [
        (b"PAR1\n", 1),
        (STEP, 1),
        (b"\n", 1),
        (FIRST + b"\xff\x00\n" + STEP, 2),
        (FIRST + STEP + b'"read-1"\n', 3),
        (FIRST + STEP + b'{"step": 1, "facts": {}}\n', 3),
        (FIRST + b"[" * 100_000 + b"\n", 2),
    ],
)
def test_a_line_that_is_no_step_is_named(tmp_path: Path, lines: bytes, at: int) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(lines)
    with pytest.raises(Corrupt, match=rf"journal\.jsonl, line {at}: expected .* to start over"):
        JournalFile(path).begin(HEADER)
