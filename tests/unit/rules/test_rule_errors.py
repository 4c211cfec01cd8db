"""A rule that is not a rule is refused, and the message says where and what to do."""

import pytest

from assay.core.errors import Invalid
from assay.rules.check import NODES_MAX, TEXT_MAX, check_rule
from assay.rules.compile import RULES_MAX, SET_TEXT_MAX, compile_rules
from assay.rules.error import RuleError
from assay.rules.kind import CelKind
from assay.rules.rule import Rule

VARIABLES = {
    "amount": CelKind.INT,
    "mean_amount": CelKind.DOUBLE,
    "country": CelKind.STRING,
    "on_list": CelKind.BOOL,
}


def refused(when: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        check_rule("r", when, VARIABLES)
    return caught.value


def test_an_unknown_variable_is_named_with_its_place_and_the_near_miss() -> None:
    error = refused("on_list ||\n  amuont > 5")
    assert (error.rule, error.line, error.column, error.text) == ("r", 2, 3, "amuont")
    assert "Did you mean 'amount'?" in str(error)
    assert error.code == "rule_invalid"


def test_a_wrong_function_is_named_with_the_near_miss() -> None:
    assert "Did you mean 'startsWith'?" in str(refused("country.startswith('D')"))


@pytest.mark.parametrize(
    ("when", "column"),
    [("'é😀' == country && zzz", 20), ("/* */", 1), ("country == '\\'' && 'x' == 1", 24)],
)
def test_columns_count_characters_and_not_bytes(when: str, column: int) -> None:
    assert refused(when).column == column


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("amount > 1.5", "write 2.0 for 2"),
        ("mean_amount > 1", "write 2.0 for 2"),
        ("amount == null", "null is not part"),
        ("null == null", "null is not part"),
        ("amount == '5'", "quote the value"),
        ("amount", "expected a condition (bool), got int"),
        ("", "no text"),
        (" \n", "no text"),
        ("amount >", "<EOF>"),
        ("amount = 5", "token recognition"),
        ("dyn(amount) == 1", "'dyn' is not part"),
        ("type(amount) == int", "'type' is not part"),
        ("country.foo", "select"),
        ("amount > 99999999999999999999", "invalid int literal"),
        ("country == '\ud800'", "surrogate"),
        ("[1].exists(b_, b_ > amount)", "choose another name"),
        ("[1].map(a, a).exists(b, b > 1)", "inside or after one another"),
        ("[1].exists(a, [1].exists(b, b > a))", "inside or after one another"),
        (" && ".join(["[1].exists(a, a > 1)"] * 5), "at most 4 uses"),
        ("amount in [" + ",".join(map(str, range(1100))) + "]", "characters"),
        ("amount in [" + ",".join("1" * 1100) + "]", "at most 1000 constants"),
        (" && ".join(["on_list"] * (NODES_MAX + 1)), "split it into several rules"),
        ("(" * 30 + "on_list" + ")" * 30, "nested too deeply"),
        ("(" * 1500 + "on_list" + ")" * 1500, "nested too deeply"),
        ("!" * (TEXT_MAX + 1), "characters"),
        ("country.matches('a') " + "\x00", "token recognition"),
    ],
)
def test_what_is_outside_the_language_is_refused_with_a_hint(when: str, expected: str) -> None:
    with pytest.raises(RuleError, match="rule 'r', line ") as caught:
        compile_rules([Rule(name="r", when=when, then="review")], VARIABLES)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "attack", ["true) ? 1 : 0), (true", "true\n) ? 1 : 0) : -1, (true ? ((true"]
)
def test_a_rule_cannot_break_out_of_its_place(attack: str) -> None:
    assert refused(attack).rule == "r"


def test_two_rules_of_one_name_are_refused() -> None:
    rule = Rule(name="twice", when="on_list", then="review")
    with pytest.raises(Invalid, match="two rules are named 'twice'"):
        compile_rules([rule, rule], VARIABLES)


def test_too_many_rules_or_too_much_text_is_refused() -> None:
    many = [Rule(name=f"r{n}", when="on_list", then="review") for n in range(RULES_MAX + 1)]
    with pytest.raises(Invalid, match="at most 256 rules"):
        compile_rules(many, VARIABLES)
    long = "on_list // " + "x" * 3_900
    with pytest.raises(Invalid, match=f"at most {SET_TEXT_MAX} characters together"):
        compile_rules([Rule(name=f"r{n}", when=long, then="review") for n in range(25)], VARIABLES)


def test_the_largest_set_still_compiles() -> None:
    text = "on_list // " + "x" * 300
    many = [Rule(name=f"r{n}", when=text, then="review") for n in range(RULES_MAX)]
    assert compile_rules(many, VARIABLES).evaluate({"on_list": True}) == (1,) * RULES_MAX
