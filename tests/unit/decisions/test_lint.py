"""What compiles but cannot be meant is found, and a sound policy has no findings."""

import msgspec
import pytest
from tests.unit.decisions.small import FAR, FAST, LISTS, SANCTIONS, STOLEN, TRUSTED, compiled

from assay.decisions.lint import lint
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands
from assay.rules.rule import ListUse, Rule

OWNED = tuple(
    msgspec.structs.replace(rule, owner="risk", about="why")
    for rule in (FAST, SANCTIONS, TRUSTED, STOLEN, FAR)
)


def rule(when: str, **changes: str) -> Rule:
    parts = {"name": "odd", "then": "review", "owner": "risk", "about": "why"} | changes
    return msgspec.convert({"when": when, **parts}, Rule)


def found(**changes: object) -> set[str]:
    return {finding.code for finding in lint(compiled(**{"rules": OWNED, **changes}))}


def test_a_sound_policy_has_no_findings() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (rule("1 > 2"), "never_true"),
        (rule("size('abc') == 3"), "always_true"),
        (rule("guest_name.matches('(')"), "never_tells"),
        (rule("  user_count_1d   >3 // same"), "same_condition"),
        (rule("first", then="approve"), "asks_for_nothing"),
        (rule("on_trusted && first", then="block", strength="hard"), "opens_when_blind"),
        (rule("first", owner=""), "no_owner"),
        (rule("first", about=""), "no_text"),
    ],
)
def test_an_odd_rule_is_found(odd: Rule, code: str) -> None:
    assert found(rules=(*OWNED, odd)) == {code}


def test_equal_layout_with_another_number_is_another_condition() -> None:
    assert found(rules=(*OWNED, rule("user_count_1d > 4"))) == set()


def test_an_unused_list_is_found() -> None:
    unused = ListUse(name="on_watch", field="user_id", owner="risk", age_max=1)
    assert found(lists=(*LISTS, unused)) == {"list_unused"}


@pytest.mark.parametrize(
    ("edges", "code"),
    [((0.0, 0.5), "reviews_all"), ((0.5, 1.5), "blocks_none"), ((0.5, 0.5), "no_review_band")],
)
def test_odd_bands_are_found(edges: tuple[float, float], code: str) -> None:
    bands = Bands(review_at=edges[0], block_at=edges[1], overflow=Outcome.BLOCK)
    assert found(bands=bands) == {code}


def test_a_band_without_capacity_and_an_outage_that_approves_are_found() -> None:
    assert found(capacity_per_day=0) == {"no_capacity"}
    bands = Bands(review_at=0.4, block_at=0.8, overflow=Outcome.APPROVE)
    assert found(bands=bands) == {"outage_approves"}
    assert found(bands=bands, model=None) == set()
