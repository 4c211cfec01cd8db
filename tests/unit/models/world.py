"""One small world that the tests of models share: a frame with known structure, and costs."""

from dataclasses import dataclass

import numpy as np

from assay.core.time import DAY, TIME_MIN
from assay.models.bundle import Bundle, Manifest
from assay.models.frame import NEVER, Split, TrainingFrame
from assay.models.scorer import Scorer
from assay.models.thresholds import CostRates
from assay.models.train import Trained, TrainSettings

MATURITY = 5 * DAY
COSTS = CostRates(
    fraud_share=1.0,
    fraud_fixed=2_000,
    block_share=0.15,
    block_fixed=800,
    review_fixed=300,
    reviewer_error=0.05,
)
CAPACITY = 12
SETTINGS = TrainSettings(rounds_max=60, monotone={"x0": 1})


@dataclass(frozen=True)
class World:
    """A frame whose fraud depends on x0, x1 * x2 and |x3|, and the model trained on it."""

    frame: TrainingFrame
    split: Split
    trained: Trained
    bundle: Bundle
    scorer: Scorer


def make_frame(rows: int, *, seed: int) -> TrainingFrame:
    """Forty days of requests; three percent fraud, labels one to four days late."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6))
    x[rng.random((rows, 6)) < 0.1] = np.nan
    z = np.nan_to_num(x)
    odds = -4.6 + 1.3 * z[:, 0] + 0.9 * z[:, 1] * z[:, 2] + 0.8 * np.abs(z[:, 3])
    fraud = rng.random(rows) < 1 / (1 + np.exp(-odds))
    start = (TIME_MIN // DAY + 9_000) * DAY
    at = np.sort(rng.integers(start, start + 40 * DAY, rows))
    late = rng.integers(DAY, 4 * DAY, rows)
    return TrainingFrame(
        names=tuple(f"x{i}" for i in range(6)),
        x=x,
        at=at,
        fraud_known_at=np.where(fraud, at + late, NEVER),
        cleared_known_at=np.full(rows, NEVER),
        amount=rng.integers(1_000, 60_000, rows),
        entity=rng.integers(0, rows // 8 + 1, rows).astype(np.str_),
        ids=np.arange(rows).astype(np.str_),
    )


def manifest_of(frame: TrainingFrame, split: Split, trained: Trained) -> Manifest:
    return Manifest(
        format=1,
        kind="lightgbm",
        features=frame.names,
        catalog="sha256:catalog",
        frame=frame.digest,
        files={},
        parameters=trained.parameters,
        environment={"python": "3.11"},
        trained_from=split.fit.start,
        trained_to=split.fit.end,
        known_by=split.fit.known_by,
        maturity=split.maturity,
        seed=7,
        rows=trained.rows,
        rounds=trained.rounds,
        base_rate=trained.base_rate,
    )
