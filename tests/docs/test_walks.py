"""A how-to that names its files is walked as a reader would: files written, commands run, in order.

A block whose first line is ``# PATH`` is a file; the lines of a ``console`` block are commands.
"""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from assay.app.home import Home
from assay.cli.main import main

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto"
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_NAMED = re.compile(r"# (\S+)\n(.*)", re.DOTALL)
_COMMAND = re.compile(r"(assay .*?)(?: +# exit code (\d))?")


def walk(page: str, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    """Follow a page from the current folder; each command with what it printed."""
    for kind, text in _BLOCK.findall((HOWTO / page).read_text(encoding="utf-8")):
        named = _NAMED.fullmatch(text)
        if kind == "console":
            for line in text.splitlines():
                command = _COMMAND.fullmatch(line)
                assert command is not None, line
                code = main(shlex.split(command[1])[1:])
                said = capsys.readouterr()
                assert code == int(command[2] or 0), f"{line}: {said.err}"
                yield command[1], said.out + said.err
        elif named is not None:
            path = Path(named[1])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(named[2], encoding="utf-8")


def test_a_catalog_of_ones_own_is_made_from_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = dict(walk("own-catalog.md", capsys))
    assert len(commands) == 6
    shown = next(text for command, text in commands.items() if "describe" in command)
    assert "channel == web" in shown

    page = (HOWTO / "own-catalog.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (p\d) \| (\d+) \| (\d+) \| (\w+) \|$", page, re.MULTILINE)
    values = pl.read_parquet(tmp_path / "values" / "*.parquet").sort("event_id")
    columns = ("event_id", "spent_1h", "web_payments_1d", "spree")
    told = [tuple(json.dumps(v).strip('"') for v in row) for row in values[columns].rows()]
    assert told == rows
    later = pl.read_parquet(tmp_path / "values-next" / "*.parquet").sort("event_id")
    assert later["spent_1h"].to_list() == [0, 45_000, 54_900, 55_900]
    assert "spree" not in later.columns


def test_files_of_every_form_are_imported_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("export-again.csv").touch()
    said = [text for _, text in walk("import.md", capsys)]
    assert [_count(said[0], what) for what in ("accepted", "refused")] == [1, 1]
    assert [_count(said[1], what) for what in ("accepted", "refused")] == [2, 0]
    assert "much" in said[2]
    assert "lines of JSON or tables, not both" in said[4]
    assert [_count(said[5], what) for what in ("accepted", "duplicates")] == [0, 1]
    log = Home(tmp_path / "home").open_log()
    try:
        amounts = [entry.event.payload["amount"] for entry in log.entries()]
    finally:
        log.close()
    assert amounts == [1_250, 1_250, 8_000]


def _count(table: str, name: str) -> int:
    found = re.search(rf"│ {name} +│ (\d+) ", table)
    assert found is not None, table
    return int(found[1])
