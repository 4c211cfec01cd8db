"""The pure rooms are pure: what the import linter cannot see is read from the syntax tree."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import assay

ROOT = Path(assay.__file__).parent
PURE = [
    "core", "contracts", "features", "models", "rules", "decisions", "review", "governance",
    "workloads", "simulate",
]  # fmt: skip
FORBIDDEN_CALLS = {"open", "input", "print", "eval", "exec", "breakpoint", "__import__"}
FORBIDDEN_ATTRIBUTES = {
    ("np", "random", "seed"), ("np", "random", "rand"), ("np", "random", "random"),
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
}  # fmt: skip


def impurities(tree: ast.AST) -> list[str]:
    """Calls of builtins that touch the world, ambient clocks or seeds, and ``global``."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.append(f"line {node.lineno}: global")
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in FORBIDDEN_CALLS or tuple(name.split(".")) in FORBIDDEN_ATTRIBUTES:
            found.append(f"line {node.lineno}: {name}()")
    return found


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_touches_nothing_outside(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    assert {
        str(path.relative_to(ROOT)): found
        for path in files
        if (found := impurities(ast.parse(path.read_text(encoding="utf-8"))))
    } == {}


def test_the_check_sees_what_it_must() -> None:
    assert impurities(ast.parse("open('x')"))
    assert impurities(ast.parse("import datetime\ndatetime.now()"))
    assert impurities(ast.parse("def f():\n    global x\n    x = 1"))


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import assay` only defines; no adapter, no engine, no optional package gets loaded."""
    heavy = ["numba", "lightgbm", "polars", "sqlalchemy", "litestar", "sklearn", "xgboost"]
    code = (
        f"import sys, assay, assay.core.canonical; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
