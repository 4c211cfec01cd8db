"""Every code has its texts, and none of them tips anybody off."""

import pytest

from assay.core.errors import Invalid, Unknown
from assay.decisions.reason import CHECKING, STANDARD, ReasonCatalogue, ReasonText
from assay.workloads.cards.rules import RULES as CARD_RULES
from assay.workloads.checkout.policy import RULES as CHECKOUT_RULES

TELLING = (
    "fraud", "risk", "score", "rule", "list", "sanction", "suspic", "block", "stolen", "model",
    "velocity", "limit", "laundering", "investigat",
)  # fmt: skip


@pytest.mark.parametrize("text", list(STANDARD), ids=lambda text: text.code)
def test_the_customer_is_never_tipped_off(text: ReasonText) -> None:
    assert text.analyst
    assert not [word for word in TELLING if word in text.customer.lower()]


def test_a_sanctions_hold_reads_like_an_ordinary_check() -> None:
    assert STANDARD.get("sanctions_potential_match").customer == CHECKING
    assert STANDARD.get("risk_elevated").customer == CHECKING


def test_the_delivered_rules_use_known_codes() -> None:
    used = {rule.code for rule in (*CHECKOUT_RULES, *CARD_RULES) if rule.code}
    assert used <= {text.code for text in STANDARD}


def test_an_unknown_code_is_named_with_the_near_miss() -> None:
    with pytest.raises(Unknown, match="Did you mean 'velocity_high'"):
        STANDARD.get("velocity_hihg")


def test_a_catalogue_grows_but_never_changes_a_meaning() -> None:
    grown = STANDARD.extended([ReasonText("own_code", "Our own.")])
    assert "own_code" in grown
    assert "own_code" not in STANDARD
    with pytest.raises(Invalid, match="two meanings"):
        STANDARD.extended([ReasonText("velocity_high", "Something else.")])
    assert list(ReasonCatalogue([*STANDARD, *STANDARD])) == list(STANDARD)


@pytest.mark.parametrize(("code", "analyst"), [("Upper", "x"), ("", "x"), ("fine", "")])
def test_a_code_is_a_name_with_a_text(code: str, analyst: str) -> None:
    with pytest.raises(Invalid):
        ReasonText(code, analyst)
