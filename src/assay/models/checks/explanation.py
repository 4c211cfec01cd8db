"""What moves the score, do the reasons add up, and how nervous is it?"""

import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.models.checks.candidate import Candidate

_SHOWN = 20
_ROWS = 600  # explained rows: mean absolute contributions settle within about 3 %
_NUDGED = 600


def importance(case: Candidate) -> Evidence:
    """Mean absolute contribution of each input to the log-odds."""
    rows = sample(case, _ROWS)
    parts = np.abs(case.scorer.breakdown_rows(rows)[:, :-1]).mean(axis=0)
    order = np.argsort(-parts, kind="stable")[:_SHOWN]
    total = max(float(parts.sum()), 1e-12)
    return case.result(
        "explanation.importance",
        "Share of the score's movement that comes from its strongest input",
        float(parts[order[0]]) / total,
        rows=int(rows.shape[0]),
        seeded=True,
        table=tuple(
            {"input": case.frame.names[p], "mean |log-odds|": float(parts[p]),
             "share": float(parts[p]) / total}
            for p in order
        ),
        note="Shapley contributions, path-dependent, on a sample of the test slice.",
    )  # fmt: skip


def adds_up(case: Candidate) -> Evidence:
    """Whether contributions and base add up to the score that was used."""
    rows = sample(case, _ROWS)
    raw, _ = case.scorer.score_rows(rows)
    worst = float(np.abs(case.scorer.breakdown_rows(rows).sum(axis=1) - raw).max())
    return case.result(
        "explanation.adds_up",
        "Largest difference between the sum of reasons and the score",
        worst,
        ok=worst <= 1e-9,
        limit="<= 1e-09",
        unit="log-odds",
        rows=int(rows.shape[0]),
        seeded=True,
    )


def sensitivity(case: Candidate) -> Evidence:
    """How many requests change band when one input is 10 % higher or lower."""
    rows = sample(case, _NUDGED)
    _, before = case.scorer.score_rows(rows)
    held = _bands(case, before)
    found = []
    for place, name in enumerate(case.frame.names):
        flips, moved = 0.0, 0.0
        for factor in (0.9, 1.1):
            nudged = rows.copy()
            nudged[:, place] *= factor
            _, after = case.scorer.score_rows(nudged)
            flips = max(flips, float((_bands(case, after) != held).mean()))
            moved = max(moved, float(np.abs(after - before).mean()))
        found.append((flips, moved, name))
    found.sort(reverse=True)
    worst, limit = found[0][0], case.limits.flip_share_max
    return case.result(
        "explanation.sensitivity",
        "Requests that change band when one input moves by 10 %",
        worst,
        ok=worst <= limit,
        limit=f"<= {limit:g}",
        rows=int(rows.shape[0]),
        seeded=True,
        table=tuple(
            {"input": name, "share of bands changed": flips, "mean change of probability": moved}
            for flips, moved, name in found[:_SHOWN]
        ),
    )


def sample(case: Candidate, count: int) -> NDArray[np.float64]:
    """Rows of the test slice drawn with the seed, in time order."""
    rows = np.sort(case.rng().permutation(len(case.test))[:count])
    return case.test.frame.x[rows]


def _bands(case: Candidate, probability: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted([case.bands.review_at, case.bands.block_at], probability, side="right")
