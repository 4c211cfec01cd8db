"""What is a fairness audit about? Requests, what happened to them, and the groups they are in."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid

Basis = Literal["protected", "proxy", "operational"]


class FairnessLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a disparity that must be looked at.

    A group is judged with ``rows_min`` requests or more; ``events_min`` frauds (or good requests)
    are needed where a rate is taken among them. Below ``shown_min`` not even its size is printed.
    A disparity fails when it is beyond its limit and chance is an unlikely cause
    (``significance``).
    """

    impact_ratio_min: float = 0.80
    gap_max: float = 0.10
    false_positive_gap_max: float = 0.05
    calibration_gap_max: float = 0.03
    mean_difference_max: float = 0.50
    rows_min: int = 200
    events_min: int = 30
    shown_min: int = 20
    significance: float = 0.05
    confidence: float = 0.95


LIMITS = FairnessLimits()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One way of dividing requests into groups.

    Args:
        name: what it is called in the audit.
        basis: a protected characteristic, a stand-in for one, or an operational division.
        groups: the group of each request, shape ``(n,)``; an empty text is "not known".
        why: why this division was looked at.
        reference: the group others are compared with; the largest one when empty.
    """

    name: str
    basis: Basis
    groups: NDArray[np.str_]
    why: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Treated:
    """What happened to the requests that are audited.

    Args:
        subject: digest of the model (or policy) that decided.
        let_through: approved without a delay, shape ``(n,)`` bool.
        fraud: turned out to be fraud, shape ``(n,)`` bool.
        probability: the calibrated forecast, shape ``(n,)``.
        attributes: the divisions to look at.
        absent: protected characteristics that are not known here, and must be said not to be.
        code, data: digests of the code that ran and of the data.
        at: when (microseconds UTC).
        limits: what counts as a disparity.
    """

    subject: str
    let_through: NDArray[np.bool_]
    fraud: NDArray[np.bool_]
    probability: NDArray[np.float64]
    attributes: tuple[Attribute, ...]
    absent: tuple[str, ...]
    code: str
    data: str
    at: int
    limits: FairnessLimits = LIMITS

    def __post_init__(self) -> None:
        rows = self.let_through.shape
        for name, column in (
            ("fraud", self.fraud),
            ("probability", self.probability),
            *((attribute.name, attribute.groups) for attribute in self.attributes),
        ):
            if column.shape != rows:
                raise Invalid(f"{name!r} has shape {column.shape}, expected {rows}")
