"""The workload's parts fit together, and its rules say what their names say."""

from typing import Any

import pytest

from assay.contracts.event import Scalar
from assay.core.canonical import digest
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.lint import lint
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Policy
from assay.models.intervals import Interval
from assay.workloads.cards.protocol import TEST_WEEK, VALIDATION_WEEKS
from assay.workloads.cards.result import MARGIN, Bound, CardsResult, Row
from assay.workloads.cards.selection import CANDIDATES, CHOSEN, LOG, PRIMARY, History, split
from assay.workloads.cards.workload import CARDS


def compiled() -> CompiledPolicy:
    policy = Policy(
        name="cards",
        version=1,
        request=CARDS.request.type,
        contracts=CARDS.contracts.digest,
        catalog=CARDS.catalog.digest,
        model=None,
        rules=CARDS.rules,
        lists=CARDS.lists,
        bands=Bands(review_at=0.1, block_at=0.5, overflow=Outcome.APPROVE),
        costs=CARDS.costs,
        capacity_per_day=CARDS.capacity,
        deadline=50_000,
        if_no_score=Outcome.CHALLENGE,
        amount_field=CARDS.amount_field,
        entity_field=CARDS.entity_field,
    )
    return CompiledPolicy(policy, CARDS.catalog, CARDS.contracts)


QUIET = {
    "customer_count_30d": 50,
    "amount_to_max_ever": 0.4,
    "terminal_ordinary_frauds_7d": 0,
    "terminal_last_was_fraud_60d": False,
    "terminal_risk_7d": 0.0,
}


def held(amount: int = 5_000, **changed: Any) -> set[str]:
    """Names of the rules that hold."""
    policy = compiled()
    values: dict[str, Any] = {name: QUIET.get(name) for name in CARDS.catalog.names} | changed
    payload: dict[str, Scalar] = {
        "customer_id": "c1",
        "terminal_id": "t1",
        "amount": amount,
        "local_time": 0,
    }
    results = policy.evaluate(payload, values, {})
    return {rule.name for rule, result in zip(CARDS.rules, results, strict=True) if result == 1}


def test_an_ordinary_payment_meets_no_rule() -> None:
    assert held() == set()


def test_the_issuers_limit_is_exclusive() -> None:
    assert held(amount=500_000) == set()
    assert held(amount=500_001) == {"above_issuer_limit"}


def test_a_terminal_where_nearly_everything_is_fraud_is_under_attack() -> None:
    attack: dict[str, Any] = {
        "terminal_ordinary_frauds_7d": 3,
        "terminal_last_was_fraud_60d": True,
        "terminal_risk_7d": 0.9,
    }
    assert held(**attack) == {"terminal_under_attack"}
    assert held(**(attack | {"terminal_ordinary_frauds_7d": 2})) == set()


def test_more_than_twice_the_own_maximum_is_noticed_for_known_customers() -> None:
    assert held(amount_to_max_ever=2.1) == {"far_above_own_maximum"}
    assert held(amount_to_max_ever=2.1, customer_count_30d=9) == set()


def test_nothing_in_the_policy_is_questionable_to_the_linter() -> None:
    assert [finding for finding in lint(compiled()) if finding.severity == "warning"] == []


@pytest.mark.parametrize("history", ["week", "mature"])
def test_training_uses_nothing_the_protocol_withholds(history: History) -> None:
    for week in (TEST_WEEK, *VALIDATION_WEEKS):
        cut = split(week, history)
        for part in (cut.fit, cut.calibrate, cut.bands, cut.test):
            assert part.start <= part.end <= week.cutoff
            assert part.known_by <= week.start
        if history == "week":
            assert cut.fit.start == week.train_start


def test_the_choice_follows_from_the_log() -> None:
    """The candidate with the best mean; the history that won where it had two weeks to fit."""
    assert {tried.candidate for tried in LOG} == {item.name for item in CANDIDATES}
    assert all(len(tried.auc_roc) == len(VALIDATION_WEEKS) for tried in LOG)
    by_candidate = {
        item.name: sum(tried.score() for tried in LOG if tried.candidate == item.name)
        for item in CANDIDATES
    }
    assert max(by_candidate, key=lambda name: by_candidate[name]) == CHOSEN.name
    long_enough = [
        place
        for place, week in enumerate(VALIDATION_WEEKS)
        if split(week, "mature").fit.end - split(week, "mature").fit.start >= 14 * 86_400_000_000
    ]
    own = {tried.history: tried for tried in LOG if tried.candidate == CHOSEN.name}
    assert max(own, key=lambda history: own[history].score(long_enough)) == PRIMARY


def result(low: float) -> CardsResult:
    interval = Interval(0.01, low, 0.03, 0.95)
    row = Row(
        name="all mature history",
        source="ours",
        auc_roc=0.9,
        average_precision=0.7,
        card_precision_at_100=0.3,
        intervals={"auc_roc": Interval(0.9, 0.85, 0.95, 0.95)},
        primary=True,
    )
    published = Row(
        name="random forest",
        source="published",
        auc_roc=0.867,
        average_precision=0.658,
        card_precision_at_100=0.287,
    )
    bound = Bound(
        ours=row.name,
        peer="rerun random forest",
        metric="auc_roc",
        difference=interval,
        limit=MARGIN,
        met=low > MARGIN,
    )
    return CardsResult(
        week="2018-08-08",
        train_payments=10,
        train_frauds=1,
        test_payments=20,
        test_frauds=2,
        test_cards=5,
        rows=(published, row),
        bounds=(bound,),
        draws=100,
        seed=0,
    )


def test_the_table_shows_every_row_and_says_whether_the_bound_holds() -> None:
    lines = result(0.0).lines()
    assert any("published: random forest" in line and "0.867" in line for line in lines)
    assert any("ours: all mature history*" in line and "[0.850 0.950]" in line for line in lines)
    assert lines[-1].endswith("lower bound above -0.02: yes")
    assert max(len(line) for line in lines) <= 110


def test_a_bound_that_fails_is_not_met() -> None:
    assert result(0.0).met
    assert not result(-0.021).met
    assert result(-0.021).lines()[-1].endswith("NO")


def test_two_workload_digests_are_equal() -> None:
    """Costs and rules are part of what is hashed, so they must have a canonical form."""
    assert digest(CARDS.costs) == digest(CARDS.costs)
    assert digest(list(CARDS.rules)).startswith("sha256:")
