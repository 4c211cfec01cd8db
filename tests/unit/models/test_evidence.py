"""Every test of a model gives evidence that is judged by its limit, and faults fail theirs."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.unit.models.world import World

from assay.core.canonical import canonical
from assay.core.errors import Invalid
from assay.core.time import DAY
from assay.models.challenger import fit_challenger
from assay.models.checks import calibration, data, decision, performance, stability, validation
from assay.models.checks.candidate import AsOf, Candidate, score_parts
from assay.models.checks.limits import Limits
from assay.models.evidence import development_tests, evaluate, validation_tests
from assay.models.maturity import arrived_by
from assay.models.metrics import auc


def test_a_sound_model_passes_and_every_number_has_a_limit_or_none(candidate: Candidate) -> None:
    found = evaluate(candidate)
    failed = [(item.test, item.value, item.limit) for item in found if item.verdict == "fail"]
    assert failed == []
    assert len({item.test for item in found}) == len(found) >= 30
    for item in found:
        assert item.subject == candidate.bundle.digest
        assert item.data == candidate.frame.digest
        assert item.title
        assert (item.verdict == "info") or item.limit
        assert canonical(item)


def test_the_same_candidate_gives_the_same_evidence_ids(candidate: Candidate) -> None:
    one = [item.id for item in development_tests(candidate) + validation_tests(candidate)]
    assert one == [item.id for item in evaluate(candidate)]


def test_a_leaking_input_is_found(candidate: Candidate) -> None:
    test = candidate.test
    leaked = test.frame.x.copy()
    leaked[:, 2] = test.labels + 0.001 * np.nan_to_num(leaked[:, 3])
    parts = {**candidate.parts, "test": replace(test, frame=replace(test.frame, x=leaked))}
    found = data.single_input(replace(candidate, parts=parts))
    assert found.verdict == "fail"
    assert found.table[0]["input"] == "x2"


def test_values_that_depend_on_the_future_fail_and_an_unrun_check_has_no_value(
    candidate: Candidate,
) -> None:
    assert data.as_of(replace(candidate, as_of=AsOf(100, 1, 5))).verdict == "fail"
    assert data.as_of(replace(candidate, as_of=AsOf(0, 0, 0))).verdict == "fail"
    assert data.as_of(replace(candidate, as_of=None)).value is None


def test_labels_that_come_later_than_the_maturity_fail(candidate: Candidate) -> None:
    split = msgspec.structs.replace(candidate.split, maturity=int(1.5 * DAY))
    found = data.label_maturity(replace(candidate, split=split))
    assert found.verdict == "fail"
    assert isinstance(found.value, float)
    assert 0.0 < found.value < 0.4


def test_another_retrained_digest_fails(candidate: Candidate) -> None:
    assert validation.reproduced(replace(candidate, retrained="sha256:other")).verdict == "fail"
    assert validation.reproduced(replace(candidate, retrained=None)).value is None


def test_scores_that_were_tampered_with_do_not_replicate(candidate: Candidate) -> None:
    raw = candidate.test.raw.copy()
    raw[7] = np.nextafter(raw[7], 1.0)
    parts = {**candidate.parts, "test": replace(candidate.test, raw=raw)}
    found = validation.replicated_scores(replace(candidate, parts=parts))
    assert (found.value, found.verdict) == (1, "fail")


def test_a_random_score_fails_discrimination_calibration_and_the_challenger(
    candidate: Candidate,
) -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=len(candidate.test))
    parts = {
        **candidate.parts,
        "test": replace(candidate.test, raw=raw, probability=rng.random(raw.size)),
    }
    bad = replace(candidate, parts=parts)
    for test in (
        performance.discrimination,
        performance.precision,
        calibration.error,
        stability.score,
        validation.challenged,
        validation.fraud_ratio,
        decision.cost,
    ):
        assert test(bad).verdict == "fail", test.__name__


def test_reviews_beyond_the_people_there_are_would_fail(candidate: Candidate) -> None:
    found = validation.capacity_replay(candidate)
    assert found.value == decision.capacity(candidate).value
    assert found.verdict == "pass"
    fewer = replace(candidate, capacity_per_day=2)
    assert validation.capacity_replay(fewer).value == 2  # the slots hold, whatever the bands


def test_segments_too_small_to_judge_are_reported_and_not_judged(candidate: Candidate) -> None:
    limits = msgspec.structs.replace(
        candidate.limits, segment_frauds_min=10_000, segment_rows_min=100_000
    )
    small = replace(candidate, limits=limits)
    for found in (performance.by_segment(small), calibration.by_segment(small)):
        assert (found.verdict, found.value) == ("info", None)
        assert found.note
        assert len(found.table) == 2


def test_parts_need_the_models_inputs_and_segments_of_every_row(world: World) -> None:
    with pytest.raises(Invalid, match="segment"):
        score_parts(world.scorer, world.frame, world.split, {"size": np.array(["a"])})
    other = replace(world.frame, names=tuple("abcdef"))
    with pytest.raises(Invalid, match="order"):
        score_parts(world.scorer, other, world.split)


def test_limits_without_meaning_are_refused() -> None:
    with pytest.raises(Invalid):
        Limits(draws=5)
    with pytest.raises(Invalid):
        Limits(confidence=1.0)


def test_challenger_learns_from_ranks_and_unknowns() -> None:
    rng = np.random.default_rng(0)
    x = rng.lognormal(size=(4_000, 3))
    x[rng.random((4_000, 3)) < 0.2] = np.nan
    odds = -2 + 1.5 * np.isnan(x[:, 0]) + np.nan_to_num(np.log(x[:, 1]))
    labels = (rng.random(4_000) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    rival = fit_challenger(x[:3_000], labels[:3_000])
    assert auc(rival.log_odds(x[3_000:]), labels[3_000:]) > 0.72
    with pytest.raises(Invalid, match="both classes"):
        fit_challenger(x, np.zeros(4_000, np.int8))


def test_label_delays_are_corrected_for_requests_too_young_to_show_them() -> None:
    """Delays uniform on 0..100, requests watched for 0..120: half must have come by 50."""
    rng = np.random.default_rng(1)
    delay, watched = rng.integers(0, 101, 60_000), rng.integers(0, 121, 60_000)
    seen = delay <= watched
    naive = float((delay[seen] <= 50).mean())
    found = float(arrived_by(delay[seen], watched[seen], np.array([50]))[0])
    assert naive > 0.55
    assert found == pytest.approx(0.505, abs=0.02)
    with pytest.raises(Invalid):
        arrived_by(np.array([5]), np.array([4]), np.array([1]))
