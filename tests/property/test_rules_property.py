"""Rule sets agree with a slow, obvious evaluator that shares no code and no engine with them.

The oracle works on the generated tree, never on text: it knows nothing of CEL's grammar, of
positions or of how rules are put together. It implements what the documentation promises: -1 as
soon as a mentioned value is not known, errors absorbed by && and || as CEL defines it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.rules.column import Value
from assay.rules.compile import compile_rules
from assay.rules.kind import CelKind
from assay.rules.rule import Rule

# Names chosen to collide with texts, comments, macro variables and parts of one another.
VARIABLES = {
    "x": CelKind.INT, "xx": CelKind.INT, "size_of": CelKind.INT,
    "d": CelKind.DOUBLE, "e1": CelKind.DOUBLE,
    "s": CelKind.STRING, "r": CelKind.STRING,
    "b": CelKind.BOOL, "v": CelKind.BOOL,
}  # fmt: skip


class CelFailure(Exception):
    """The oracle's word for an evaluation error."""


@dataclass(frozen=True)
class Tree:
    """A text, the free variables in it, and what it means given values for them."""

    text: str
    free: frozenset[str]
    value: Callable[[dict[str, Any]], Any]


def variable(name: str) -> Tree:
    return Tree(name, frozenset({name}), lambda env: env[name])


def literal(text: str, value: object) -> Tree:
    return Tree(text, frozenset(), lambda _: value)


def joined(pattern: str, *parts: Tree, function: Callable[..., Any]) -> Tree:
    def value(env: dict[str, Any]) -> Any:
        return function(*(part.value(env) for part in parts))

    free = frozenset[str]().union(*(part.free for part in parts))
    return Tree(pattern.format(*(part.text for part in parts)), free, value)


def whole(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise CelFailure("overflow")
    return value


def quotient(a: int, b: int) -> int:
    if b == 0:
        raise CelFailure("division by zero")
    return whole(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))


def remainder(a: int, b: int) -> int:
    if b == 0:
        raise CelFailure("division by zero")
    return a - b * (abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))


def divided(a: float, b: float) -> float:
    if b == 0:
        return (
            math.nan
            if a == 0 or math.isnan(a)
            else math.copysign(math.inf, a) * math.copysign(1, b)
        )
    return a / b


def both(stop: bool) -> Callable[[Tree, Tree], Tree]:
    """&& (stop=False) and ||: one side equal to ``stop`` decides, even beside an error."""

    def build(left: Tree, right: Tree) -> Tree:
        def value(env: dict[str, Any]) -> bool:
            outcomes: list[bool | None] = []
            for side in (left, right):
                try:
                    outcomes.append(side.value(env))
                except CelFailure:
                    outcomes.append(None)
            if stop in outcomes:
                return stop
            if None in outcomes:
                raise CelFailure("one side failed and the other does not decide")
            return not stop

        operator = "||" if stop else "&&"
        return Tree(f"({left.text} {operator} {right.text})", left.free | right.free, value)

    return build


def chosen(condition: Tree, yes: Tree, no: Tree) -> Tree:
    def value(env: dict[str, Any]) -> Any:
        return (yes if condition.value(env) else no).value(env)

    free = condition.free | yes.free | no.free
    return Tree(f"({condition.text} ? {yes.text} : {no.text})", free, value)


def some(items: list[Tree], name: str, body: Tree, stop: bool) -> Tree:
    """``[..].exists(name, body)`` (stop=True) or ``all``; the name shadows a variable."""

    def value(env: dict[str, Any]) -> bool:
        elements = [item.value(env) for item in items]
        failed = False
        for element in elements:
            try:
                if bool(body.value({**env, name: element})) is stop:
                    return stop
            except CelFailure:
                failed = True
        if failed:
            raise CelFailure("an element failed and no other decides")
        return not stop

    listed = ", ".join(item.text for item in items)
    free = frozenset[str]().union(*(item.free for item in items), body.free - {name})
    return Tree(f"[{listed}].{'exists' if stop else 'all'}({name}, {body.text})", free, value)


alphabet = st.text(st.sampled_from("ab'\"\\é😀x\n /"), max_size=4)


def quoted(text: str) -> Tree:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return literal(f"'{escaped}'", text)


numbers = st.sampled_from([0, 1, 2, 3, 7, 2**31, 2**62, 2**63 - 1])
reals = st.sampled_from([0.0, 0.5, 1.0, 2.5, 1e22, 1e-7, 1e308])
int_leaf = st.one_of(
    st.sampled_from(["x", "xx", "size_of"]).map(variable),
    numbers.map(lambda n: literal(str(n), n)),
)
double_leaf = st.one_of(
    st.sampled_from(["d", "e1"]).map(variable), reals.map(lambda n: literal(repr(n), n))
)
text_leaf = st.one_of(st.sampled_from(["s", "r"]).map(variable), alphabet.map(quoted))
bool_leaf = st.one_of(
    st.sampled_from(["b", "v"]).map(variable),
    st.booleans().map(lambda n: literal(str(n).lower(), n)),
)


def arithmetic(leaf: st.SearchStrategy[Tree], operators: dict[str, Any]) -> st.SearchStrategy[Tree]:
    def build(parts: tuple[str, Tree, Tree]) -> Tree:
        operator, left, right = parts
        return joined(f"({{}} {operator} {{}})", left, right, function=operators[operator])

    return st.recursive(
        leaf,
        lambda inner: st.tuples(st.sampled_from(sorted(operators)), inner, inner).map(build),
        max_leaves=3,
    )


ints = arithmetic(
    int_leaf,
    {
        "+": lambda a, b: whole(a + b),
        "-": lambda a, b: whole(a - b),
        "*": lambda a, b: whole(a * b),
        "/": quotient,
        "%": remainder,
    },
)
doubles = arithmetic(
    double_leaf,
    {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": divided,
    },
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def compared(parts: tuple[str, tuple[Tree, Tree]]) -> Tree:
    operator, (left, right) = parts
    return joined(f"{{}} {operator} {{}}", left, right, function=COMPARISONS[operator])


pairs = st.one_of(
    st.tuples(ints, ints), st.tuples(doubles, doubles), st.tuples(text_leaf, text_leaf)
)
comparisons = st.tuples(st.sampled_from(sorted(COMPARISONS)), pairs).map(compared)
text_tests = st.one_of(
    st.tuples(text_leaf, text_leaf).map(
        lambda p: joined("{}.contains({})", *p, function=lambda a, b: b in a)
    ),
    st.tuples(text_leaf, text_leaf).map(
        lambda p: joined("{}.startsWith({})", *p, function=lambda a, b: a.startswith(b))
    ),
    st.tuples(text_leaf, ints).map(
        lambda p: joined("size({}) > {}", *p, function=lambda a, b: len(a) > b)
    ),
    st.tuples(text_leaf, text_leaf, text_leaf).map(
        lambda p: joined("{} in [{}, {}]", *p, function=lambda a, *b: a in b)
    ),
)
loops = st.builds(
    some,
    st.lists(int_leaf, min_size=1, max_size=3),
    st.sampled_from(["x", "xx", "q"]),
    st.tuples(st.sampled_from(sorted(COMPARISONS)), st.tuples(ints, ints)).map(compared),
    st.booleans(),
)
atoms = st.one_of(comparisons, text_tests, loops, bool_leaf)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(both(stop=True), inner, inner),
        st.builds(both(stop=False), inner, inner),
        st.builds(chosen, inner, inner, inner),
        inner.map(lambda t: joined("!({})", t, function=lambda a: not a)),
    ),
    max_leaves=5,
)
values = st.fixed_dictionaries(
    {
        **{
            name: st.one_of(st.none(), st.sampled_from([0, 1, 2, -3, 2**62, -(2**63)]))
            for name in ("x", "xx", "size_of")
        },
        **{
            name: st.one_of(st.none(), st.sampled_from([0.0, -0.0, 0.5, -2.5, 1e308, math.inf]))
            for name in ("d", "e1")
        },
        **{name: st.one_of(st.none(), alphabet) for name in ("s", "r")},
        **{name: st.one_of(st.none(), st.booleans()) for name in ("b", "v")},
    }
)


def expected(tree: Tree, given_values: dict[str, Any]) -> int:
    """1, 0 or -1, straight from the tree."""
    if any(given_values[name] is None for name in tree.free):
        return -1
    try:
        return int(tree.value(given_values))
    except CelFailure:
        return -1


def named(trees: list[Tree]) -> list[Rule]:
    return [
        Rule(name=f"r{n}", when=f"{tree.text} // x 's", then="review")
        for n, tree in enumerate(trees)
    ]


@settings(max_examples=150, deadline=None)
@given(
    trees=st.lists(conditions, min_size=1, max_size=4),
    many=st.lists(values, min_size=1, max_size=4),
)
def test_a_rule_set_answers_as_the_oracle(trees: list[Tree], many: list[dict[str, Value]]) -> None:
    rules = compile_rules(named(trees), VARIABLES)
    for given_values in many:
        assert rules.evaluate(given_values) == tuple(expected(t, given_values) for t in trees)


@settings(max_examples=50, deadline=None)
@given(tree=conditions)
def test_lineage_is_exactly_the_free_variables(tree: Tree) -> None:
    (checked,) = compile_rules(named([tree]), VARIABLES).checked
    assert set(checked.variables) == tree.free


@settings(max_examples=50, deadline=None)
@given(trees=st.lists(conditions, min_size=2, max_size=5), given_values=values)
def test_a_rule_answers_the_same_alone_and_in_company(
    trees: list[Tree], given_values: dict[str, Value]
) -> None:
    together = compile_rules(named(trees), VARIABLES).evaluate(given_values)
    alone = [compile_rules([rule], VARIABLES).evaluate(given_values) for rule in named(trees)]
    assert together == tuple(result for (result,) in alone)
