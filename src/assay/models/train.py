"""Which trees, and which map to probability, does this frame teach? Same frame, same bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid, Unknown
from assay.models.calibrate import Calibrator, fit_calibrator
from assay.models.forest import Forest
from assay.models.frame import NotEnoughData, Slice, Split, TrainingFrame

#: Fewest rows of either class a slice may hold: below it, nothing learned from it can be trusted.
CLASS_ROWS_MIN = 20


class TrainSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the trees are grown.

    ``depth`` and ``leaves`` bound the cost of explaining one row (about a millisecond at 6, 31
    and 200 rounds). ``monotone`` maps inputs to +1 (risk may only rise with it) or -1. ``threads``
    is part of the recipe: another number may give other bytes. One is the default because two
    that share their cores with other work wait for each other (measured: 4 s became 41 s).
    """

    rounds_max: int = 200
    leaves: int = 31
    depth: int = 6
    learning_rate: float = 0.06
    leaf_rows_min: int = 40
    feature_share: float = 0.8
    ridge: float = 5.0
    bins: int = 255
    patience: int = 25
    threads: int = 1
    monotone: dict[str, int] = {}

    def __post_init__(self) -> None:
        if not 1 <= self.rounds_max <= 2000 or not 1 <= self.depth <= 12 or self.threads < 1:
            raise Invalid(
                f"expected 1..2000 rounds, depth 1..12 and at least one thread, got "
                f"{self.rounds_max}, {self.depth}, {self.threads}"
            )


@dataclass(frozen=True, slots=True)
class Trained:
    """The model text, its calibrator, and what happened on the way.

    ``rounds`` is the number of trees kept; ``curve`` the log loss on the stopping rows per round;
    ``rows`` and ``frauds`` count per slice; ``base_rate`` is the fraud share of the fit slice.
    """

    model: str
    calibrator: Calibrator
    rounds: int
    curve: tuple[float, ...]
    rows: dict[str, int]
    frauds: dict[str, int]
    base_rate: float
    parameters: dict[str, int | float | str | bool]


def train(
    frame: TrainingFrame,
    split: Split,
    settings: TrainSettings,
    *,
    seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> Trained:
    """Grow trees on the fit slice, then calibrate on the next one.

    The last ``split.stop_share`` of the fit rows decides how many trees there are; the trees are
    then grown again on all fit rows. The bands and test slices are not touched.

    Args:
        frame: past requests with the histories of their labels.
        split: which rows do what, and by when their labels had to be known.
        settings: how the trees are grown.
        seed: of LightGBM's feature sampling.
        progress: told a stage's name and the share of the work done, for people.

    Raises:
        NotEnoughData: a slice holds fewer than ``CLASS_ROWS_MIN`` rows of a class.
        Unknown: ``settings.monotone`` names no input.
    """
    said = progress or (lambda _stage, _share: None)
    fit, fit_labels = labelled(frame, split, split.fit, "fit")
    calibrate, calibrate_labels = labelled(frame, split, split.calibrate, "calibrate")
    parameters = _parameters(frame.names, settings, seed)
    said("finding the number of trees", 0.0)
    stop = int(len(fit) * (1.0 - split.stop_share))
    rounds, curve = _stopped(fit, fit_labels, stop, parameters, settings)
    said("growing the trees", 0.5)
    model = _grown(fit, fit_labels, parameters, rounds)
    said("calibrating", 0.95)
    raw = Forest(model).raw_rows(calibrate.x)
    calibrator = fit_calibrator(raw, calibrate_labels)
    return Trained(
        model=model,
        calibrator=calibrator,
        rounds=rounds,
        curve=curve,
        rows={"fit": len(fit), "calibrate": len(calibrate)},
        frauds={"fit": int(fit_labels.sum()), "calibrate": int(calibrate_labels.sum())},
        base_rate=float(fit_labels.mean()),
        parameters={**msgspec.to_builtins(settings, order="sorted"), "monotone": _signs(settings)},
    )


def labelled(
    frame: TrainingFrame, split: Split, part: Slice, name: str
) -> tuple[TrainingFrame, NDArray[np.int8]]:
    """The rows of a slice and their labels as known at its ``known_by``.

    Raises:
        NotEnoughData: it holds fewer than ``CLASS_ROWS_MIN`` rows of a class.
    """
    rows = split.rows(frame, part)
    labels = rows.labels(part.known_by)
    frauds = int(labels.sum())
    if min(frauds, len(rows) - frauds) < CLASS_ROWS_MIN:
        raise NotEnoughData(
            f"the {name} slice has {frauds} frauds and {len(rows) - frauds} good requests, "
            f"expected at least {CLASS_ROWS_MIN} of each: use a longer history"
        )
    return rows, labels


def _parameters(names: tuple[str, ...], settings: TrainSettings, seed: int) -> dict[str, Any]:
    for name, sign in settings.monotone.items():
        if name not in names:
            raise Unknown("model input", name, known=names)
        if sign not in (-1, 1):
            raise Invalid(f"expected +1 or -1 as the direction of {name!r}, got {sign}")
    parameters: dict[str, Any] = {
        "objective": "binary",
        "metric": "binary_logloss",
        "num_leaves": settings.leaves,
        "max_depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.leaf_rows_min,
        "feature_fraction": settings.feature_share,
        "lambda_l2": settings.ridge,
        "max_bin": settings.bins,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "verbosity": -1,
    }
    if settings.monotone:
        parameters["monotone_constraints"] = [settings.monotone.get(name, 0) for name in names]
    return parameters


def _stopped(
    fit: TrainingFrame,
    labels: NDArray[np.int8],
    stop: int,
    parameters: dict[str, Any],
    settings: TrainSettings,
) -> tuple[int, tuple[float, ...]]:
    """The number of trees with the smallest log loss on the latest fit rows."""
    import lightgbm

    if not labels[stop:].any() or not labels[:stop].any():
        raise NotEnoughData("the rows that stop the boosting hold no fraud; use a longer history")
    early = _dataset(fit.x[:stop], labels[:stop], fit.names, parameters)
    late = lightgbm.Dataset(fit.x[stop:], labels[stop:], reference=early, params=parameters)
    history: dict[str, Any] = {}
    booster = lightgbm.train(
        parameters,
        early,
        num_boost_round=settings.rounds_max,
        valid_sets=[late],
        valid_names=["stop"],
        callbacks=[
            lightgbm.early_stopping(settings.patience, verbose=False),
            lightgbm.record_evaluation(history),
        ],
    )
    curve = tuple(float(value) for value in history["stop"]["binary_logloss"])
    return max(1, int(booster.best_iteration)), curve


def _grown(
    fit: TrainingFrame, labels: NDArray[np.int8], parameters: dict[str, Any], rounds: int
) -> str:
    import lightgbm

    dataset = _dataset(fit.x, labels, fit.names, parameters)
    booster = lightgbm.train(parameters, dataset, num_boost_round=rounds)
    text: str = booster.model_to_string()
    return text


def _dataset(
    x: NDArray[np.float64],
    labels: NDArray[np.int8],
    names: tuple[str, ...],
    parameters: dict[str, Any],
) -> Any:
    import lightgbm

    return lightgbm.Dataset(x, labels, feature_name=list(names), params=parameters)


def _signs(settings: TrainSettings) -> str:
    return " ".join(f"{name}:{sign:+d}" for name, sign in sorted(settings.monotone.items()))
