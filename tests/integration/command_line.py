"""Commands as users give them, in this process."""

import json
from typing import Any

import pytest

from assay.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """One command with ``--json``: its exit code and answer."""
    capsys.readouterr()
    code = main([*words, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}
