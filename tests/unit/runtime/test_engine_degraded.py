"""Whatever is slow or broken, there is a decision, and its record says what fell back."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.decisions.small import AT, CATALOG, MODEL, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine

from assay.core.errors import Unavailable
from assay.core.time import MILLISECOND
from assay.decisions.outcome import Outcome
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.models.score import Score
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine
from assay.runtime.replay import verify_decisions, verify_features


class BrokenScorer(LinearScorer):
    """Fails in a way nobody planned for."""

    def score(self, row: NDArray[np.float64]) -> Score:
        """Raise what no interface promised."""
        raise OSError(f"a library that is not ours, on {row.shape}")


class MuteScorer(LinearScorer):
    """Scores high, and cannot say why."""

    def score(self, row: NDArray[np.float64]) -> Score:
        """High for any row."""
        return Score(3.0 + 0 * len(row), 0.95)

    def contributions(
        self, row: NDArray[np.float64], top: int = 5
    ) -> tuple[tuple[str, float], ...]:
        """Nothing can be said."""
        raise ValueError(row, top)


def ticking(step_ms: float) -> Iterator[int]:
    return count(step=round(step_ms * 1_000_000))


def checked(log: MemoryLog, engine: Engine) -> None:
    """What was decided in a degraded mode replays like everything else."""
    engine.close()
    assert verify_features(log, {CATALOG.digest: CATALOG}).ok
    policy = compiled()
    report = verify_decisions(log, {policy.policy.digest: policy}, {MODEL: LinearScorer()})
    assert report.differences == ()


def test_a_model_that_raises_gives_no_score_and_the_policys_fallback() -> None:
    log = MemoryLog()
    engine = make_engine(log, scorer=BrokenScorer())
    record = engine.decide(body("b1")).result(5)
    assert record.score == Score(None, None, "model_failed")
    assert record.degraded == ("model_failed",)
    assert record.outcome is Outcome.REVIEW
    assert record.model == MODEL
    assert engine.stats.degraded == {"model_failed": 1}
    checked(log, engine)


def test_a_model_that_could_not_be_loaded_says_so() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    engine.versions.use(compiled(), None)
    record = engine.decide(body("b1")).result(5)
    assert record.score == Score(None, None, "model_unavailable")
    assert record.degraded == ("model_unavailable",)
    checked(log, engine)


def test_a_policy_without_a_model_is_not_degraded() -> None:
    engine = make_engine(policy=compiled(model=None))
    record = engine.decide(body("b1")).result(5)
    assert (record.score, record.model, record.degraded) == (Score(None, None, ""), None, ())
    assert record.outcome is Outcome.APPROVE
    engine.close()


def test_contributions_are_asked_for_only_when_the_outcome_needs_explaining() -> None:
    engine = make_engine()
    approved = engine.decide(body("b1")).result(5)
    assert (approved.outcome, approved.contributions) == (Outcome.APPROVE, ())
    blocked = engine.decide(body("b2", amount=666)).result(5)
    assert blocked.outcome is Outcome.BLOCK
    assert {name for name, _ in blocked.contributions} == {"user_count_1d", "user_mean_1d"}
    engine.close()


def test_a_score_that_cannot_be_explained_is_still_a_score() -> None:
    engine = make_engine(scorer=MuteScorer())
    record = engine.decide(body("b1")).result(5)
    assert (record.outcome, record.score.probability) == (Outcome.BLOCK, 0.95)
    assert (record.contributions, record.degraded) == ((), ("model_failed",))
    engine.close()


def test_after_the_deadline_the_model_is_left_out() -> None:
    # 7 ms a look at the clock: the features still start within 50 ms, the model does not.
    log = MemoryLog()
    clock = ticking(13)
    engine = make_engine(log, monotonic=lambda: next(clock))
    record = engine.decide(body("b1")).result(5)
    assert record.score == Score(None, None, "deadline_exceeded")
    assert record.degraded == ("deadline_exceeded",)
    assert any(record.known)
    checked(log, engine)


def test_a_request_that_waited_past_its_deadline_is_decided_by_rules_alone() -> None:
    log = MemoryLog()
    engine = make_engine(log, monotonic=lambda: 51 * MILLISECOND * 1_000)
    record = engine.decide(body("b1", amount=666), received=0).result(5)
    assert record.outcome is Outcome.BLOCK
    assert record.degraded == ("deadline_exceeded", "features_unavailable")
    assert not any(record.known)
    assert engine.decide(body("b2")).result(5).degraded == ()
    engine.close()
    report = verify_features(log, {CATALOG.digest: CATALOG})
    assert (report.records, report.skipped, report.mismatches) == (2, 1, 0)


def test_features_that_cannot_be_read_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog()
    engine = make_engine(log)

    def broken(
        _state: FeatureState, _request: object, _absent: object = ()
    ) -> tuple[Vector, int | None]:
        raise Unavailable("no features today")

    monkeypatch.setattr(FeatureState, "read", broken)
    record = engine.decide(body("b1")).result(5)
    assert record.degraded == ("features_unavailable",)
    monkeypatch.undo()
    checked(log, engine)


def test_every_stage_is_timed() -> None:
    clock = ticking(0.001)
    engine = make_engine(monotonic=lambda: next(clock))
    for n in range(5):
        engine.decide(body(f"b{n}", AT + n)).result(5)
    stages = engine.stats.stages
    assert all(sum(times.counts) == 5 for times in stages.values())
    assert stages["whole"].total_us > stages["rules"].total_us > 0
    assert sum(engine.stats.outcomes.values()) == 5
    engine.close()
