"""A policy that does not fit what it will decide on is refused before it decides anything."""

from typing import Any

import pytest
from tests.unit.decisions.small import AT, BOOKING, CATALOG, CONTRACTS, COSTS, compiled, make_policy

from assay.contracts.contract import ContractSet, EventContract
from assay.core.errors import Invalid, Unknown
from assay.core.time import DAY
from assay.decisions.check import PolicyMismatch
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Costs
from assay.decisions.reason import STANDARD, ReasonText
from assay.rules.error import RuleError
from assay.rules.kind import CelKind
from assay.rules.lists import parse_list, write_list
from assay.rules.rule import ListUse, Rule


def a_rule(when: str = "first", **parts: Any) -> Rule:
    return Rule(**{"name": "odd", "when": when, "then": "review", **parts})


def test_variables_are_fields_values_and_lists_with_their_types() -> None:
    assert compiled().variables == {
        "user_id": CelKind.STRING,
        "guest_name": CelKind.STRING,
        "amount": CelKind.INT,
        "distance": CelKind.DOUBLE,
        "first": CelKind.BOOL,
        "user_count_1d": CelKind.INT,
        "user_mean_1d": CelKind.DOUBLE,
        "is_large": CelKind.BOOL,
        "on_sanctions": CelKind.BOOL,
        "on_trusted": CelKind.BOOL,
    }


@pytest.mark.parametrize("part", ["contracts", "catalog"])
def test_another_digest_is_refused(part: str) -> None:
    with pytest.raises(PolicyMismatch, match=f"written for the {part} sha256:1"):
        compiled(**{part: "sha256:1"})


def test_another_request_type_is_refused() -> None:
    login = EventContract(type="login", version=1, fields=BOOKING.fields, keys=())
    contracts = ContractSet([BOOKING, login])
    policy = make_policy(request="login", contracts=contracts.digest)
    with pytest.raises(PolicyMismatch, match="request type login, got booking"):
        CompiledPolicy(policy, CATALOG, contracts)


def test_a_rule_with_an_unknown_feature_says_where_and_the_near_miss() -> None:
    with pytest.raises(RuleError, match=r"column 10.*Did you mean 'user_count_1d'") as found:
        compiled(rules=(a_rule("first && user_cuont_1d > 3"),))
    assert (found.value.rule, found.value.column) == ("odd", 10)


def test_a_condition_that_does_not_compile_is_refused_by_number() -> None:
    with pytest.raises(RuleError, match="condition_2"):
        compiled(conditions=("first", "amuont < 5"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": (a_rule(code="velocity_hihg"),)}, "Did you mean 'velocity_high'"),
        ({"rules": (a_rule(strength="allow"),)}, "an allow rule asks for approve"),
        ({"rules": (a_rule(then="approve", strength="hard"),)}, "a hard rule cannot approve"),
        ({"rules": (a_rule(), a_rule())}, "two rules are named 'odd'"),
        (
            {"rules": (a_rule("on_sanctions", then="hold", strength="hard"),)},
            "expected if_unknown='hold', got 'approve'",
        ),
        (
            {"lists": (ListUse(name="amount", field="user_id", owner="x", age_max=1),)},
            "list 'amount' has the name of a field",
        ),
        (
            {"lists": (ListUse(name="on_it", field="amount", owner="x", age_max=1),)},
            "needs a text field",
        ),
        (
            {"lists": (ListUse(name="on_it", field="usr_id", owner="x", age_max=1),)},
            "Did you mean 'user_id'",
        ),
        (
            {"lists": (ListUse(name="on_it", field="user_id", owner="x", age_max=0),)},
            "positive age_max",
        ),
        ({"bands": Bands(review_at=0.6, block_at=0.5, overflow=Outcome.BLOCK)}, "review_at <="),
        ({"bands": Bands(review_at=-0.1, block_at=0.5, overflow=Outcome.BLOCK)}, "review_at <="),
        ({"bands": Bands(review_at=0.1, block_at=0.5, overflow=Outcome.REVIEW)}, "overflow"),
        ({"capacity_per_day": -1}, "capacity"),
        ({"deadline": 0}, "deadline"),
        ({"amount_field": "user_id"}, "must be money"),
        ({"entity_field": "amount"}, "must be a text field"),
        ({"entity_field": "userid"}, "Did you mean 'user_id'"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        compiled(**{"rules": (), "lists": (), **changes} if "lists" in changes else changes)


@pytest.mark.parametrize("edge", [float("nan"), float("inf")])
def test_bands_are_finite(edge: float) -> None:
    with pytest.raises(Invalid):
        compiled(bands=Bands(review_at=0.1, block_at=edge, overflow=Outcome.BLOCK))


@pytest.mark.parametrize(
    "change", [{"fraud_share": -1.0}, {"block_fixed": -1}, {"reviewer_error": 1.5}]
)
def test_costs_that_make_no_sense_are_refused(change: dict[str, float]) -> None:
    parts: dict[str, Any] = {name: getattr(COSTS, name) for name in COSTS.__struct_fields__}
    with pytest.raises(Invalid):
        compiled(costs=Costs(**{**parts, **change}))


def test_a_catalogue_of_ones_own_is_used() -> None:
    own = STANDARD.extended([ReasonText("own_code", "Our own.", "Please wait.")])
    policy = CompiledPolicy(make_policy(rules=(a_rule(code="own_code"),)), CATALOG, CONTRACTS, own)
    assert policy.explain("own_code").customer == "Please wait."


def test_codes_are_explained_by_catalogue_rule_or_value() -> None:
    policy = compiled(rules=(a_rule(about="An odd one."),))
    assert policy.explain("odd").analyst == "An odd one."
    assert policy.explain("user_mean_1d").analyst.startswith("Mean amount")
    assert policy.explain("risk_high").customer
    with pytest.raises(Unknown, match="Did you mean 'odd'"):
        policy.explain("od")


def test_memberships_come_from_fresh_snapshots_only() -> None:
    policy = compiled()
    fresh = parse_list("on_sanctions", write_list(["Ánn  B."], as_of=AT))
    stale = parse_list("on_trusted", write_list(["u1"], as_of=AT - DAY))
    payload = {"user_id": "u1", "guest_name": "ann b"}
    found = policy.memberships(payload, {"on_sanctions": fresh, "on_trusted": stale}, AT)
    assert found == {"on_sanctions": True, "on_trusted": None}
    assert policy.memberships(payload, {}, AT) == {"on_sanctions": None, "on_trusted": None}
    nameless = policy.memberships({"user_id": "u1"}, {"on_sanctions": fresh}, AT)
    assert nameless["on_sanctions"] is None
