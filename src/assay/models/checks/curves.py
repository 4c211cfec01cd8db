"""What would other cut-offs give? Points of the two curves, thinned for drawing."""

import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.models.checks.candidate import Candidate, Cell

_POINTS = 60


def roc(case: Candidate) -> Evidence:
    """Frauds flagged against good requests flagged; the value is taken at 1 % of the good ones."""
    caught, flagged = _cumulative(case)
    wrong = (flagged - caught) / max(flagged[-1] - caught[-1], 1)
    right = caught / max(caught[-1], 1)
    table: list[dict[str, Cell]] = [
        {"false positive rate": float(wrong[place]), "true positive rate": float(right[place])}
        for place in _thin(wrong, right)
    ]
    return case.result(
        "performance.roc",
        "Frauds flagged when 1 % of good requests are",
        float(right[np.searchsorted(wrong, 0.01, side="right") - 1]),
        rows=len(case.test),
        table=tuple(table),
    )


def precision_recall(case: Candidate) -> Evidence:
    """Share of flagged requests that is fraud; the value is taken at half of the frauds."""
    caught, flagged = _cumulative(case)
    recall = caught / max(caught[-1], 1)
    precision = caught / np.maximum(flagged, 1)
    start = 1 if flagged.size > 1 else 0  # nothing flagged has no precision
    table: list[dict[str, Cell]] = [
        {"recall": float(recall[place]), "precision": float(precision[place])}
        for place in _thin(recall[start:], precision[start:]) + start
    ]
    return case.result(
        "performance.precision_recall",
        "Flagged requests that are fraud when half of the frauds are flagged",
        float(precision[np.searchsorted(recall, 0.5)]),
        rows=len(case.test),
        table=tuple(table),
    )


def _cumulative(case: Candidate) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frauds and requests at or above each distinct score, from none to all; equal scores tie."""
    raw, labels = case.test.raw, case.test.labels
    order = np.argsort(-raw, kind="stable")
    last = np.flatnonzero(np.append(np.diff(raw[order]) != 0, True))
    caught = np.concatenate([[0], np.cumsum(labels[order], dtype=np.int64)[last]])
    return caught, np.concatenate([[0], last + 1]).astype(np.int64)


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of about evenly spaced points along the curve, its ends among them."""
    steps = np.hypot(np.diff(x, prepend=x[0]), np.diff(y, prepend=y[0]))
    along = np.cumsum(steps)
    wanted = np.linspace(0.0, float(along[-1]), _POINTS)
    places: NDArray[np.int64] = np.unique(np.searchsorted(along, wanted).clip(0, x.size - 1))
    return places
