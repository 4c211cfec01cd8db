"""What does the classic skew cost? Train on daily snapshots, serve the latest values: measured.

Many platforms join training rows with a table of features made at midnight and serve from a store
that is up to date. Here both are computed by one kernel from one log: the value at T, and the value
at the midnight before T with the same definition. One model learns from each; both are asked about
the same later requests.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.core.time import DAY
from assay.features.frame import Frame
from assay.features.state import FeatureState
from assay.models.forest import Forest
from assay.models.frame import Split, TrainingFrame, split_times
from assay.models.metrics import auc, average_precision
from assay.models.thresholds import choose_bands
from assay.models.train import Trained, TrainSettings, labelled, train
from assay.runtime.ports import EventLog
from assay.runtime.train import cost_rates
from assay.runtime.train_history import Learned, read_history, training_rows
from assay.workloads.workload import Workload

NAME = "daily-snapshot skew: trained on the values of midnight, served those of T"
_STRIDE = 1_000

Floats = NDArray[np.float64]
Progress = Callable[[str, int], None]


class ValueSkew(msgspec.Struct, frozen=True, kw_only=True):
    """How often one value at midnight is not the value at T, over ``rows`` requests.

    ``mean_shift`` is the mean of |T - midnight| over the rows where both are known, ``mean_size``
    that of |T| over the same rows, both in the value's own unit; ``only_one`` counts rows where one
    is known and the other is not.
    """

    name: str
    rows: int
    differing: int
    only_one: int
    mean_shift: float
    mean_size: float

    @property
    def share(self) -> float:
        """Of the rows, those that differ."""
        return self.differing / self.rows if self.rows else 0.0

    @property
    def relative(self) -> float:
        """How far the values of midnight are off, as a share of those of T."""
        return self.mean_shift / self.mean_size if self.mean_size else 0.0


class ModelFigures(msgspec.Struct, frozen=True):
    """How well a model ranks the test requests, when fed one kind of values."""

    trained_on: str
    fed: str
    auc_roc: float
    average_precision: float


class SkewReport(msgspec.Struct, frozen=True, kw_only=True):
    """The skew, value by value, and what it does to a model and its decisions.

    ``believed`` is what the team with the snapshots measures offline, ``served`` what it gets in
    production, ``sound`` the model that was trained on what is served. ``score_shift`` is the mean
    |change| of the snapshot model's probability on the same request; ``decisions_moved`` counts
    test requests whose band changes with it.
    """

    name: str
    rows: int
    test_rows: int
    test_frauds: int
    values: tuple[ValueSkew, ...]
    sound: ModelFigures
    believed: ModelFigures
    served: ModelFigures
    score_shift: float
    decisions_moved: int

    @property
    def share(self) -> float:
        """Of all values, those that differ."""
        total = sum(one.rows for one in self.values)
        return sum(one.differing for one in self.values) / total if total else 0.0


def measure_skew(
    log: EventLog,
    workload: Workload,
    *,
    settings: TrainSettings | None = None,
    maturity: int | None = None,
    seed: int = 20_260_101,
    progress: Progress = lambda _what, _count: None,
) -> SkewReport:
    """Plant the skew on a log and measure it.

    Args:
        log: requests with labels; only read.
        workload: whose values and costs are used.
        settings: how trees are grown, the recipe's by default.
        maturity: age from which a request without a label counts as good; the workload's if None.
        seed: of the training.
        progress: told what is done and by how many events it went on.

    Raises:
        NotEnoughData: the log is too short or holds too few frauds.
    """
    history = read_history(log, workload.request.type, workload.label_type)
    split = split_times(
        history.first, history.newest, maturity=workload.maturity if maturity is None else maturity
    )
    learned = training_rows(workload, history, split, "as_corrected")
    at_midnight = snapshot_frame(workload, history.events, learned, progress)
    return compare(workload, learned, at_midnight, split, settings or TrainSettings(), seed)


def snapshot_frame(
    workload: Workload, events: list[Event], learned: Learned, progress: Progress
) -> Frame:
    """The vectors of the same rows as a table made at the midnight before each would hold them.

    Request-time values are made from the request itself, as such teams do too.
    """
    rows = {str(name): row for row, name in enumerate(learned.vectors.event_ids)}
    shape = learned.vectors.bits.shape
    bits, known = np.zeros(shape, np.int64), np.zeros(shape, np.uint8)
    state = FeatureState(workload.catalog)
    ordered = sorted(events, key=lambda event: (event.ts, event.id))
    for number, event in enumerate(ordered, start=1):
        row = rows.get(event.id)
        if row is not None:
            midnight = Event(event.id, event.type, event.ts // DAY * DAY, event.payload)
            vector, _ = state.read(midnight)
            bits[row], known[row] = vector.bits, vector.known
        state.apply(event)
        if number % _STRIDE == 0:
            progress("snapshots of midnight", _STRIDE)
    return msgspec.structs.replace(learned.vectors, bits=bits, known=known)


def compare(
    workload: Workload,
    learned: Learned,
    at_midnight: Frame,
    split: Split,
    settings: TrainSettings,
    seed: int,
) -> SkewReport:
    """The report on rows seen both ways."""
    columns = [workload.catalog.index(name) for name in workload.inputs]
    live = learned.frame
    stale = replace(live, x=np.ascontiguousarray(at_midnight.floats()[:, columns]))
    sound = train(live, split, settings, seed=seed)
    skewed = train(stale, split, settings, seed=seed)
    test, labels = labelled(live, split, split.test, "test")
    stale_test, _ = labelled(stale, split, split.test, "test")
    if not labels.any():
        raise Invalid("the test days hold no fraud: a longer log is needed")
    return SkewReport(
        name=NAME,
        rows=len(live),
        test_rows=len(test),
        test_frauds=int(labels.sum()),
        values=tuple(value_skew(learned.vectors, at_midnight)),
        sound=_figures("values of T", "values of T", _raw(sound, test), labels),
        believed=_figures("midnight", "midnight", _raw(skewed, stale_test), labels),
        served=_figures("midnight", "values of T", _raw(skewed, test), labels),
        score_shift=float(
            np.abs(_probability(skewed, test) - _probability(skewed, stale_test)).mean()
        ),
        decisions_moved=_moved(workload, skewed, stale, split, test, stale_test),
    )


def value_skew(live: Frame, stale: Frame) -> list[ValueSkew]:
    """How each value differs between two frames of the same rows, the most often differing first.

    Args:
        live: as served.
        stale: as a table of midnight holds them.
    """
    different = (live.bits != stale.bits) | (live.known != stale.known)
    here, there = live.floats(), stale.floats()
    found = []
    for place, name in enumerate(live.names):
        both = (live.known[:, place] & stale.known[:, place]).astype(np.bool_)
        shift = np.abs(here[both, place] - there[both, place])
        found.append(
            ValueSkew(
                name=name,
                rows=len(live),
                differing=int(different[:, place].sum()),
                only_one=int((live.known[:, place] != stale.known[:, place]).sum()),
                mean_shift=float(shift.mean()) if shift.size else 0.0,
                mean_size=float(np.abs(here[both, place]).mean()) if shift.size else 0.0,
            )
        )
    return sorted(found, key=lambda one: -one.differing)


def _raw(trained: Trained, frame: TrainingFrame) -> Floats:
    return Forest(trained.model).raw_rows(frame.x)


def _probability(trained: Trained, frame: TrainingFrame) -> Floats:
    return trained.calibrator.rows(_raw(trained, frame))


def _figures(trained_on: str, fed: str, raw: Floats, labels: NDArray[np.int8]) -> ModelFigures:
    return ModelFigures(trained_on, fed, auc(raw, labels), average_precision(raw, labels))


def _moved(
    workload: Workload,
    skewed: Trained,
    stale: TrainingFrame,
    split: Split,
    test: TrainingFrame,
    stale_test: TrainingFrame,
) -> int:
    """Test requests whose band by the snapshot model is another one on the values of T."""
    part, _ = labelled(stale, split, split.bands, "bands")
    bands = choose_bands(
        _probability(skewed, part),
        part.amount,
        part.days,
        cost_rates(workload.costs),
        workload.capacity,
    )
    edges = np.array([bands.review_at, bands.block_at])
    believed, served = (
        np.searchsorted(edges, _probability(skewed, rows), "right") for rows in (stale_test, test)
    )
    return int((believed != served).sum())
