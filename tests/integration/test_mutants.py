"""The property tests notice when the meaning of a feature is altered by one, wherever that is."""

import importlib.util
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
_SPEC.loader.exec_module(mutate)


@pytest.mark.parametrize("mutant", mutate.MUTANTS, ids=lambda mutant: mutant.name)
def test_every_alteration_still_applies_to_the_code_as_it_is(mutant: Any) -> None:
    name, file, old, new, tests = mutant
    text = (ROOT / "src" / "assay" / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{name}: mend scripts/mutate.py"
    assert old != new
    assert (ROOT / tests).is_file()


def test_the_five_places_that_must_not_move_are_each_altered() -> None:
    named = " ".join(mutant.name for mutant in mutate.MUTANTS)
    for place in ("window edge", "tie rule", "retraction weight", "late verdict", "snapshot cut"):
        assert place in named


@pytest.mark.slow
def test_every_alteration_is_noticed() -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
