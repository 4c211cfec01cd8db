"""Would the tests notice if the meaning of a feature were altered by one? One place at a time.

``scripts/mutants.toml`` says what is altered: a window edge, the order of ties, the weight of a
retraction, the verdict on a late event, the cut of a restart, a cap. A copy of the package is
altered in one place and the tests that should notice are run on it. A mutant is *killed* when one
of these fails by an assertion, *survived* when they pass, *broken* when they end in any other way
(a crash and an import error say nothing about tests), *gone* when the place is no longer there. The
unaltered copy must pass them all.

The kernel is interpreted unless ``--compiled``: the same source without its machine code, seconds
a mutant in place of minutes, and an index out of range is seen.

Usage: ``python scripts/mutate.py [--only TEXT]... [--compiled] [--json] [--list]``. Exit code 0
when all chosen are killed, 1 when one is not, 2 when one is gone or there is none of that name.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "scripts" / "mutants.toml"
_SECONDS = 1_800
#: Laid beside the copied tests. A failure suffices: to make it small takes minutes, and chance may
#: not decide who survives.
_CONFTEST = """
import json
import os

import pytest
from hypothesis import Phase, settings

settings.register_profile(
    "mutants", derandomize=True, deadline=None, report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("mutants")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        error = call.excinfo.value
        by_assertion = isinstance(error, AssertionError | pytest.fail.Exception)
        failure = {
            "test": item.nodeid,
            "kind": type(error).__name__,
            "asserted": report.when == "call" and by_assertion,
        }
        with open(os.environ["MUTANT_FAILURES"], "a") as out:
            out.write(json.dumps(failure) + "\\n")
"""
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True)
class Mutant:
    """One place, altered by one; ``tests`` are tried in order."""

    place: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    times: int = 1

    @property
    def title(self) -> str:
        """How it is called."""
        return f"{self.place}: {self.name}"

    @property
    def source(self) -> Path:
        """The file it alters, below the root of a copy."""
        return Path("src") / "assay" / self.file

    def altered(self, text: str) -> str | None:
        """The altered file; None where the place is gone."""
        return text.replace(self.old, self.new) if text.count(self.old) == self.times else None


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: ``verdict`` is killed, survived or broken; ``by`` the test."""

    mutant: str
    verdict: str
    by: str
    seconds: float


def read_table(path: Path = TABLE) -> list[Mutant]:
    """The mutants, with their tests by path."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    found = []
    for item in table["mutant"]:
        tests = tuple(table["tests"][name] for name in item.pop("tests"))
        found.append(Mutant(tests=tests, **item))
    return found


def main(arguments: Sequence[str]) -> int:
    """Run the chosen mutants, all by default; the exit code."""
    asked = _parsed(arguments)
    mutants = read_table()
    chosen = [one for one in mutants if not asked.only or any(t in one.title for t in asked.only)]
    if not chosen:
        print(f"no mutant is called {' or '.join(asked.only)}: see --list", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(one.title for one in chosen))
        return 0
    if lost := [one for one in chosen if is_gone(one)]:
        for one in lost:
            print(
                f"GONE  {one.title}: expected {one.old!r} {one.times} time(s) in {one.source}. Say "
                f"the same alteration in the new words, in {TABLE.relative_to(ROOT)}",
                file=sys.stderr,
            )
        return 2
    with tempfile.TemporaryDirectory(prefix="mutants-") as aside:
        copy = Copy(Path(aside), compiled=asked.compiled)
        outcomes = list(_run_all(copy, chosen, quiet=asked.json))
    killed = sum(one.verdict == "killed" for one in outcomes)
    if asked.json:
        told = {"mutants": len(chosen), "killed": killed, "outcomes": [asdict(o) for o in outcomes]}
        print(json.dumps(told, indent=2))
    else:
        print(f"{killed} of {len(chosen)} killed by an assertion")
    return 0 if killed == len(chosen) else 1


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="whose title has this text")
    parser.add_argument("--compiled", action="store_true", help="as machine code: minutes each")
    parser.add_argument("--json", action="store_true", help="one object at the end")
    parser.add_argument("--list", action="store_true", help="name them and run nothing")
    return parser.parse_args(arguments)


def is_gone(mutant: Mutant) -> bool:
    """Whether the code no longer has the place, or has it more often than said."""
    path = ROOT / mutant.source
    return not path.is_file() or mutant.altered(path.read_text(encoding="utf-8")) is None


def _run_all(copy: "Copy", mutants: Sequence[Mutant], *, quiet: bool) -> Iterator[Outcome]:
    """The unaltered copy first; without it there is nothing to say about the others."""
    started = monotonic()
    unaltered = sorted({test for one in mutants for test in one.tests})
    code, failure = copy.run(unaltered)
    seconds = round(monotonic() - started, 1)
    if code != _PASSED:
        why = str(failure or f"pytest ended with {code}")
        print(f"the unaltered copy fails its tests: {why}", file=sys.stderr)
        yield Outcome("unaltered", "broken", why, seconds)
        return
    if not quiet:
        print(f"the unaltered copy passes ({seconds:.0f} s)", flush=True)
    for mutant in mutants:
        outcome = run_one(copy, mutant)
        if not quiet:
            what = f"{outcome.verdict:9} {outcome.mutant} ({outcome.seconds:.0f} s) {outcome.by}"
            print(what, flush=True)
        yield outcome


def run_one(copy: "Copy", mutant: Mutant) -> Outcome:
    """Alter the copy, run the tests, put back what was there."""
    path, started = copy.folder / mutant.source, monotonic()
    text = path.read_text(encoding="utf-8")
    altered = mutant.altered(text)
    assert altered is not None, "looked for before"
    path.write_text(altered, encoding="utf-8")
    verdict, by = "survived", ""
    try:
        for test in mutant.tests:
            code, failure = copy.run([test])
            if code == _PASSED:
                continue
            noticed = code == _FAILED and failure is not None and failure["asserted"]
            verdict = "killed" if noticed else "broken"
            by = f"{failure['test']} ({failure['kind']})" if failure else f"pytest: {code}"
            break
    finally:
        path.write_text(text, encoding="utf-8")
    return Outcome(mutant.title, verdict, by, round(monotonic() - started, 1))


class Copy:
    """The package and its tests, aside, where they may be altered."""

    def __init__(self, folder: Path, *, compiled: bool, root: Path = ROOT) -> None:
        self.folder, self._compiled = folder, compiled
        ignored = shutil.ignore_patterns("__pycache__")
        for part in ("src", "tests"):
            shutil.copytree(root / part, folder / part, ignore=ignored)
        shutil.copy(root / "pyproject.toml", folder)
        (folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")

    def run(self, tests: list[str]) -> tuple[int, dict[str, str] | None]:
        """The exit code of pytest and its first failure; -1 if it took too long."""
        failures = self.folder / "failures.jsonl"
        failures.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "src"),
            "NUMBA_CACHE_DIR": str(self.folder / "compiled"),
            "NUMBA_DISABLE_JIT": "0" if self._compiled else "1",
            "MUTANT_FAILURES": str(failures),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # "not slow": only what `make test` runs may kill.
        options = ["-q", "-x", "-m", "not slow", "-p", "no:cacheprovider"]
        if not self._compiled:  # numpy warns where whole numbers wrap around, as hashes do
            options += ["-W", "ignore::RuntimeWarning"]
        command = [sys.executable, "-m", "pytest", *options, *tests]
        try:
            ended = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return -1, None
        if ended.returncode not in (_PASSED, _FAILED):
            print(ended.stdout.decode()[-3_000:] + ended.stderr.decode()[-2_000:], file=sys.stderr)
        if not failures.is_file():
            return ended.returncode, None
        return ended.returncode, json.loads(failures.read_text(encoding="utf-8").splitlines()[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
