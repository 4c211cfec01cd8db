"""Would the tests notice if the meaning of a feature were altered by one? One place at a time.

Copies the package and its tests aside, alters one place by one (a window edge, the order of ties,
the weight of a retraction, the verdict on a late event, the cut of a restart), and runs the
property tests that should notice, with machine code compiled afresh. Every altered copy must fail
them, and the unaltered one must pass.

Usage: ``python scripts/mutate.py [NAME ...]``; exit code 1 when one survives or no longer applies.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FEATURES = "tests/property/features/test_features_property.py"
LOG = "tests/property/test_log_property.py"
SNAPSHOT = "tests/unit/runtime/test_snapshot.py"
_SECONDS = 900
#: A failure suffices here: to make it small takes minutes, and chance may not decide who survives.
_CONFTEST = """
from hypothesis import Phase, settings

settings.register_profile("mutants", derandomize=True, phases=(Phase.explicit, Phase.generate))
settings.load_profile("mutants")
"""
_TEST_FAILED = 1


class Mutant(NamedTuple):
    """One place, altered by one."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "window edge: everywhere, one microsecond longer",
        "features/plan.py",
        "window = feature.window if feature.window != LIFETIME",
        "window = feature.window + 1 if feature.window != LIFETIME",
        FEATURES,
    ),
    Mutant(
        "window edge: of a live read, the far one",
        "features/gather.py",
        "first_at(pool, start, stop, end - plan[p + WINDOW])",
        "first_at(pool, start, stop, end - plan[p + WINDOW] + 1)",
        FEATURES,
    ),
    Mutant(
        "window edge: of a live read, the near one",
        "features/gather.py",
        "edge: Word = first_at(pool, start, n, end)",
        "edge: Word = first_at(pool, start, n, end + 1)",
        FEATURES,
    ),
    Mutant(
        "window edge: of a backfill, the near one",
        "features/sweep.py",
        "lanes[TIMES, base + high] < at:",
        "lanes[TIMES, base + high] <= at:",
        FEATURES,
    ),
    Mutant(
        "window edge: of a backfill, the far one",
        "features/sweep.py",
        "lanes[TIMES, base + low] < at - window:",
        "lanes[TIMES, base + low] <= at - window:",
        FEATURES,
    ),
    Mutant(
        "tie rule: one place early among events of one instant",
        "features/slabs.py",
        "at = bisect_left(range(len(references)), wanted, key=id_at)",
        "at = max(bisect_left(range(len(references)), wanted, key=id_at) - 1, 0)",
        FEATURES,
    ),
    Mutant(
        "tie rule: of a backfill",
        "features/columns.py",
        "key=ids.__getitem__)",
        "key=ids.__getitem__, reverse=True)",
        FEATURES,
    ),
    Mutant(
        "retraction weight: 0 in the state",
        "features/arena.py",
        "rows[row, 2] = n - 1",
        "rows[row, 2] = n",
        FEATURES,
    ),
    Mutant(
        "retraction weight: 0 in the log",
        "runtime/fold.py",
        "state.retract(target_of(entry.event))",
        "pass",
        LOG,
    ),
    Mutant(
        "late verdict: given one microsecond early",
        "runtime/live.py",
        "event.ts >= self.newest - horizon",
        "event.ts > self.newest - horizon",
        LOG,
    ),
    Mutant(
        "late verdict: given one microsecond late",
        "runtime/live.py",
        "event.ts >= self.newest - horizon",
        "event.ts >= self.newest - horizon - 1",
        LOG,
    ),
    Mutant(
        "late verdict: not kept in a replay",
        "runtime/fold.py",
        "if not entry.accepted",
        "if False",
        LOG,
    ),
    Mutant(
        "snapshot cut: a restart that folds the last entry again",
        "runtime/snapshot.py",
        "return live, self._log.entries(live.seq)",
        "return live, self._log.entries(max(live.seq - 1, 0))",
        SNAPSHOT,
    ),
    Mutant(
        "snapshot cut: a restart that misses the next entry",
        "runtime/snapshot.py",
        "return live, self._log.entries(live.seq)",
        "return live, self._log.entries(live.seq + bool(live.seq))",
        SNAPSHOT,
    ),
    Mutant(
        "cut: a receipt that claims one entry more",
        "runtime/live.py",
        'newest, {"0": self.seq}',
        'newest, {"0": self.seq + 1}',
        LOG,
    ),
    Mutant(
        "cut: a new version that misses the last entry",
        "runtime/versions.py",
        "for entry in waiting:",
        "for entry in waiting[:-1]:",
        LOG,
    ),
)


def main(names: list[str]) -> int:
    """Run the chosen mutants, all by default; the exit code."""
    chosen = [one for one in MUTANTS if not names or any(name in one.name for name in names)]
    # Any change of the features' room compiles it afresh: first those that leave it as it is.
    chosen.sort(key=lambda one: one.file.startswith("features/"))
    with tempfile.TemporaryDirectory(prefix="mutants-") as aside:
        folder = _copy(Path(aside))
        survived = [] if _passes(folder, sorted({one.tests for one in chosen})) else ["unaltered"]
        survived += [one.name for one in chosen if not survived and not _killed(folder, one)]
    for name in survived:
        print(f"SURVIVED  {name}" if name != "unaltered" else "the unaltered copy fails its tests")
    print(f"{len(chosen) - len(survived)} of {len(chosen)} killed")
    return 1 if survived else 0


def _copy(aside: Path) -> Path:
    skipped = shutil.ignore_patterns("__pycache__", ".*")
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, aside / part, ignore=skipped)
    shutil.copy(ROOT / "pyproject.toml", aside)
    (aside / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    return aside


def _passes(folder: Path, tests: list[str]) -> bool:
    return _run(folder, tests) == 0


def _killed(folder: Path, mutant: Mutant) -> bool:
    path = folder / "src" / "assay" / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        print(f"{mutant.name}: expected {mutant.old!r} once in {mutant.file}: mend this script")
        return False
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    started = monotonic()
    try:
        code = _run(folder, [mutant.tests])
    finally:
        path.write_text(text, encoding="utf-8")
    word = "killed  " if code == _TEST_FAILED else f"ended with {code}"
    print(f"{word}  {mutant.name} ({monotonic() - started:.0f} s)", flush=True)
    return code == _TEST_FAILED


def _run(folder: Path, tests: list[str]) -> int:
    """The exit code of pytest on a copy: 0 passed, 1 a test failed, anything else is no answer."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "src"),
        "NUMBA_CACHE_DIR": str(folder / "compiled"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=_SECONDS, check=False
    )
    if ended.returncode not in (0, _TEST_FAILED):
        print(ended.stdout.decode()[-2_000:] + ended.stderr.decode()[-2_000:])
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
