"""Which tests does a model face before it may decide anything, and what came out?

``development_tests`` are the developer's; ``validation_tests`` are run by somebody independent
and share no code path with them where that is possible.
"""

from collections.abc import Callable

from assay.core.evidence import Evidence
from assay.models.checks import (
    calibration,
    curves,
    data,
    decision,
    explanation,
    performance,
    stability,
    validation,
)
from assay.models.checks.candidate import Candidate

Test = Callable[[Candidate], Evidence]

DEVELOPMENT: tuple[Test, ...] = (
    data.populations,
    data.label_maturity,
    data.as_of,
    data.late_lift,
    data.missing,
    data.single_input,
    performance.discrimination,
    performance.precision,
    performance.separation,
    performance.overfit,
    performance.at_capacity,
    performance.by_segment,
    curves.roc,
    curves.precision_recall,
    calibration.error,
    calibration.line,
    calibration.scatter,
    calibration.by_segment,
    stability.score,
    stability.inputs,
    decision.cost,
    decision.capacity,
    decision.alternatives,
    explanation.importance,
    explanation.adds_up,
    explanation.sensitivity,
)
VALIDATION: tuple[Test, ...] = (
    validation.replicated_scores,
    validation.replicated_auc,
    validation.reproduced,
    validation.challenged,
    validation.fraud_ratio,
    validation.time_order,
    validation.capacity_replay,
    validation.missing_input,
    validation.by_day,
    validation.wrong_way,
)


def development_tests(case: Candidate) -> tuple[Evidence, ...]:
    """The developer's tests, in the order a reader wants them."""
    return tuple(test(case) for test in DEVELOPMENT)


def validation_tests(case: Candidate) -> tuple[Evidence, ...]:
    """The validator's tests."""
    return tuple(test(case) for test in VALIDATION)


def evaluate(case: Candidate) -> tuple[Evidence, ...]:
    """All tests of both groups."""
    return development_tests(case) + validation_tests(case)
