"""What a set of rules answers, and what it answers when it cannot."""

import pytest

from assay.rules.check import check_rule
from assay.rules.column import Value
from assay.rules.compile import RuleSet, compile_rules, rewritten
from assay.rules.kind import CelKind
from assay.rules.rule import Rule

VARIABLES = {
    "amount": CelKind.INT,
    "count": CelKind.INT,
    "mean": CelKind.DOUBLE,
    "share": CelKind.DOUBLE,
    "country": CelKind.STRING,
    "on_list": CelKind.BOOL,
}
VALUES: dict[str, Value] = {
    "amount": 100, "count": 2, "mean": 0.5, "share": 0.25, "country": "DE", "on_list": False,
}  # fmt: skip


def compiled(*texts: str) -> RuleSet:
    return compile_rules(
        [Rule(name=f"r{n}", when=text, then="review") for n, text in enumerate(texts)], VARIABLES
    )


def test_each_rule_holds_or_does_not() -> None:
    rules = compiled("amount >= 100", "amount > 100", "country in ['DE', 'AT'] && !on_list")
    assert rules.evaluate(VALUES) == (1, 0, 1)


def test_an_unknown_or_absent_value_makes_its_rules_unable_to_tell() -> None:
    rules = compiled("amount > 5 || mean > 1.0", "amount > 5", "mean > 0.1")
    assert rules.evaluate({**VALUES, "mean": None}) == (-1, 1, -1)
    assert rules.evaluate({"amount": 10}) == (-1, 1, -1)
    assert rules.evaluate({}) == (-1, -1, -1)


def test_not_a_number_is_not_known() -> None:
    rules = compiled("mean > 0.1", "!(mean > 0.1)", "share > 0.1")
    assert rules.evaluate({**VALUES, "mean": float("nan")}) == (-1, -1, 1)


def test_an_infinite_value_is_compared_as_such() -> None:
    assert compiled("mean > 1e300").evaluate({**VALUES, "mean": float("inf")}) == (1,)
    both = {**VALUES, "mean": float("inf"), "share": float("-inf")}
    assert compiled("mean > 0.0", "share > 0.0").evaluate(both) == (1, 0)


@pytest.mark.parametrize("failing", [[0], [3], [6], [0, 6], [1, 2, 3], list(range(7))])
def test_a_failing_rule_fails_alone(failing: list[int]) -> None:
    texts = ["amount / (count - 2) > 1" if n in failing else "amount > 1" for n in range(7)]
    expected = tuple(-1 if n in failing else 1 for n in range(7))
    assert compiled(*texts).evaluate(VALUES) == expected


@pytest.mark.parametrize(
    "text",
    [
        "amount / (count - 2) > 1",
        "amount % (count - 2) > 1",
        "amount + 9223372036854775807 > 1",
        "int(country) > 1",
        "[1, 2][count] == 1",
        "timestamp(country) > timestamp('2020-01-01T00:00:00Z')",
        "country.matches('(')",
    ],
)
def test_every_kind_of_failure_is_cannot_tell(text: str) -> None:
    assert compiled("amount > 1", text, "on_list").evaluate(VALUES) == (1, -1, 0)


def test_cel_absorbs_an_error_that_does_not_matter() -> None:
    assert compiled("amount / (count - 2) > 1 || true").evaluate(VALUES) == (1,)


def test_a_value_of_the_wrong_type_is_cannot_tell_where_it_is_used() -> None:
    rules = compiled("amount > 1", "count > 1", "country == 'DE'", "mean > 0.1")
    wrong: dict[str, Value] = {**VALUES, "amount": "many", "mean": "much"}
    assert rules.evaluate(wrong) == (-1, 1, 1, -1)
    assert rules.evaluate({**VALUES, "count": 2**63}) == (1, -1, 1, 1)
    assert rules.evaluate({**VALUES, "mean": 10**400}) == (1, 1, 1, -1)
    assert rules.evaluate({**VALUES, "country": "\ud800"}) == (1, 1, -1, 1)


def test_the_edges_of_64_bits_are_exact() -> None:
    rules = compiled("amount == 9223372036854775807", "count == -9223372036854775807 - 1")
    assert rules.evaluate({**VALUES, "amount": 2**63 - 1, "count": -(2**63)}) == (1, 1)
    assert rules.evaluate({**VALUES, "amount": 2**63 - 2, "count": -(2**63)}) == (0, 1)


def test_no_rules_answer_nothing() -> None:
    assert compiled().evaluate(VALUES) == ()


def test_a_rule_without_variables_is_a_constant() -> None:
    assert compiled("1 < 2", "1 > 2").evaluate({}) == (1, 0)


def test_lineage_is_what_a_rule_mentions() -> None:
    text = "country == 'amount' && [1, 2].exists(count, count > amount) // share"
    assert check_rule("r", text, VARIABLES).variables == ("amount", "country")
    assert compiled(text, "mean > 1.0").variables == ("amount", "country", "mean")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount > 1 // amount", "V > 1 // amount"),
        ("'amount' == country", "'amount' == V"),
        ('"a\\"amount" == country', '"a\\"amount" == V'),
        ("r'\\d' == country && r\"amount\" == country", "r'\\d' == V && r\"amount\" == V"),
        ("'''amount\n'amount''' == country", "'''amount\n'amount''' == V"),
        ("country.size() > amount", "V.size() > V"),
        ("[1].exists(amount, amount > 0)", "[1].exists(amount, amount > 0)"),
        ("[amount].exists(amount, amount > 0)", "[V].exists(amount, amount > 0)"),
        ("[1].exists(x, x > amount) && amount > 1", "[1].exists(x, x > V) && V > 1"),
        ("amount in [count, 1]", "V in [V, 1]"),
        ("{'amount': amount}['amount'] == 1", "{'amount': V}['amount'] == 1"),
        ("'é😀' == country && amount == 1", "'é😀' == V && V == 1"),
        ("// c\namount\r\n == 1", "// c\nV\r\n == 1"),
    ],
)
def test_only_free_names_are_replaced(text: str, expected: str) -> None:
    rule = check_rule("r", text, VARIABLES)
    assert rewritten(rule, dict.fromkeys(VARIABLES, "V")) == expected


def test_text_with_quotes_and_line_ends_is_only_data() -> None:
    nasty = "' || true || '\n\\ \" \u2028 ) : -1, ("
    assert compiled("country == 'x'", "on_list").evaluate({**VALUES, "country": nasty}) == (0, 0)
