"""Why is this text not a rule? Where, what stands there, what was expected, what to do."""

import re
from collections.abc import Collection

from assay.core.errors import Invalid, near_miss, shown

_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container")
_OVERLOAD = re.compile(r"no matching overload for '(.*)' applied to '(.*)'")
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*|\d[\d.eE]*|[<>=!]=|&&|\|\||\S")


class RuleError(Invalid):
    """A rule does not compile: where, what stands there, and what was expected.

    ``line`` and ``column`` count from 1, columns in characters (code points).
    """

    code = "rule_invalid"

    def __init__(self, rule: str, what: str, *, line: int = 1, column: int = 1, text: str) -> None:
        self.rule, self.what, self.line, self.column, self.text = rule, what, line, column, text
        place = f", at {shown(text, 40)}" if text else ""
        super().__init__(f"rule {rule!r}, line {line}, column {column}{place}: {what}")


def rule_error_at(rule: str, when: str, position: int, what: str) -> RuleError:
    """The error at a position of the text, counted in code points from 0."""
    before = when[: max(position, 0)]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return RuleError(rule, what, line=line, column=column, text=_token(when, line, column))


def explained(rule: str, when: str, message: str, names: Collection[str]) -> RuleError:
    """The engine's first complaint as ours; ``names`` are the variables and functions there are."""
    if "recursion" in message:
        return RuleError(rule, "nested too deeply: split it into several rules", text="")
    complaints = [(int(m[1]), int(m[2]), str(m[3])) for m in _ERROR.finditer(message)]
    if not complaints:
        return RuleError(rule, message, text="")
    line, column, what = complaints[0]
    line, column = max(line, 1), max(column, 1)
    text = _token(when, line, column)
    if undeclared := _UNDECLARED.search(what):
        missing = undeclared[1]
        what = unknown_variable(missing, names)
        text = missing if _line(when, line).startswith(missing, column - 1) else text
    elif overload := _OVERLOAD.search(what):
        what = _mismatch(overload[1], overload[2].strip("()"))
    else:
        what = what.removeprefix("Syntax error: ").split(" expecting {")[0]
    more = f" ({len(complaints) - 1} more after it)" if len(complaints) > 1 else ""
    return RuleError(rule, what + more, line=line, column=column, text=text)


def unknown_variable(missing: str, names: Collection[str]) -> str:
    """What to say about a name that is neither a variable nor a function, with the nearest."""
    return f"{missing!r} is not a variable or function a rule may use.{near_miss(missing, names)}"


def _mismatch(operator: str, types: str) -> str:
    kinds = {kind.strip() for kind in types.split(",")}
    what = f"{operator.strip('_@')} does not take ({types})"
    if {"int", "double"} <= kinds:
        return f"{what}: whole numbers and reals do not mix; write 2.0 for 2, or double(x)"
    if "null_type" in kinds:
        return f"{what}: null is not part of the rule language, use if_unknown"
    if "string" in kinds and kinds & {"int", "double"}:
        return f"{what}: quote the value, or convert with string(x) or int(x)"
    return what


def _token(when: str, line: int, column: int) -> str:
    """What stands at a place: a name, a number, an operator, or one character."""
    found = _TOKEN.match(_line(when, line), column - 1)
    return found[0] if found else ""


def _line(when: str, line: int) -> str:
    lines = when.split("\n")
    return lines[line - 1] if line <= len(lines) else ""
