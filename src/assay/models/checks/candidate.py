"""What is being tested? A model with its rows, scored once, and everything a test may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.evidence import Evidence
from assay.models.bundle import Bundle
from assay.models.checks.limits import Limits
from assay.models.frame import Slice, Split, TrainingFrame
from assay.models.intervals import Interval
from assay.models.lift import Lift
from assay.models.scorer import Scorer
from assay.models.thresholds import BandChoice, CostRates

Part = Literal["fit", "calibrate", "bands", "test"]
Cell = str | int | float | bool | None
Table = tuple[dict[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class AsOf:
    """Whether values change when the future is taken away: cells compared and cells that did."""

    compared: int
    mismatches: int
    rows: int


@dataclass(frozen=True, slots=True)
class Scored:
    """The rows of one slice with labels, raw scores and probabilities, each of shape ``(n,)``."""

    frame: TrainingFrame
    labels: NDArray[np.int8]
    raw: NDArray[np.float64]
    probability: NDArray[np.float64]
    segments: dict[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model under test.

    Args:
        bundle: the model's bytes.
        scorer: loaded from them.
        frame, split: what it was made from and what it is judged on.
        bands, costs, capacity_per_day: how it is meant to be used.
        limits: what is good enough.
        code: digest of the code that runs the tests.
        at: when, for the record (microseconds UTC).
        seed: of every bootstrap and sample.
        parts: the four slices, scored.
        lift: how many values late facts changed, None when the rows were computed elsewhere.
        as_of: result of the test that values do not depend on the future, None if not run.
        retrained: digest of the model made a second time from the same frame, None if not done.
    """

    bundle: Bundle
    scorer: Scorer
    frame: TrainingFrame
    split: Split
    bands: BandChoice
    costs: CostRates
    capacity_per_day: int
    limits: Limits
    code: str
    at: int
    seed: int
    parts: dict[Part, Scored]
    as_of: AsOf | None = None
    lift: Lift | None = None
    retrained: str | None = None
    monotone: Mapping[str, int] = field(default_factory=dict)

    @property
    def test(self) -> Scored:
        """The slice that is looked at once, at the end."""
        return self.parts["test"]

    @property
    def known_by(self) -> int:
        """The moment whose knowledge of labels the test slice is judged by."""
        return self.split.test.known_by

    def rng(self) -> np.random.Generator:
        """A fresh generator from the seed: no test's chance depends on which ran before."""
        return np.random.default_rng(self.seed)

    def result(
        self,
        test: str,
        title: str,
        value: Cell,
        *,
        ok: bool | None = None,
        limit: str = "",
        unit: str = "",
        interval: Interval | None = None,
        rows: int | None = None,
        table: Table = (),
        parameters: dict[str, str | int | float | bool] | None = None,
        seeded: bool = False,
        note: str = "",
    ) -> Evidence:
        """The evidence of one test about this model; ``ok`` None judges nothing."""
        return Evidence(
            test=test,
            subject=self.bundle.digest,
            title=title,
            value=value,
            verdict="info" if ok is None else "pass" if ok else "fail",
            code=self.code,
            data=self.bundle.manifest.frame,
            at=self.at,
            unit=unit,
            low=None if interval is None else interval.low,
            high=None if interval is None else interval.high,
            confidence=None if interval is None else interval.confidence,
            limit=limit,
            rows=rows,
            seed=self.seed if seeded else None,
            parameters=parameters or {},
            table=table,
            note=note,
        )


def score_parts(
    scorer: Scorer,
    frame: TrainingFrame,
    split: Split,
    segments: Mapping[str, NDArray[np.str_]] | None = None,
) -> dict[Part, Scored]:
    """The four slices of the frame, scored.

    Args:
        scorer: of the model under test.
        frame: its inputs must be the scorer's, in order.
        split: which rows belong to which slice, and by when their labels had to be known.
        segments: per name a group of each row of the frame, shape ``(n,)``.

    Raises:
        Invalid: the inputs differ, or a segment has another length than the frame.
    """
    if frame.names != scorer.inputs:
        raise Invalid("expected the frame to hold the model's inputs in the model's order")
    groups = dict(segments or {})
    for name, column in groups.items():
        if column.shape != frame.at.shape:
            raise Invalid(f"segment {name!r} has shape {column.shape}, expected {frame.at.shape}")
    edges: dict[Part, Slice] = {
        "fit": split.fit,
        "calibrate": split.calibrate,
        "bands": split.bands,
        "test": split.test,
    }
    parts: dict[Part, Scored] = {}
    for name, edge in edges.items():
        low, high = np.searchsorted(frame.at, [edge.start, edge.end], side="left")
        rows = frame.take(slice(int(low), int(high)))
        raw, probability = scorer.score_rows(rows.x)
        held = {group: column[low:high] for group, column in groups.items()}
        parts[name] = Scored(rows, rows.labels(edge.known_by), raw, probability, held)
    return parts
