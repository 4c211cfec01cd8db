"""Does the platform hold up on card payments that nobody here wrote? Train, compare, and replay.

The order of use: ``read_payments``, ``build_frames``, ``train_cards``, ``compare_cards``; then
``history`` and ``live_week`` are what a server is fed.
"""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.core.time import MILLISECOND, format_time
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Policy
from assay.models.bundle import FORMAT, Bundle, Manifest, build_bundle
from assay.models.frame import TrainingFrame
from assay.models.scorer import Scorer
from assay.models.thresholds import BandChoice, CostRates, choose_bands
from assay.models.train import Trained, train
from assay.runtime.cards_frames import CardsFrames
from assay.runtime.cards_peers import rerun_peers
from assay.workloads.cards.comparison import METRICS, Judged, judge
from assay.workloads.cards.payments import Payments
from assay.workloads.cards.policy import WORKLOAD
from assay.workloads.cards.protocol import PUBLISHED, Week
from assay.workloads.cards.result import JUDGED, MARGIN, Bound, CardsResult, Row, Source
from assay.workloads.cards.selection import CHOSEN, PRIMARY, SEED, Candidate, History, split

Progress = Callable[[str], None]
Floats = NDArray[np.float64]

DRAWS = 2_000  #: resamples of the cards
#: How our rows are called in the table.
NAMES: Mapping[History, str] = {"week": "protocol week only", "mature": "all mature history"}
_DEADLINE = 50 * MILLISECOND  # a card network waits no longer for the scorer


@dataclass(frozen=True, slots=True)
class CardsModel:
    """A trained model as a bundle, with the history it was trained on."""

    history: History
    inputs: tuple[str, ...]
    trained: Trained
    bundle: Bundle

    def score(self, x: Floats) -> Floats:
        """Raw log-odds of rows in the order of ``inputs``, shape ``(n,)``."""
        return Scorer.load(self.bundle.files).score_rows(x)[0]


def train_cards(
    frames: CardsFrames,
    history: History = PRIMARY,
    candidate: Candidate = CHOSEN,
    *,
    threads: int = 2,
    progress: Progress = lambda _: None,
) -> CardsModel:
    """Train on what is known at the first instant of the frames' test week, and bundle it.

    Raises:
        NotEnoughData: too few frauds are known by then.
    """
    frame, cut = _known(frames, candidate.inputs), split(frames.week, history)
    settings = msgspec.structs.replace(candidate.settings, threads=threads)
    progress(f"training on {NAMES[history]}")
    trained = train(frame, cut, settings, seed=SEED)
    manifest = Manifest(
        format=FORMAT,
        kind="lightgbm",
        features=frame.names,
        catalog=WORKLOAD.catalog.digest,
        frame=frame.digest,
        files={},
        parameters=trained.parameters,
        environment=_environment(),
        trained_from=cut.fit.start,
        trained_to=cut.fit.end,
        known_by=frames.week.start,
        maturity=cut.maturity,
        seed=SEED,
        rows=trained.rows,
        rounds=trained.rounds,
        base_rate=trained.base_rate,
    )
    bundle = build_bundle(manifest, model=trained.model, calibrator=trained.calibrator.to_bytes())
    return CardsModel(history, frame.names, trained, bundle)


def build_policy(frames: CardsFrames, model: CardsModel) -> tuple[Policy, BandChoice]:
    """The policy around a model: bands of least expected cost on the slice kept for them.

    Raises:
        Invalid: the model's history keeps no payments to choose bands on (``"week"``).
    """
    frame, cut = _known(frames, model.inputs), split(frames.week, model.history)
    part = cut.rows(frame, cut.bands)
    probability = Scorer.load(model.bundle.files).score_rows(part.x)[1]
    costs = msgspec.structs.asdict(WORKLOAD.costs)
    del costs["currency"]
    choice = choose_bands(
        probability,
        part.amount,
        part.days,
        CostRates(**costs),
        WORKLOAD.capacity,
        overflow="approve",
    )
    policy = Policy(
        name=WORKLOAD.name,
        version=1,
        request=WORKLOAD.request.type,
        contracts=WORKLOAD.contracts.digest,
        catalog=WORKLOAD.catalog.digest,
        model=model.bundle.digest,
        rules=WORKLOAD.rules,
        lists=WORKLOAD.lists,
        bands=Bands(
            review_at=choice.review_at,
            block_at=choice.block_at,
            overflow=Outcome(choice.overflow),
        ),
        costs=WORKLOAD.costs,
        capacity_per_day=WORKLOAD.capacity,
        deadline=_DEADLINE,
        if_no_score=Outcome.CHALLENGE,
        amount_field=WORKLOAD.amount_field,
        entity_field=WORKLOAD.entity_field,
    )
    return policy, choice


def compare_cards(
    frames: CardsFrames,
    models: tuple[CardsModel, ...],
    *,
    draws: int = DRAWS,
    threads: int = 2,
    progress: Progress = lambda _: None,
) -> CardsResult:
    """The protocol's table on the frames' test week: published, rerun and ours, with intervals.

    Args:
        frames: from ``build_frames``.
        models: ours; the one trained on ``PRIMARY`` history is the primary row.
        draws: resamples of the test week's cards.
        threads: of the reruns.
        progress: told what is being done.

    Raises:
        Unavailable: the peers' libraries are not installed.
    """
    payments, test = frames.payments, frames.test
    reruns = rerun_peers(
        frames.peer_train_x,
        payments.fraud[frames.train_rows],
        frames.peer_test_x,
        threads=threads,
        progress=progress,
    )
    ours = {NAMES[model.history]: model.score(frames.test_x(model.inputs)) for model in models}
    progress(f"judging {len(reruns) + len(ours)} models on {draws:,} draws of cards")
    judged = judge(
        test,
        {_rerun(name): scores for name, scores in reruns.items()} | ours,
        draws=draws,
        generator=np.random.default_rng(SEED),
    )
    peers = tuple(_rerun(name) for name in reruns)
    return CardsResult(
        week=format_time(frames.week.start)[:10],
        train_payments=int(frames.train_rows.size),
        train_frauds=int(payments.fraud[frames.train_rows].sum()),
        test_payments=int(test.fraud.size),
        test_frauds=int(test.fraud.sum()),
        test_cards=int(np.unique(test.card).size),
        rows=_rows(judged, tuple(reruns), tuple(ours)),
        bounds=tuple(_bound(judged, name, peers, metric) for name in ours for metric in METRICS),
        draws=draws,
        seed=SEED,
    )


def history(payments: Payments, week: Week) -> Iterator[Event]:
    """Every payment made and every label known before the week, in the order they arrived."""
    return payments.events(0, week.start)


def live_week(payments: Payments, week: Week) -> Iterator[Event]:
    """The week's payments as requests, and the labels that become known during it, in order."""
    return payments.events(week.start, week.end)


def _known(frames: CardsFrames, inputs: tuple[str, ...]) -> TrainingFrame:
    """The inputs at every payment before the week's cut-off, in time order."""
    early = frames.ours.take(slice(int(np.searchsorted(frames.ours.at, frames.week.cutoff))))
    places = [early.names.index(name) for name in inputs]
    return replace(early, names=inputs, x=np.ascontiguousarray(early.x[:, places]))


def _rerun(name: str) -> str:
    return f"rerun {name}"


def _rows(judged: Judged, reruns: tuple[str, ...], ours: tuple[str, ...]) -> tuple[Row, ...]:
    published = [
        Row(
            name=row.name,
            source="published",
            auc_roc=row.auc_roc,
            average_precision=row.average_precision,
            card_precision_at_100=row.card_precision_at_100,
        )
        for row in PUBLISHED
    ]
    again = [_row(judged, _rerun(name), name, "rerun") for name in reruns]
    own = [_row(judged, name, name, "ours", primary=name == NAMES[PRIMARY]) for name in ours]
    return (*published, *again, *own)


def _row(judged: Judged, key: str, name: str, source: Source, *, primary: bool = False) -> Row:
    auc, average, cards = (float(value) for value in judged.point[key])
    return Row(
        name=name,
        source=source,
        auc_roc=auc,
        average_precision=average,
        card_precision_at_100=cards,
        intervals={metric: judged.interval(key, metric) for metric in METRICS},
        primary=primary,
    )


def _bound(judged: Judged, ours: str, peers: tuple[str, ...], metric: str) -> Bound:
    """Ours against the rerun that is best at this metric on the same rows."""
    place = METRICS.index(metric)
    best = max(peers, key=lambda peer: float(judged.point[peer][place]))
    found = judged.difference(ours, best, metric)
    limit = MARGIN if metric in JUDGED else None
    return Bound(
        ours=ours,
        peer=best,
        metric=metric,
        difference=found,
        limit=limit,
        met=None if limit is None else found.low > limit,
    )


def _environment() -> dict[str, str]:
    libraries = {name: version(name) for name in ("lightgbm", "numpy", "scipy")}
    return {"python": platform.python_version(), "machine": platform.machine()} | libraries
