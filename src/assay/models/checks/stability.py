"""Are later requests like those the model was made from? Score and inputs on frozen bins."""

from itertools import pairwise

import numpy as np

from assay.core.evidence import Evidence
from assay.models.checks.candidate import Candidate, Cell
from assay.models.stability import Bins, psi, psi_noise

_SHOWN = 15


def score(case: Candidate) -> Evidence:
    """Stability of the score, fit slice against test slice."""
    fit, test = case.parts["fit"].raw, case.test.raw
    bins = Bins.quantiles(fit)
    before, now = bins.counts(fit), bins.counts(test)
    value = psi(before, now)
    limit = case.limits.score_psi_max
    edges = [float("-inf"), *bins.edges, float("inf")]
    table: list[dict[str, Cell]] = [
        {"log-odds from": f"{low:.3f}", "to": f"{high:.3f}",
         "fit": float(before[place] / before.sum()), "test": float(now[place] / now.sum())}
        for place, (low, high) in enumerate(pairwise(edges))
    ]  # fmt: skip
    return case.result(
        "stability.score_psi",
        "Population stability of the score, fit against test",
        value,
        ok=value <= limit,
        limit=f"<= {limit:g}",
        rows=len(test),
        table=tuple(table),
        parameters={"noise": psi_noise(len(bins.edges) + 1, fit.size, test.size)},
        note="'noise' is what two samples of one population stay below with 95 % confidence.",
    )


def inputs(case: Candidate) -> Evidence:
    """The input whose distribution moved most; not-known values count as a bin."""
    fit, test = case.parts["fit"].frame.x, case.test.frame.x
    moved = np.empty(len(case.frame.names))
    for place in range(moved.size):
        bins = Bins.quantiles(fit[:, place])
        moved[place] = psi(bins.counts(fit[:, place]), bins.counts(test[:, place]))
    order = np.argsort(-moved, kind="stable")[:_SHOWN]
    worst, limit = float(moved[order[0]]), case.limits.input_psi_max
    used = _used(case)
    judged = float(max((moved[place] for place in used), default=0.0))
    return case.result(
        "stability.input_psi",
        "Population stability of the inputs that carry the score, fit against test",
        judged,
        ok=judged <= limit,
        limit=f"<= {limit:g} for inputs with at least 5 % of the score's movement",
        rows=len(case.test),
        table=tuple(
            {"input": case.frame.names[p], "psi": float(moved[p]), "judged": int(p) in used}
            for p in order
        ),
        parameters={"largest of all": worst},
        note="Lifetime counts grow with the log's age and move by construction.",
    )


def _used(case: Candidate) -> set[int]:
    """Inputs with at least 5 % of the mean absolute contribution over a sample of the test."""
    rows = case.rng().permutation(len(case.test))[:300]
    parts = np.abs(case.scorer.breakdown_rows(case.test.frame.x[np.sort(rows)])[:, :-1]).mean(
        axis=0
    )
    return set(np.flatnonzero(parts >= 0.05 * max(float(parts.sum()), 1e-12)).tolist())
