"""What stands behind the measured decision? A home with history, a 500 x 64 model and a token."""

import secrets
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.app.history import import_history
from assay.app.home import Home, control
from assay.app.workloads import rules_only
from assay.bench.world import CATALOG, CONTRACTS, ORDER, SPAN, START, WORKLOAD, events, traffic
from assay.contracts.event import Event
from assay.core.canonical import canonical, digest_bytes
from assay.core.time import DAY
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands
from assay.features.backfill import backfill
from assay.models.bundle import FORMAT, Bundle, Manifest, build_bundle
from assay.models.calibrate import fit_calibrator
from assay.models.scorer import Scorer
from assay.rules.lists import write_list
from assay.runtime.clock import wall_time
from assay.runtime.identity import Role, new_token, new_user
from assay.runtime.train_store import environment, put_as, store_bundle

TREES, LEAVES = 500, 64
_ROWS, _HELD = 16_000, 4_000
#: Shares of held-out orders that the bands send to review and block.
_REVIEWED, _BLOCKED = 0.010, 0.004


class Prepared(msgspec.Struct, frozen=True):
    """What was made: where, what is served, and rows to score, shape ``(n, 100)``."""

    home: Path
    policy: str
    token: str
    model: str
    scorer: Scorer
    rows: NDArray[np.float64]
    history: int


def prepare(folder: Path, seed: int, history: int) -> Prepared:
    """Make the home of the bench: import, learn from the same history, store."""
    made = traffic(seed, history)
    past = list(events(made))
    home = Home(folder)
    import_history(home, CONTRACTS, ORDER, past, horizon=SPAN)
    stolen = [f"card-stolen-{number}" for number in range(1_000)]
    home.write_list("blocked_cards", write_list(stolen, as_of=START + SPAN - DAY))
    truth = {event.id: bool(attack) for event, attack in zip(past, made.attack, strict=True)}
    bundle, rows, bands = _learn(past, truth, seed)
    objects = home.objects()
    store_bundle(objects, bundle)
    policy = msgspec.structs.replace(
        rules_only(WORKLOAD), name="bench", model=bundle.digest, bands=bands
    )
    put_as(objects, canonical(policy), policy.digest)
    return Prepared(
        home=folder,
        policy=policy.digest,
        token=_token(home),
        model=bundle.files["model.txt"].decode(),
        scorer=Scorer.load(bundle.files, expected=bundle.digest),
        rows=rows,
        history=history,
    )


def _learn(
    past: list[Event], truth: dict[str, bool], seed: int
) -> tuple[Bundle, NDArray[np.float64], Bands]:
    orders = [event.id for event in past if event.type == ORDER.type]
    used = set(orders[-_ROWS:])
    frame = backfill(CATALOG, past, wanted=lambda event: event.id in used)
    rows = frame.floats()
    rng = np.random.default_rng([seed, 2])
    # Some honest orders are reported too: labels are never clean, and no tree stops early.
    labels = np.array([truth[str(name)] for name in frame.event_ids]) | (
        rng.random(len(rows)) < 0.05
    )
    fit = slice(0, len(rows) - _HELD)
    parameters = _parameters(seed)
    booster = lightgbm.train(
        parameters, lightgbm.Dataset(rows[fit], labels[fit].astype(np.int8)), TREES
    )
    held = rows[fit.stop :]
    raw = np.asarray(booster.predict(held, raw_score=True, num_threads=1))
    calibrator = fit_calibrator(raw, labels[fit.stop :].astype(np.int8))
    probability = np.sort(calibrator.rows(raw))
    bands = Bands(
        review_at=_above(probability, _REVIEWED),
        block_at=_above(probability, _BLOCKED),
        overflow=Outcome.CHALLENGE,
    )
    manifest = _manifest(parameters, digest_bytes(rows.tobytes()), len(rows), seed)
    text = booster.model_to_string()
    return build_bundle(manifest, model=text, calibrator=calibrator.to_bytes()), held, bands


def _parameters(seed: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "num_leaves": LEAVES,
        "learning_rate": 0.02,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.3,
        "max_bin": 63,
        "num_threads": 1,  # two wait for each other where cores are shared
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _manifest(parameters: dict[str, Any], frame: str, rows: int, seed: int) -> Manifest:
    return Manifest(
        format=FORMAT,
        kind="lightgbm",
        features=CATALOG.names,
        catalog=CATALOG.digest,
        frame=frame,
        files={},
        parameters=parameters,
        environment=environment(),
        trained_from=START,
        trained_to=START + SPAN,
        known_by=START + SPAN,
        maturity=WORKLOAD.maturity,
        seed=seed,
        rows={"fit": rows - _HELD, "calibration": _HELD},
        rounds=TREES,
        base_rate=0.05,
    )


def _above(ordered: NDArray[np.float64], share: float) -> float:
    """A cut-off that about ``share`` of the values reach; ties at the cut stay below it."""
    cut = ordered[int(len(ordered) * (1 - share))]
    return float(np.nextafter(cut, 1.0))


def _token(home: Home) -> str:
    now = wall_time()
    text, token = new_token("bench", secrets.token_bytes(38), now, now + DAY)
    with control(home) as parts:
        parts.identity.add_user(new_user("bench", "service", frozenset({Role.SERVICE}), now))
        parts.identity.add_token(token)
    return text
