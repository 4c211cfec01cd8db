"""What is done is what was written whole; anything else in a journal is named, not guessed at."""

import json
from pathlib import Path

import pytest

from assay.adapters.parquet.folder import Folder, JournalFile
from assay.core.errors import Corrupt

HEADER = {"job": "sha256:1", "inputs": []}
FIRST = b'{"job": "sha256:1", "inputs": []}\n'
FACTS = {"pieces": {"paid": 1}, "refused": 0, "unused": 2, "retracted": 0}
STEP = b'{"step": "read-0", "facts": %s}\n' % json.dumps(FACTS).encode()


def test_a_last_line_that_was_torn_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "out" / ".work" / "journal.jsonl"
    assert JournalFile(path).begin(HEADER) == (HEADER, {})
    JournalFile(path).done("read-0", FACTS)
    path.write_bytes(path.read_bytes() + b'{"step": "re')
    assert JournalFile(path).begin({}) == (HEADER, {"read-0": FACTS})
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
        (b'{"job": "sha256:1", "inputs": [{"rows": 1}]}\n', 1),
        (FIRST + b'{"step": "read-0", "facts": {"pieces": {}}}\n', 2),
        (FIRST + STEP + b'{"step": "same-0", "facts": {"duplicates": 1}}\n', 3),
        (FIRST + b'{"step": "order-0", "facts": {"events": "1"}}\n', 2),
        (FIRST + b'{"step": "fill-0-0", "facts": {}}\n', 2),
        (FIRST + b'{"step": "join-0", "facts": {"rows": 1, "overflows": 0}}\n', 2),
        (FIRST + b'{"step": "shape", "facts": {"edges": ["a"]}}\n', 2),
        (FIRST + b'{"step": "rest-0", "facts": {}}\n', 2),
    ],
)
def test_a_line_that_is_no_step_is_named(tmp_path: Path, lines: bytes, at: int) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(lines)
    with pytest.raises(Corrupt, match=rf"journal\.jsonl, line {at}: expected .* to start over"):
        JournalFile(path).begin(HEADER)


def test_a_manifest_that_is_no_object_is_named(tmp_path: Path) -> None:
    for body in (b"[]", b"{", b"[" * 100_000):
        (tmp_path / "manifest.json").write_bytes(body)
        with pytest.raises(Corrupt, match=r"manifest\.json is not a manifest"):
            Folder(tmp_path).finished()
