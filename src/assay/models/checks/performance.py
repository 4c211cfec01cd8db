"""Does the score find fraud on later requests that it never saw? With intervals, by segment."""

import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.models.checks.candidate import Candidate, Cell
from assay.models.intervals import bootstrap_by_group, delong, wilson
from assay.models.metrics import (
    auc,
    average_precision,
    brier,
    ks,
    log_loss,
    precision_at_budget,
    recall_at_budget,
    value_detected,
)


def discrimination(case: Candidate) -> Evidence:
    """AUC on the test slice with DeLong's interval."""
    found = delong(case.test.raw, case.test.labels, case.limits.confidence)
    return case.result(
        "performance.auc",
        "AUC on later, unseen requests",
        found.value,
        ok=found.low >= case.limits.auc_min,
        limit=f"lower end of the interval >= {case.limits.auc_min:g}",
        interval=found,
        rows=len(case.test),
        note="The chance that a fraud scores above a good request.",
    )


def precision(case: Candidate) -> Evidence:
    """Average precision against the base rate, bootstrapped by entity."""
    raw, labels = case.test.raw, case.test.labels

    def statistic(rows: NDArray[np.int64]) -> float:
        drawn = labels[rows]
        return average_precision(raw[rows], drawn) if drawn.any() else float("nan")

    found = bootstrap_by_group(
        statistic,
        case.test.frame.entity,
        draws=case.limits.draws,
        rng=case.rng(),
        confidence=case.limits.confidence,
    )
    base = float(labels.mean())
    return case.result(
        "performance.average_precision",
        "Average precision on later, unseen requests",
        found.value,
        ok=found.low >= case.limits.precision_lift_min * base,
        limit=f"lower end >= {case.limits.precision_lift_min:g} x base rate ({base:.4f})",
        interval=found,
        rows=len(case.test),
        seeded=True,
        parameters={"draws": case.limits.draws, "drawn by": "entity"},
    )


def separation(case: Candidate) -> Evidence:
    """KS, Brier score and log loss beside those of a constant forecast."""
    labels, probability = case.test.labels, case.test.probability
    base = np.full(labels.size, float(case.parts["calibrate"].labels.mean()))
    return case.result(
        "performance.separation",
        "Largest gap between the score distributions (KS)",
        ks(case.test.raw, labels),
        rows=len(case.test),
        table=(
            {"forecast": "model", "brier": brier(probability, labels),
             "log loss": log_loss(probability, labels)},
            {"forecast": "base rate", "brier": brier(base, labels),
             "log loss": log_loss(base, labels)},
        ),
    )  # fmt: skip


def overfit(case: Candidate) -> Evidence:
    """How much better the score is on the rows it was fitted to."""
    fit = case.parts["fit"]
    gap = auc(fit.raw, fit.labels) - auc(case.test.raw, case.test.labels)
    return case.result(
        "performance.overfit",
        "AUC on the fitted requests minus AUC on later ones",
        gap,
        ok=gap <= case.limits.overfit_max,
        limit=f"<= {case.limits.overfit_max:g}",
        rows=len(case.test),
    )


def at_capacity(case: Candidate) -> Evidence:
    """Frauds found when each day's riskiest requests are reviewed, as many as people can."""
    test, budget = case.test, max(case.capacity_per_day, 1)
    days = test.frame.days
    share = recall_at_budget(test.raw, test.labels, days, budget)
    frauds = int(test.labels.sum())
    found = wilson(round(share * frauds), frauds, case.limits.confidence)
    return case.result(
        "performance.recall_at_capacity",
        "Frauds among each day's riskiest requests, within review capacity",
        share,
        ok=share >= case.limits.recall_min,
        limit=f">= {case.limits.recall_min:g}",
        interval=found,
        rows=len(test),
        parameters={"reviews_per_day": budget},
        table=(
            {"measure": "precision",
             "value": precision_at_budget(test.raw, test.labels, days, budget)},
            {"measure": "value detected",
             "value": value_detected(test.raw, test.labels, days, test.frame.amount, budget)},
        ),
    )  # fmt: skip


def by_segment(case: Candidate) -> Evidence:
    """AUC in every segment with enough frauds; the weakest one is judged."""
    table: list[dict[str, Cell]] = []
    judged: list[float] = []
    for name, column in sorted(case.test.segments.items()):
        for group in np.unique(column):
            rows = column == group
            labels, raw = case.test.labels[rows], case.test.raw[rows]
            frauds = int(labels.sum())
            area = auc(raw, labels) if 0 < frauds < labels.size else None
            enough = frauds >= case.limits.segment_frauds_min and area is not None
            if enough and area is not None:
                judged.append(area)
            table.append(
                {"segment": name, "group": str(group), "requests": int(labels.size),
                 "frauds": frauds, "auc": area, "judged": enough}
            )  # fmt: skip
    limit = case.limits.segment_auc_min
    worst = min(judged, default=None)
    return case.result(
        "performance.by_segment",
        "AUC in the weakest segment",
        worst,
        ok=None if worst is None else worst >= limit,
        limit=f">= {limit:g} where there are {case.limits.segment_frauds_min} frauds or more",
        rows=len(case.test),
        table=tuple(table),
        note="" if judged else "no segment holds enough frauds to be judged",
    )
