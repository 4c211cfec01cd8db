"""How well would a plain logistic regression do? A yardstick that shares nothing with trees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from assay.core.errors import Invalid
from assay.models.descent import minimise

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Challenger:
    """A fitted logistic regression on ranks of the inputs and on which of them are not known.

    ``edges`` holds, per input, the quantiles that turn a value into its rank in [0, 1].
    """

    edges: tuple[Floats, ...]
    weights: Floats

    def log_odds(self, x: Floats) -> Floats:
        """Scores of rows of shape ``(n, k)``."""
        scores: Floats = _design(x, self.edges) @ self.weights
        return scores


def fit_challenger(x: Floats, labels: NDArray[np.int8], *, penalty: float = 1e-4) -> Challenger:
    """Fit on rows of shape ``(n, k)``; NaN is "not known".

    Each input gives three columns: its rank and the rank's square, centred, and whether it is
    not known. Ranks make the fit blind to units and outliers, the square lets risk sit in the
    middle or at both ends.

    Raises:
        Invalid: one class only.
    """
    if not 0 < int(labels.sum()) < labels.size:
        raise Invalid("expected rows of both classes to fit a challenger on")
    levels = np.linspace(0.0, 1.0, 101)
    edges = []
    for column in x.T:
        known = column[~np.isnan(column)]
        edges.append(np.quantile(known, levels) if known.size else np.zeros(0))
    inputs = _design(x, tuple(edges))
    target = labels.astype(np.float64)

    def loss(point: Floats) -> tuple[float, Floats]:
        margin = inputs @ point
        value = float((np.logaddexp(0.0, margin) - target * margin).mean())
        slope = inputs.T @ (expit(margin) - target) / target.size
        held = np.append(point[:-1], 0.0)  # the intercept, last, is not penalised
        return value + 0.5 * penalty * float(np.square(held).sum()), slope + penalty * held

    start = np.zeros(inputs.shape[1])
    base = float(target.mean())
    start[-1] = np.log(base / (1.0 - base))
    return Challenger(tuple(edges), minimise(loss, start, rounds=80, tolerance=1e-5))


def _design(x: Floats, edges: tuple[Floats, ...]) -> Floats:
    columns = []
    for column, edge in zip(x.T, edges, strict=True):
        unknown = np.isnan(column)
        if edge.size:
            below = np.searchsorted(edge, column, side="left")
            upto = np.searchsorted(edge, column, side="right")
            rank = np.where(unknown, 0.0, (below + upto) / (2.0 * edge.size) - 0.5)
        else:
            rank = np.zeros(column.size)
        columns += [rank, np.where(unknown, 0.0, rank * rank - 1.0 / 12.0), unknown * 1.0]
    return np.column_stack([*columns, np.ones(x.shape[0])])
