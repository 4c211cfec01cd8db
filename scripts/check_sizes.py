"""Is any file or function too long to be read in one sitting? Run by ``make check``."""

import ast
import sys
from pathlib import Path

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 7
#: Exceptions, each with its reason: {"path::function": "why"}.
ALLOWED: dict[str, str] = {}


def complaints(path: Path) -> list[str]:
    """What is too large in one file."""
    text = path.read_text(encoding="utf-8")
    found = []
    if text.count("\n") > FILE_LINES_MAX:
        found.append(f"{path}: {text.count(chr(10))} lines, at most {FILE_LINES_MAX}")
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if f"{path}::{node.name}" in ALLOWED:
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            found.append(f"{path}:{node.lineno} {node.name}: {lines} lines")
        positional = len(node.args.posonlyargs) + len(node.args.args)
        if positional > PARAMETERS_MAX:
            found.append(f"{path}:{node.lineno} {node.name}: {positional} positional parameters")
    return found


if __name__ == "__main__":
    roots = [Path("src"), Path("tests"), Path("scripts")]
    problems = [line for root in roots for path in root.rglob("*.py") for line in complaints(path)]
    print("\n".join(problems) or "sizes: all within limits")
    sys.exit(bool(problems))
