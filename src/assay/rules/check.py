"""Is this text a rule? It must be a small, typed CEL condition over known variables."""

from collections.abc import Mapping
from dataclasses import dataclass

from cel_expr_python import cel

from assay.rules.error import RuleError, explained, rule_error_at, unknown_variable
from assay.rules.kind import CelKind
from assay.rules.syntax import Node, read_syntax

TEXT_MAX = 4_000  #: characters of one rule
NODES_MAX = 256  #: nodes of its syntax tree, constants not counted
CONSTANTS_MAX = 1_000  #: literal values, for instance countries in a list
#: Names of the engine's inputs; a macro must not bind them.
RESERVED = frozenset({"g_", "i_", "d_", "s_", "b_"})
COMPREHENSIONS_MAX = 4  #: uses of all, exists, exists_one, map, filter

#: What a rule may call. Everything is total except where it fails with an error, which the rule
#: set turns into "cannot tell"; there is no clock and nothing that reads the world.
# fmt: off
FUNCTIONS = frozenset({
    "_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_",
    "_+_", "_-_", "_*_", "_/_", "_%_", "-_", "@in", "_[_]",
    "contains", "startsWith", "endsWith", "matches", "size",
    "int", "double", "string", "bool", "duration", "timestamp",
    "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear",
    "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds",
    "@not_strictly_false",  # how the engine writes all() and exists()
})
#: Those that give a value for every argument of the right type.
TOTAL = frozenset({
    "_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in",
    "contains", "startsWith", "endsWith", "size", "string", "@not_strictly_false",
})
MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
# fmt: on
_TYPES = {
    CelKind.INT: cel.Type.INT,
    CelKind.DOUBLE: cel.Type.DOUBLE,
    CelKind.STRING: cel.Type.STRING,
    CelKind.BOOL: cel.Type.BOOL,
}


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A condition that type-checks as bool: its text, tree, and where its variables stand.

    ``variables`` are the variables it mentions, sorted: its lineage.
    """

    name: str
    when: str
    tree: Node
    variables: tuple[str, ...]


def cel_type(kind: CelKind) -> cel.Type:
    """The engine's type of a kind."""
    return _TYPES[kind]


def check_rule(name: str, when: str, variables: Mapping[str, CelKind]) -> CheckedRule:
    """Type-check one condition alone and hold it to the documented subset of CEL.

    The subset: the operators and functions of ``FUNCTIONS``, the macros all, exists,
    exists_one, map and filter (not inside one another, not one over the result of another),
    literals except ``null``.

    Raises:
        RuleError: it does not parse, does not type-check as bool, mentions an unknown variable
            or function, or exceeds a limit.

    Example:
        >>> check_rule("big", "amount > 100", {"amount": CelKind.INT}).variables
        ('amount',)
        >>> check_rule("big", "amuont > 100", {"amount": CelKind.INT})
        Traceback (most recent call last):
        assay.rules.error.RuleError: rule 'big', line 1, column 1, at 'amuont': \
'amuont' is not a variable or function a rule may use. Did you mean 'amount'?
    """
    _check_text(name, when)
    env = cel.NewEnv(variables={key: cel_type(kind) for key, kind in variables.items()})
    try:
        expression = env.compile(when)
    except RuntimeError as error:
        raise explained(name, when, str(error), _names(variables)) from error
    if expression.return_type() != cel.Type.BOOL:
        got = expression.return_type().name().lower()
        raise RuleError(name, f"expected a condition (bool), got {got}", text=when)
    tree = read_syntax(expression.serialize())
    _check_tree(name, when, tree, variables)
    return CheckedRule(name, when, tree, tuple(sorted({node.name for node in tree.free()})))


def _check_text(name: str, when: str) -> None:
    if not when.strip():
        raise RuleError(name, "expected a condition, got no text", text="")
    if len(when) > TEXT_MAX:
        raise RuleError(name, f"at most {TEXT_MAX} characters, got {len(when)}", text="")
    for position, character in enumerate(when):
        if "\ud800" <= character <= "\udfff":
            raise rule_error_at(name, when, position, "a lone surrogate is not text")


def _check_tree(name: str, when: str, tree: Node, variables: Mapping[str, CelKind]) -> None:
    nodes = list(tree.walk())
    constants = sum(node.kind == "constant" for node in nodes)
    loops = [node for node in nodes if node.kind == "comprehension"]
    if len(nodes) - constants > NODES_MAX:
        raise RuleError(
            name,
            f"at most {NODES_MAX} operations and variables, got {len(nodes) - constants}: "
            "split it into several rules",
            text="",
        )
    if constants > CONSTANTS_MAX:
        raise RuleError(
            name, f"at most {CONSTANTS_MAX} constants, got {constants}: use a list", text=""
        )
    if len(loops) > COMPREHENSIONS_MAX:
        raise RuleError(
            name, f"at most {COMPREHENSIONS_MAX} uses of all, exists, map, filter", text=""
        )
    for node in nodes:
        _check_node(name, when, node)
    for node in tree.free():
        if node.name not in variables or not when.startswith(node.name, max(node.at, 0)):
            what = unknown_variable(node.name, _names(variables))
            raise rule_error_at(name, when, node.at, what)


def _check_node(name: str, when: str, node: Node) -> None:
    if node.kind == "call" and node.name not in FUNCTIONS:
        raise rule_error_at(
            name, when, node.at, f"function {node.name!r} is not part of the rule language"
        )
    if node.kind == "constant" and node.name == "null":
        what = "null is not part of the rule language; a rule over an unknown value cannot tell"
        raise rule_error_at(name, when, node.at, f"{what}, and asks for its if_unknown")
    if node.kind == "comprehension" and RESERVED.intersection(node.bound):
        raise rule_error_at(name, when, node.at, f"choose another name than {node.name!r}")
    if node.kind == "comprehension":
        inner = (below for part in node.parts for below in part.walk())
        if any(below.kind == "comprehension" for below in inner):
            what = "all, exists, map and filter may not be used inside or after one another"
            raise rule_error_at(name, when, node.at, what)


def _names(variables: Mapping[str, CelKind]) -> list[str]:
    return [*variables, *(name for name in FUNCTIONS if name.isalpha()), *MACROS]
