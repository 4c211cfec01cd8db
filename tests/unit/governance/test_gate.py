import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.unit.governance.versions import (
    ADMIN,
    APPROVER,
    ENGINEER,
    NOW,
    ROBOT,
    VALIDATOR,
    Person,
    approvable,
    approval,
    change,
    filed,
    record,
    step,
)

from assay.core.canonical import digest
from assay.core.time import DAY
from assay.governance.facts import Change, Facts, Permit, Refused, State
from assay.governance.gate import GATE_POLICY, STEPS, evaluate
from assay.governance.inventory import Closure, Contribution, Finding

replace = msgspec.structs.replace
APPROVE = change(State.APPROVED)


def codes(facts: Facts, asked: Change = APPROVE) -> frozenset[str]:
    answer = evaluate(asked, facts)
    return answer.codes if isinstance(answer, Refused) else frozenset()


def without(facts: Facts, test: str, by: str) -> Facts:
    return replace(
        facts, filed=tuple(f for f in facts.filed if (f.evidence.test, f.by) != (test, by))
    )


def instead(facts: Facts, test: str, by: str, **changes: Any) -> Facts:
    at = next(f.at for f in facts.filed if (f.evidence.test, f.by) == (test, by))
    kept = without(facts, test, by)
    return replace(kept, filed=(*kept.filed, filed(test, by, at, **changes)))


def test_a_complete_version_is_permitted_under_the_policys_digest() -> None:
    answer = evaluate(APPROVE, approvable())
    assert answer == Permit(source=State.VALIDATION, target=State.APPROVED, gate=GATE_POLICY.digest)


@pytest.mark.parametrize("test", GATE_POLICY.development)
def test_each_missing_development_test_alone_blocks(test: str) -> None:
    assert codes(without(approvable(), test, "dana")) >= {"test_missing"} or (
        test in GATE_POLICY.validation  # the validator's own run of it is on file
    )
    submitted = replace(without(approvable(), test, "dana"), transitions=IN_DEVELOPMENT)
    asked = change(State.VALIDATION, ENGINEER)
    expected = set() if test in GATE_POLICY.validation else {"test_missing"}
    assert codes(submitted, asked) == expected


IN_DEVELOPMENT = (step(1, State.DRAFT, State.DEVELOPMENT, "dana", NOW - 9 * DAY),)


@pytest.mark.parametrize("test", GATE_POLICY.validation)
def test_each_missing_validation_test_alone_blocks(test: str) -> None:
    assert codes(without(approvable(), test, "vera")) == {"test_missing"}


@pytest.mark.parametrize(
    ("test", "by"),
    [
        *((t, "dana") for t in GATE_POLICY.development),
        *((t, "vera") for t in GATE_POLICY.validation),
    ],
)
def test_each_failed_test_alone_blocks(test: str, by: str) -> None:
    assert codes(instead(approvable(), test, by, verdict="fail")) == {"test_failed"}


@pytest.mark.parametrize(
    ("test", "by"),
    [
        *((t, "dana") for t in GATE_POLICY.development_documents),
        *((t, "vera") for t in GATE_POLICY.validation_documents),
    ],
)
def test_each_missing_document_alone_blocks(test: str, by: str) -> None:
    assert codes(without(approvable(), test, by)) == {"document_missing"}


@pytest.mark.parametrize("test", GATE_POLICY.validation)
def test_evidence_about_other_bytes_does_not_count(test: str) -> None:
    other = instead(approvable(), test, "vera", subject="sha256:other")
    assert codes(other) == {"test_missing"}


@pytest.mark.parametrize("test", [*GATE_POLICY.validation, *GATE_POLICY.validation_documents])
def test_validation_by_somebody_who_built_the_version_does_not_count(test: str) -> None:
    facts = without(approvable(), test, "vera")
    own = replace(facts, filed=(*facts.filed, filed(test, "dana", NOW - 3 * DAY)))
    assert codes(own) == {"test_missing" if test in GATE_POLICY.validation else "document_missing"}


def test_a_test_without_a_value_does_not_count() -> None:
    test = GATE_POLICY.validation[0]
    blank = instead(approvable(), test, "vera", value=None, note="no frauds in the sample")
    assert codes(blank) == {"test_not_computed"}


def test_a_failure_is_mended_by_running_again_on_the_same_data_only() -> None:
    test = GATE_POLICY.validation[0]
    failed = instead(approvable(), test, "vera", verdict="fail")
    later = filed(test, "vera", NOW - 2 * DAY)
    assert codes(replace(failed, filed=(*failed.filed, later))) == set()
    elsewhere = filed(test, "vera", NOW - 2 * DAY, data=digest("kinder data"))
    assert codes(replace(failed, filed=(*failed.filed, elsewhere))) == {"test_failed"}


@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low"])
def test_an_open_finding_blocks_by_its_severity_until_closed(severity: Any) -> None:
    finding = Finding(key="checkout-risk@1", severity=severity, title="x", by="vera", at=NOW)
    facts = approvable(findings=(finding,))
    assert codes(facts) == ({"finding_open"} if severity in ("critical", "high") else set())
    closure = Closure(finding=finding.id, comment="mended", by="vera", at=NOW)
    assert codes(replace(facts, closures=(closure,))) == set()


BLANK: dict[str, Any] = {
    "name": " ",
    "purpose": "",
    "approved_uses": (),
    "prohibited_uses": (),
    "target": "",
    "population": "",
    "owner": "",
    "developers": (),
    "limitations": (),
    "not_tested": (),
}


@pytest.mark.parametrize("field", BLANK)
def test_each_empty_inventory_field_alone_blocks(field: str) -> None:
    facts = Facts(record=record(**{field: BLANK[field]}))
    asked = change(State.DEVELOPMENT, ENGINEER)
    answer = evaluate(asked, facts)
    assert isinstance(answer, Refused)
    assert answer.why == (f"the inventory record has no {field}",)


@pytest.mark.parametrize("field", ["model", "policy", "frame", "catalog", "environment"])
def test_each_missing_digest_alone_blocks(field: str) -> None:
    for wrong in ("", "md5:1"):
        facts = Facts(record=record(**{field: wrong}))
        assert codes(facts, change(State.DEVELOPMENT, ENGINEER)) == {"digest_missing"}


def test_rules_without_a_model_need_no_model_digest() -> None:
    rules = record()
    determination = replace(rules.determination, kind="rule")
    facts = Facts(record=replace(rules, model=None, determination=determination))
    assert codes(facts, change(State.DEVELOPMENT, ENGINEER)) == set()


def twice(*pair: Any) -> Facts:
    return approvable(approvals=pair)


@pytest.mark.parametrize(
    "facts",
    [
        twice(),
        twice(approval("vera", "validator")),
        twice(approval("alan", "approver")),
        twice(approval("vera", "validator"), approval("vera", "approver")),
        twice(approval("vera", "validator"), approval(" Vera ", "approver")),
        twice(approval("vera", "validator"), approval("alan", "validator")),
        twice(approval("dana", "validator"), approval("alan", "approver")),
        twice(approval("vera", "validator"), approval("DANA", "approver")),
        twice(approval("vera", "validator"), approval("alan", "approver", kind="service")),
        twice(approval("vera", "validator"), approval("alan", "approver", model="sha256:x")),
        twice(approval("vera", "validator"), approval("alan", "approver", policy="sha256:x")),
        twice(approval("vera", "validator"), approval("alan", "approver", key="checkout-risk@2")),
        twice(approval("vera", "validator"), approval("alan", "approver", expires_at=NOW)),
        twice(approval("vera", "validator"), approval("alan", "approver", at=NOW + 1)),
        twice(approval("vera", "validator"), approval("alan", "approver", at=NOW - 6 * DAY)),
        twice(approval("vera", "validator"), approval("alan", "approver", comment=" ")),
        twice(
            approval("vera", "validator"),
            approval("alan", "approver", expires_at=NOW + 800 * DAY),
        ),
    ],
)
def test_each_way_of_lacking_two_people_alone_blocks(facts: Facts) -> None:
    assert codes(facts) == {"approvals_wanting"}


def test_whoever_contributed_in_any_way_is_no_approver() -> None:
    row = Contribution(key="checkout-risk@1", user="alan", work="features", by="dana", at=NOW)
    assert codes(approvable(contributions=(row,))) == {"approvals_wanting"}


def test_whoever_submitted_without_building_is_no_approver() -> None:
    facts = approvable()
    submitted = (facts.transitions[0], replace(facts.transitions[1], actor="alan"))
    assert codes(replace(facts, transitions=submitted)) == {"approvals_wanting"}


def test_one_of_several_approvers_with_both_roles_still_leaves_two_people() -> None:
    both = (
        approval("vera", "validator"),
        approval("vera", "approver"),
        approval("alan", "validator"),
    )
    assert codes(approvable(approvals=both)) == set()


def test_the_expiry_instant_itself_is_too_late() -> None:
    last = replace(APPROVE, at=NOW + 30 * DAY - 1)
    assert codes(approvable(), last) == set()
    assert codes(approvable(), replace(last, at=NOW + 30 * DAY)) == {"approvals_wanting"}


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (VALIDATOR, set()),
        (APPROVER, set()),
        (ENGINEER, {"role_missing", "actor_contributed"}),
        (ADMIN, {"role_missing"}),
        (ROBOT, {"actor_not_human"}),
        (Person("dana", frozenset({"approver"})), {"actor_contributed"}),
    ],
)
def test_only_an_independent_person_with_the_role_approves(who: Person, expected: set[str]) -> None:
    assert codes(approvable(), change(State.APPROVED, who)) == expected


def moved(facts: Facts, *targets: State) -> Facts:
    for target in targets:
        number = len(facts.transitions) + 1
        row = step(number, facts.state, target, "vera", NOW - 1)
        facts = replace(facts, transitions=(*facts.transitions, row))
    return facts


def test_one_person_may_always_make_it_safer_with_a_reason() -> None:
    live = moved(approvable(), State.APPROVED, State.LIVE)
    for who in (ENGINEER, VALIDATOR, APPROVER, ADMIN, ROBOT):
        assert codes(live, change(State.SUSPENDED, who)) == set()
    assert codes(live, change(State.SUSPENDED, ENGINEER, reason=" ")) == {"reason_missing"}
    reviewer = Person("rita", frozenset({"reviewer"}))
    assert codes(live, change(State.SUSPENDED, reviewer)) == {"role_missing"}


def test_a_suspended_version_comes_back_only_with_new_approvals_of_two() -> None:
    suspended = moved(approvable(), State.APPROVED, State.LIVE, State.SUSPENDED)
    assert codes(suspended, change(State.LIVE)) == {"approvals_wanting"}
    fresh = (approval("vera", "validator", at=NOW), approval("alan", "approver", at=NOW))
    one = replace(suspended, approvals=(*suspended.approvals, fresh[0]))
    assert codes(one, change(State.LIVE)) == {"approvals_wanting"}
    two = replace(suspended, approvals=(*suspended.approvals, *fresh))
    assert codes(two, change(State.LIVE)) == set()
    assert codes(two, change(State.LIVE, reason="")) == {"reason_missing"}
    assert codes(two, change(State.LIVE, ENGINEER)) == {"role_missing", "actor_contributed"}


def test_an_approval_answers_the_newest_submission_only() -> None:
    facts = moved(approvable(), State.DEVELOPMENT, State.VALIDATION)
    assert "approvals_wanting" in codes(facts)


def test_every_pair_of_states_without_a_step_is_refused_and_says_what_is_possible() -> None:
    for source, target in itertools.product(State, State):
        if (source, target) in STEPS:
            continue
        facts = approvable(transitions=(step(1, State.DRAFT, source, "dana", NOW - DAY),))
        answer = evaluate(change(target), facts)
        assert isinstance(answer, Refused)
        assert answer.codes == {"no_such_step"}
        assert "possible: " in answer.why[0]


def test_nothing_leaves_retirement() -> None:
    assert not [pair for pair in STEPS if pair[0] is State.RETIRED]


@pytest.mark.parametrize(
    "pair", [pair for pair in STEPS if pair[1] in (State.APPROVED, State.CANARY, State.LIVE)]
)
def test_every_step_towards_traffic_looks_at_everything_again(pair: tuple[State, State]) -> None:
    base = approvable()
    row = step(3, State.VALIDATION, pair[0], "vera", NOW - 2 * DAY)
    transitions = base.transitions if pair[0] is State.VALIDATION else (*base.transitions, row)
    facts = replace(base, transitions=transitions, filed=(), approvals=())
    assert codes(facts, change(pair[1])) == {
        "test_missing",
        "document_missing",
        "approvals_wanting",
    }


def test_a_refusal_lists_every_ground_at_once() -> None:
    facts = approvable(filed=(), approvals=())
    answer = evaluate(replace(APPROVE, user="dana", roles=frozenset({"engineer"})), facts)
    assert isinstance(answer, Refused)
    wanted = len(
        (
            *GATE_POLICY.development,
            *GATE_POLICY.validation,
            *GATE_POLICY.development_documents,
            *GATE_POLICY.validation_documents,
        )
    )
    assert len(answer.grounds) == wanted + 3


def test_the_policys_digest_changes_with_what_it_asks_for() -> None:
    stricter: Callable[..., Any] = replace
    assert stricter(GATE_POLICY, development=()).digest != GATE_POLICY.digest
