"""The reference page says what the code allows: every function, macro and limit."""

import re
from pathlib import Path

from assay.rules import check, lists
from assay.rules import compile as compiling

PAGE = (Path(__file__).parents[3] / "docs/reference/rules.md").read_text(encoding="utf-8")


def listed(beginning: str) -> set[str]:
    paragraph = PAGE[PAGE.index(beginning) :].split("\n\n")[0]
    return set(re.findall(r"`(\w+)`", paragraph))


def test_functions_and_macros_are_those_of_the_page() -> None:
    assert listed("Functions:") == {name for name in check.FUNCTIONS if name.isalpha()}
    assert listed("Macros") == check.MACROS


def test_operators_are_those_of_the_page() -> None:
    allowed = {re.sub(r"[_@]", "", n) for n in check.FUNCTIONS if not n.isalpha()}
    line = PAGE[PAGE.index("Operators:") :].split("\n")[0]
    shown = set(line.split("`")[1].split())
    assert allowed - {"?:", "[]", "notstrictlyfalse"} == shown - {"?", ":", "[", "]"}


def test_limits_are_those_of_the_page() -> None:
    for number in (
        check.TEXT_MAX, check.NODES_MAX, check.CONSTANTS_MAX, check.COMPREHENSIONS_MAX,
        compiling.RULES_MAX, compiling.SET_TEXT_MAX, lists.ENTRIES_MAX, lists.ENTRY_LENGTH_MAX,
        lists.BYTES_MAX // 2**20,
    ):  # fmt: skip
        assert re.search(rf"\b{number:,}\b", PAGE), number


def test_names_of_the_page_match_as_it_says() -> None:
    table = PAGE[PAGE.index("| On the list |") :].split("\n\n")[0].split("\n")[2:]
    assert len(table) == 3
    for row in table:
        (listed_name,), same, other = (
            re.findall("`([^`]+)`", cell) for cell in row.split("|")[1:4]
        )
        entry = lists.readings(listed_name)
        assert same
        assert other
        assert all(not entry.isdisjoint(lists.readings(name)) for name in same), row
        assert all(entry.isdisjoint(lists.readings(name)) for name in other), row
