"""Is deciding by this score worth it? Cost on later requests, within the people there are."""

import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.models.checks.candidate import Candidate, Scored
from assay.models.intervals import bootstrap_by_group
from assay.models.thresholds import play_bands, row_costs


def cost(case: Candidate) -> Evidence:
    """Realised cost with the bands beside approving everything and blocking from one half."""
    test = case.test
    given = outcomes(case, test)
    labels = test.labels.astype(np.float64)
    approve, review, block = row_costs(labels, test.frame.amount, case.costs)
    with_bands = np.choose(given, (approve, review, block))
    at_half = np.where(test.probability >= 0.5, block, approve)

    def saving(rows: NDArray[np.int64]) -> float:
        stake = float(approve[rows].sum())
        return 1.0 - float(with_bands[rows].sum()) / stake if stake > 0 else float("nan")

    found = bootstrap_by_group(
        saving,
        test.frame.entity,
        draws=case.limits.draws,
        rng=case.rng(),
        confidence=case.limits.confidence,
    )
    return case.result(
        "decision.saving",
        "Cost saved against approving everything, as a share of that cost",
        found.value,
        ok=found.low >= case.limits.saving_min,
        limit=f"lower end of the interval >= {case.limits.saving_min:g}",
        interval=found,
        rows=len(test),
        seeded=True,
        table=(
            {"way": "approve everything", "realised cost": float(approve.sum())},
            {"way": "block from 0.5", "realised cost": float(at_half.sum())},
            {"way": "the bands", "realised cost": float(with_bands.sum())},
            {"way": "the bands, as forecast when chosen (per request, scaled)",
             "realised cost": case.bands.expected_cost / case.bands.rows * len(test)},
        ),
        parameters={"review_at": case.bands.review_at, "block_at": case.bands.block_at,
                    "overflow": case.bands.overflow},
        note="Minor units. A reviewer's errors are taken at their assumed rate.",
    )  # fmt: skip


def capacity(case: Candidate) -> Evidence:
    """Reviews on the busiest day of the test slice."""
    test = case.test
    given = outcomes(case, test)
    days, count = np.unique(test.frame.days[given == 1], return_counts=True)
    busiest = int(count.max(initial=0))
    return case.result(
        "decision.capacity",
        "Reviews on the busiest day",
        busiest,
        ok=busiest <= case.capacity_per_day,
        limit=f"<= {case.capacity_per_day}",
        unit="reviews",
        rows=len(test),
        table=tuple(
            {"day": int(day), "reviews": int(n)} for day, n in zip(days, count, strict=True)
        ),
        parameters={"blocked": int((given == 2).sum())},
    )


def alternatives(case: Candidate) -> Evidence:
    """What other cut-offs were expected to cost when the bands were chosen."""
    return case.result(
        "decision.alternatives",
        "Expected cost of the chosen bands on the slice they were chosen on",
        case.bands.expected_cost,
        unit="minor units",
        rows=case.bands.rows,
        table=tuple(
            {"review from": c.review_at, "block from": c.block_at, "overflow": c.overflow,
             "expected cost": c.expected_cost, "reviews": c.reviews, "blocked": c.blocked,
             "overflowed": c.overflowed}
            for c in case.bands.table[:12]
        ),
        parameters={
            "approve everything": case.bands.approve_all_cost,
            "block from 0.5": case.bands.block_at_half_cost,
            "value of one more review a day": case.bands.slot_value,
        },
    )  # fmt: skip


def outcomes(case: Candidate, part: Scored) -> NDArray[np.int8]:
    """What each row gets under the chosen bands: 0 approve, 1 review, 2 block."""
    bands = case.bands
    _, given = play_bands(
        part.probability,
        part.frame.amount,
        part.frame.days,
        case.costs,
        (bands.review_at, bands.block_at, case.capacity_per_day, bands.overflow),
    )
    return given
