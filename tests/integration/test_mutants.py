"""Tests notice when the meaning of a feature is altered by one, and only an assertion counts."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "mutate.py"
_SPEC = importlib.util.spec_from_file_location("mutate", SCRIPT)
assert _SPEC is not None
assert _SPEC.loader is not None
mutate = importlib.util.module_from_spec(_SPEC)
sys.modules["mutate"] = mutate  # dataclasses look their module up
_SPEC.loader.exec_module(mutate)
MUTANTS = mutate.read_table()

CODE = """
def first_half(n: int) -> int:
    return n // 2
"""
TESTS = """
import pytest

from assay.halves import first_half


def test_of_four():
    assert first_half(4) == 2


def test_of_five():
    if first_half(5) != 2:
        raise RuntimeError


@pytest.mark.slow
def test_of_six():
    assert first_half(6) == 3
"""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_every_alteration_still_applies_to_the_code_as_it_is(mutant: Any) -> None:
    assert not mutate.is_gone(mutant), f"{mutant.title}: mend scripts/mutants.toml"
    assert mutant.old != mutant.new
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8"), test


def test_no_two_alterations_are_the_same() -> None:
    assert len({mutant.title for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)


def test_the_places_that_must_not_move_are_each_altered() -> None:
    for place in (
        "window edge", "tie rule", "retraction weight", "late verdict", "snapshot cut",
        "hopping edge", "ttl edge", "cap",
    ):  # fmt: skip
        assert sum(mutant.place == place for mutant in MUTANTS) >= 2, place


@pytest.fixture
def halves(tmp_path: Path) -> Any:
    """A copy of a package of one function and its tests."""
    root = tmp_path / "root"
    for path, text in (
        ("src/assay/__init__.py", ""), ("src/assay/halves.py", CODE), ("tests/test_it.py", TESTS),
        ("pyproject.toml", "[tool.pytest.ini_options]\nmarkers = ['slow: long']\n"),
    ):  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    folder = tmp_path / "copy"
    folder.mkdir()
    return mutate.Copy(folder, compiled=False, root=root)


@pytest.mark.parametrize(
    ("new", "test", "verdict", "by"),
    [
        ("n // 2 + 1", "of_four", "killed", "AssertionError"),
        ("n // 2 + 0", "of_four", "survived", ""),
        ("n // 2 + 1", "of_five", "broken", "RuntimeError"),
        ("n // 0", "of_four", "broken", "ZeroDivisionError"),
        ("n //", "of_four", "broken", "pytest: "),
        ("n // 2 + 1", "of_six", "broken", "pytest: "),
    ],
)
def test_only_an_assertion_of_a_test_that_is_run_kills(
    halves: Any, new: str, test: str, verdict: str, by: str
) -> None:
    tests = (f"tests/test_it.py::test_{test}",)
    mutant = mutate.Mutant("half", "moved", "halves.py", "n // 2", new, tests)
    outcome = mutate.run_one(halves, mutant)
    assert outcome.verdict == verdict, outcome
    assert by in outcome.by
    assert (halves.folder / mutant.source).read_text() == CODE, "put back"


def test_a_place_that_is_gone_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "mutants.toml"
    text = mutate.TABLE.read_text(encoding="utf-8").replace("if last - first < w:", "if no more:")
    table.write_text(text, encoding="utf-8")
    monkeypatch.setattr(mutate, "read_table", lambda read=mutate.read_table: read(table))
    assert mutate.main(["--only", "of a burst"]) == 2
    assert "GONE  window edge: of a burst of minutes" in capsys.readouterr().err
    assert mutate.main(["--only", "nowhere"]) == 2
    assert mutate.main(["--only", "window edge", "--list"]) == 0
    assert "window edge: of a live read, the far one" in capsys.readouterr().out


@pytest.mark.slow
def test_every_alteration_is_noticed() -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False
    )
    told = json.loads(ended.stdout)
    left = [one for one in told["outcomes"] if one["verdict"] != "killed"]
    assert (ended.returncode, left) == (0, []), ended.stderr
    assert told["killed"] == len(MUTANTS)
