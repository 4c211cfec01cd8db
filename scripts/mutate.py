"""Would the tests notice if the meaning of a feature were altered by one? One place at a time.

``scripts/mutants.toml`` says what is altered: a window edge, the order of ties, the weight of a
retraction, the verdict on a late event, the cut of a restart, a cap. A copy of the package is
altered in one place and the tests that should notice are run on it. A mutant is *killed* when one
of these fails by an assertion, *survived* when they pass, *broken* when they end in any other way
(a crash and an import error say nothing about tests), *gone* when the place is no longer there. The
unaltered copy must pass them all.

Machine code is compiled once for the unaltered copy; a mutant compiles what imports it.

Usage: ``python scripts/mutate.py [--only TEXT]... [--json] [--list]``. Exit code 0 when all chosen
are killed, 1 when one is not, 2 when one is gone or there is none of that name.
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
_SECONDS = 1_200
#: Laid beside the copied tests. A failure suffices: to make it small takes minutes, and chance may
#: not decide who survives. numba notices a change of one file only and the package's own cache one
#: of any file of a room; here the code of a module is as old as the youngest file it imports.
_CONFTEST = '''
import ast
import json
import os
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from numba.core.caching import FunctionCache, IndexDataCacheFile

from assay.features import compiled

settings.register_profile(
    "mutants", derandomize=True, deadline=None, report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("mutants")


@cache
def imported(module):
    """The package's modules that one imports directly, and its source."""
    source = Path(find_spec(module).origin).read_bytes()
    nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ImportFrom)]
    return source, [n.module for n in nodes if n.module and n.module.startswith("assay.")]


def stamp(module):
    found, waiting = {}, [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name], more = imported(name)
            waiting += more
    return sha256(b"".join(found[name] for name in sorted(found))).digest()


class CodeOfImports(FunctionCache):
    def __init__(self, function):
        super().__init__(function)
        self._cache_file = IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=stamp(function.__module__),
        )


compiled._RoomCache = CodeOfImports


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
'''
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
    if lost := [one for one in chosen if _is_gone(one)]:
        for one in lost:
            print(
                f"GONE  {one.title}: expected {one.old!r} {one.times} time(s) in {one.source}. Say "
                f"the same alteration in the new words, in {TABLE.relative_to(ROOT)}",
                file=sys.stderr,
            )
        return 2
    with tempfile.TemporaryDirectory(prefix="mutants-") as aside:
        outcomes = list(_run_all(Path(aside), chosen, quiet=asked.json))
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
    parser.add_argument("--json", action="store_true", help="one object at the end")
    parser.add_argument("--list", action="store_true", help="name them and run nothing")
    return parser.parse_args(arguments)


def _is_gone(mutant: Mutant) -> bool:
    path = ROOT / mutant.source
    return not path.is_file() or mutant.altered(path.read_text(encoding="utf-8")) is None


def _run_all(folder: Path, mutants: Sequence[Mutant], *, quiet: bool) -> Iterator[Outcome]:
    """The unaltered copy first; without it there is nothing to say about the others."""
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    started = monotonic()
    unaltered = sorted({test for one in mutants for test in one.tests})
    code, failure = _pytest(folder, unaltered, keep=True)
    seconds = monotonic() - started
    if code != _PASSED:
        yield Outcome("unaltered", "broken", str(failure or f"pytest ended with {code}"), seconds)
        print("the unaltered copy fails its tests", file=sys.stderr)
        return
    if not quiet:
        print(f"the unaltered copy passes ({seconds:.0f} s)", flush=True)
    for mutant in mutants:
        outcome = _run_one(folder, mutant)
        if not quiet:
            what = f"{outcome.verdict:9} {outcome.mutant} ({outcome.seconds:.0f} s) {outcome.by}"
            print(what, flush=True)
        yield outcome


def _run_one(folder: Path, mutant: Mutant) -> Outcome:
    path, started = folder / mutant.source, monotonic()
    text = path.read_text(encoding="utf-8")
    altered = mutant.altered(text)
    assert altered is not None, "looked for before"
    path.write_text(altered, encoding="utf-8")
    verdict, by = "survived", ""
    try:
        for test in mutant.tests:
            code, failure = _pytest(folder, [test])
            if code == _PASSED:
                continue
            noticed = code == _FAILED and failure is not None and failure["asserted"]
            verdict = "killed" if noticed else "broken"
            by = f"{failure['test']} ({failure['kind']})" if failure else f"pytest: {code}"
            break
    finally:
        path.write_text(text, encoding="utf-8")
    return Outcome(mutant.title, verdict, by, round(monotonic() - started, 1))


def _pytest(
    folder: Path, tests: list[str], *, keep: bool = False
) -> tuple[int, dict[str, str] | None]:
    """The exit code of pytest on a copy and its first failure.

    What is compiled is forgotten unless ``keep``: a mutant may not spoil the code of the next.
    """
    failures, kept = folder / "failures.jsonl", folder / "compiled"
    failures.unlink(missing_ok=True)
    used = kept if keep else folder / "compiled-once"
    if not keep:
        shutil.copytree(kept, used)
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "src"),
        "NUMBA_CACHE_DIR": str(used),
        "MUTANT_FAILURES": str(failures),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # "not slow": only what `make test` runs may kill.
    options = ["-q", "-x", "-m", "not slow", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    try:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=_SECONDS * (10 if keep else 1),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, None
    finally:
        if not keep:
            shutil.rmtree(used)
    if ended.returncode not in (_PASSED, _FAILED) or (keep and ended.returncode):
        print(ended.stdout.decode()[-3_000:] + ended.stderr.decode()[-2_000:], file=sys.stderr)
    if not failures.is_file():
        return ended.returncode, None
    return ended.returncode, json.loads(failures.read_text(encoding="utf-8").splitlines()[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
