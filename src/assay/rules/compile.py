"""Which rules hold? All of them answered in one call of the engine, unknown values included.

The rules of a set become one CEL list ``[((rule 0) ? 1 : 0), ...]`` over four typed lists of
values, so a whole set costs one crossing into the engine (and an element of a list is read in
0.17 us where a variable of its own takes 0.45 us). What follows from that:

* a rule that mentions a value that is not known is -1 ("cannot tell"), *before* CEL's own error
  absorption: ``amount > 5 || unknown > 1`` cannot tell, whatever ``amount`` is. The engine sees a
  placeholder and its answer is not used;
* no null ever enters the engine or comes back from it (version 0.1.3 loses a reference to None
  each time, which ends the interpreter after some thousands);
* an error anywhere fails the list. Then a second expression, in which every rule has a guard, is
  evaluated in parts until the failing rules stand alone, and only those are -1.

A NaN is not a number and counts as not known.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cel_expr_python import cel

from assay.core.errors import Invalid
from assay.rules.check import TOTAL, CheckedRule, cel_type, check_rule
from assay.rules.column import Column, Value
from assay.rules.error import RuleError
from assay.rules.kind import CelKind
from assay.rules.rule import Rule

Data = dict[str, list[Any]]  #: what the one expression reads: a list per kind, and the flags

RULES_MAX = 256
SET_TEXT_MAX = 95_000  #: characters of the one expression; the engine's own limit is 100 000
HOLDS, DOES_NOT_HOLD, CANNOT_TELL = 1, 0, -1

#: Names of the lists inside the one expression. Every variable is replaced and no macro may bind
#: a reserved name, so they cannot clash.
_GUARD = "g_"
_LISTS = {kind: f"{kind[0]}_" for kind in CelKind}


class RuleSet:
    """Compiled rules in the order they were given; made by ``compile_rules``."""

    def __init__(self, checked: Sequence[CheckedRule], variables: Mapping[str, CelKind]) -> None:
        self.checked = tuple(checked)
        self.variables: tuple[str, ...] = tuple(
            sorted({name for rule in checked for name in rule.variables})
        )
        self._columns = [
            Column(kind, [name for name in self.variables if variables[name] is kind])
            for kind in CelKind
        ]
        self._needs = [_mask(rule.variables, self.variables) for rule in checked]
        self._bit = {name: 1 << bit for bit, name in enumerate(self.variables)}
        self._can_fail = [_can_fail(rule) for rule in checked]
        texts = [rewritten(rule, _places(self._columns)) for rule in checked]
        # The line end closes a comment that the rule may end with.
        answers = [f"(({text}\n) ? 1 : 0)" for text in texts]
        guarded = [f"({_GUARD}[{at}] ? {answer} : -1)" for at, answer in enumerate(answers)]
        self._program, self._guarded = _program(answers), _program(guarded)

    def evaluate(self, values: Mapping[str, Value]) -> tuple[int, ...]:
        """1 where a rule holds, 0 where it does not, -1 where it cannot tell.

        Args:
            values: variables by name; None or absent means "not known". Others are ignored.

        Example:
            >>> rules = compile_rules(
            ...     [Rule(name="big", when="amount > 100", then="review")],
            ...     {"amount": CelKind.INT},
            ... )
            >>> rules.evaluate({"amount": 101}), rules.evaluate({"amount": None})
            ((1,), (-1,))
        """
        unknown: list[str] = []
        data: Data = {_LISTS[column.kind]: column.read(values, unknown) for column in self._columns}
        results = _run(self._program, data)
        if results is None:
            return tuple(self._apart(data, unknown))
        if unknown:
            known = self._answerable(unknown)
            results = [
                found if ok else CANNOT_TELL for found, ok in zip(results, known, strict=True)
            ]
        return tuple(results)

    def _answerable(self, unknown: Sequence[str]) -> list[bool]:
        """For each rule, whether everything it mentions is known."""
        mask = sum({self._bit[name] for name in unknown})
        return [not need & mask for need in self._needs]

    def _apart(self, data: Data, unknown: list[str]) -> list[int]:
        """The results when something fails: halve the set until only failing rules are left.

        First the values that do not convert are taken as not known, because one of them fails
        the whole list it stands in.
        """
        for column in self._columns:
            column.repair(data[_LISTS[column.kind]], unknown)
        known = self._answerable(unknown)
        results = [CANNOT_TELL] * len(known)
        # Rules that cannot fail go first and together; usually few are left to try apart.
        pending: list[list[int]] = [[], []]
        for position, ok in enumerate(known):
            if ok:
                pending[not self._can_fail[position]].append(position)
        while pending:
            group = set(pending.pop())
            data[_GUARD] = [position in group for position in range(len(known))]
            found = _run(self._guarded, data)
            if found is not None:
                for position in group:
                    results[position] = found[position]
            elif len(group) > 1:
                ordered, middle = sorted(group), len(group) // 2
                pending += [ordered[:middle], ordered[middle:]]
        return results


def compile_rules(rules: Iterable[Rule], variables: Mapping[str, CelKind]) -> RuleSet:
    """Type-check every rule alone, then compile all of them into one expression.

    Raises:
        RuleError: a rule does not compile; the message names the place and the near miss.
        Invalid: two rules of one name, or more than ``RULES_MAX`` rules or ``SET_TEXT_MAX``
            characters.
    """
    rules = tuple(rules)
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"two rules are named {name!r}: a name says which rule spoke")
    if len(rules) > RULES_MAX:
        raise Invalid(f"at most {RULES_MAX} rules in a set, got {len(rules)}")
    checked = [check_rule(rule.name, rule.when, variables) for rule in rules]
    for rule in checked:
        _compile_alone(rule, variables)
    return RuleSet(checked, variables)


def _run(program: cel.Expression, data: Data) -> list[int] | None:
    """The list of results, or None when the engine reports an error."""
    try:
        value = program.eval(data=data)
    except (RuntimeError, TypeError, ValueError, OverflowError):
        return None  # a value that does not convert; the caller isolates the rule
    found = value.plain_value()
    return found if isinstance(found, list) else None  # an error arrives as its text


def _program(items: Sequence[str]) -> cel.Expression:
    types = {_LISTS[kind]: cel.Type.List(cel_type(kind)) for kind in CelKind}
    env = cel.NewEnv(variables={**types, _GUARD: cel.Type.List(cel.Type.BOOL)})
    text = f"[{', '.join(items)}]"
    if len(text) > SET_TEXT_MAX:
        raise Invalid(
            f"the rules of a set are at most {SET_TEXT_MAX} characters together, "
            f"got {len(text)} after variables were replaced: use fewer or shorter rules"
        )
    return env.compile(text)


def _places(columns: Sequence[Column]) -> dict[str, str]:
    """Where each variable stands inside the one expression."""
    return {
        name: f"{_LISTS[column.kind]}[{index}]"
        for column in columns
        for index, name in enumerate(column.names)
    }


def rewritten(rule: CheckedRule, places: Mapping[str, str]) -> str:
    """The text of a rule with every variable replaced by its place.

    The positions come from the engine's syntax tree, so a name inside a text, a comment or bound
    by a macro is not touched.
    """
    parts, end = [], 0
    for at, name in sorted({(node.at, node.name) for node in rule.tree.free()}):
        parts += [rule.when[end:at], places[name]]
        end = at + len(name)
    return "".join([*parts, rule.when[end:]])


def _compile_alone(rule: CheckedRule, variables: Mapping[str, CelKind]) -> None:
    """Refuse, under its own name, a rule that is only too deep once it stands in the list."""
    try:
        RuleSet([rule], variables)
    except RuntimeError as error:
        if "recursion" not in str(error):
            raise
        raise RuleError(
            rule.name, "nested too deeply: split it into several rules", text=""
        ) from error


def _can_fail(rule: CheckedRule) -> bool:
    return any(node.kind == "call" and node.name not in TOTAL for node in rule.tree.walk())


def _mask(names: Iterable[str], order: Sequence[str]) -> int:
    return sum(1 << order.index(name) for name in names)
