"""One trained model and one candidate, shared by the tests of this room."""

import numpy as np
import pytest
from tests.unit.models.world import (
    CAPACITY,
    COSTS,
    MATURITY,
    SETTINGS,
    World,
    make_frame,
    manifest_of,
)

from assay.core.time import DAY
from assay.models.bundle import build_bundle
from assay.models.checks.candidate import AsOf, Candidate, score_parts
from assay.models.checks.limits import Limits
from assay.models.frame import split_times
from assay.models.scorer import Scorer
from assay.models.thresholds import choose_bands
from assay.models.train import train


@pytest.fixture(scope="package")
def world() -> World:
    frame = make_frame(16_000, seed=1)
    first = int(frame.at[0]) // DAY * DAY
    split = split_times(first, first + 40 * DAY, maturity=MATURITY)
    trained = train(frame, split, SETTINGS, seed=7)
    bundle = build_bundle(
        manifest_of(frame, split, trained),
        model=trained.model,
        calibrator=trained.calibrator.to_bytes(),
    )
    return World(frame, split, trained, bundle, Scorer.load(bundle.files))


@pytest.fixture(scope="package")
def candidate(world: World) -> Candidate:
    segment = np.where(world.frame.amount > 30_000, "large", "small").astype(np.str_)
    parts = score_parts(world.scorer, world.frame, world.split, {"size": segment})
    bands = parts["bands"]
    return Candidate(
        bundle=world.bundle,
        scorer=world.scorer,
        frame=world.frame,
        split=world.split,
        bands=choose_bands(
            bands.probability, bands.frame.amount, bands.frame.days, COSTS, CAPACITY
        ),
        costs=COSTS,
        capacity_per_day=CAPACITY,
        limits=Limits(draws=100),
        code="sha256:code",
        at=world.split.test.known_by,
        seed=3,
        parts=parts,
        as_of=AsOf(compared=1_000, mismatches=0, rows=10),
        retrained=world.bundle.digest,
        monotone=SETTINGS.monotone,
    )
