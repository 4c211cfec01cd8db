import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.evidence import Evidence
from assay.governance.disparity import Count, chance, gap, impact_ratio, mean_difference
from assay.governance.fairness import Attribute, FairnessLimits, Treated, fairness_tests

LIMITS = FairnessLimits(rows_min=40, events_min=5, shown_min=10)


def treated(
    groups: NDArray[np.str_],
    let_through: NDArray[np.bool_],
    fraud: NDArray[np.bool_] | None = None,
    probability: NDArray[np.float64] | None = None,
) -> Treated:
    rows = groups.size
    return Treated(
        subject="sha256:m",
        let_through=let_through,
        fraud=np.zeros(rows, dtype=bool) if fraud is None else fraud,
        probability=np.full(rows, 0.1) if probability is None else probability,
        attributes=(Attribute("age", "protected", groups, "the law names it"),),
        absent=("sex",),
        code="sha256:c",
        data="sha256:d",
        at=0,
        limits=LIMITS,
    )


def by_test(case: Treated) -> dict[str, Evidence]:
    return {evidence.test: evidence for evidence in fairness_tests(case)}


def two_groups() -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    groups = np.array(["old"] * 40 + ["young"] * 80)
    let_through = np.array([True] * 12 + [False] * 28 + [True] * 48 + [False] * 32)
    return groups, let_through


def test_the_known_answers_of_the_four_fifths_example() -> None:
    found = impact_ratio(Count(12, 40), Count(48, 80))
    assert found is not None
    assert found == pytest.approx((0.5, 0.3014, 0.8294), abs=5e-5)
    assert chance(Count(12, 40), Count(48, 80)) == pytest.approx(0.00340922, abs=5e-9)
    assert gap(Count(12, 40), Count(48, 80)).value == pytest.approx(-0.3)


def test_the_known_answer_of_newcombes_example() -> None:
    found = gap(Count(56, 70), Count(48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_ratios_without_a_favourable_outcome_have_no_interval() -> None:
    assert impact_ratio(Count(1, 5), Count(0, 5)) is None
    assert impact_ratio(Count(0, 5), Count(3, 5)) == (0.0, None, None)
    with pytest.raises(Invalid, match="got 6 of 5"):
        impact_ratio(Count(6, 5), Count(1, 5))


def test_the_mean_difference_is_in_standard_deviations_and_symmetric() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.normal(640, 50, 4_000), rng.normal(660, 50, 4_000)
    found = mean_difference(one, two)
    assert found == pytest.approx(-0.4, abs=0.06)
    assert mean_difference(two, one) == pytest.approx(-(found or 0))
    assert mean_difference(np.ones(3), np.ones(3)) is None


def test_a_group_let_through_half_as_often_fails_with_its_interval_and_p() -> None:
    evidence = by_test(treated(*two_groups()))["fairness.adverse_impact"]
    assert (evidence.value, evidence.verdict) == (0.5, "fail")
    row = next(row for row in evidence.table if row["group"] == "old")
    assert row["p (exact)"] == pytest.approx(0.00340922, abs=5e-9)
    assert (row["role"], row["requests"]) == ("compared", 40)
    reference = next(row for row in evidence.table if row["group"] == "young")
    assert (reference["role"], reference["against reference"]) == ("reference", None)


def test_a_disparity_that_chance_explains_does_not_fail() -> None:
    groups = np.array(["old"] * 40 + ["young"] * 80)
    let_through = np.array([True] * 3 + [False] * 37 + [True] * 8 + [False] * 72)
    evidence = by_test(treated(groups, let_through))["fairness.adverse_impact"]
    assert evidence.value == pytest.approx(0.75)
    assert evidence.verdict == "pass"


def test_a_small_group_is_not_judged_and_a_tiny_one_not_even_counted() -> None:
    groups = np.array(["large"] * 100 + ["small"] * 20 + ["tiny"] * 3)
    evidence = by_test(treated(groups, np.ones(123, dtype=bool)))["fairness.adverse_impact"]
    rows = {row["group"]: row for row in evidence.table}
    assert (rows["small"]["requests"], rows["small"]["role"]) == (20, "too small")
    assert rows["tiny"]["requests"] == "fewer than 10"
    assert "let through" not in rows["tiny"]
    assert (evidence.value, evidence.verdict) == (None, "info")
    assert "large enough" in evidence.note


def test_good_customers_stopped_more_often_fail_and_frauds_are_left_out() -> None:
    groups = np.array(["a"] * 100 + ["b"] * 100)
    fraud = np.zeros(200, dtype=bool)
    fraud[:10] = fraud[100:110] = True
    stopped = fraud.copy()
    stopped[100:140] = True
    found = by_test(treated(groups, ~stopped, fraud))
    evidence = found["fairness.false_positive_rate"]
    assert evidence.value == pytest.approx(30 / 90)
    assert evidence.verdict == "fail"
    assert found["fairness.equal_opportunity"].value == 0.0
    assert found["fairness.equal_opportunity"].verdict == "pass"


def test_too_few_frauds_in_a_group_leave_the_rate_untold() -> None:
    groups = np.array(["a"] * 100 + ["b"] * 100)
    fraud = np.zeros(200, dtype=bool)
    fraud[:30] = fraud[100:103] = True
    evidence = by_test(treated(groups, ~fraud, fraud))["fairness.equal_opportunity"]
    assert evidence.value is None
    assert evidence.table[1] == {
        "attribute": "age",
        "group": "b",
        "requests": 100,
        "role": "too few cases",
    }


def test_forecasts_far_from_what_happened_in_one_group_fail() -> None:
    groups = np.array(["a"] * 400 + ["b"] * 400)
    fraud = np.zeros(800, dtype=bool)
    fraud[:40] = True
    fraud[400:560] = True
    case = treated(groups, ~fraud, fraud, np.full(800, 0.1))
    evidence = by_test(case)["fairness.calibration"]
    assert evidence.value == pytest.approx(0.3)
    assert evidence.verdict == "fail"
    rows = {row["group"]: row for row in evidence.table}
    assert rows["a"]["realised"] == pytest.approx(0.1)


def test_what_was_not_known_is_said_and_nothing_looked_at_fails() -> None:
    case = treated(*two_groups())
    assert by_test(case)["fairness.coverage"].note == "Not known, and so not audited: sex."
    none = Treated(
        subject=case.subject,
        let_through=case.let_through,
        fraud=case.fraud,
        probability=case.probability,
        attributes=(),
        absent=("sex", "age"),
        code="c",
        data="d",
        at=0,
    )
    assert by_test(none)["fairness.coverage"].verdict == "fail"


def test_unknown_groups_are_counted_apart() -> None:
    groups = np.array(["a"] * 60 + [""] * 40)
    row = by_test(treated(groups, np.ones(100, dtype=bool)))["fairness.coverage"].table[0]
    assert row["groups"] == 1
    assert row["not known"] == pytest.approx(0.4)


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(Invalid, match="'fraud' has shape"):
        treated(*two_groups(), fraud=np.zeros(3, dtype=bool))


def test_the_same_requests_give_the_same_evidence() -> None:
    first, again = (fairness_tests(treated(*two_groups())) for _ in range(2))
    assert [e.id for e in first] == [e.id for e in again]
    assert msgspec.json.decode(msgspec.json.encode(first), type=tuple[Evidence, ...]) == first
