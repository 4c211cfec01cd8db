"""Does the platform hold up on card payments that nobody here wrote? Train, compare, and replay.

The order of use: ``read_payments``, ``build_frames``, ``train_cards``, ``train_history``,
``compare_cards``; then ``history`` and ``live_week`` are what a server is fed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.core.time import format_time
from assay.decisions.outcome import Outcome
from assay.models.forest import Forest
from assay.models.frame import TrainingFrame
from assay.models.train import Trained, train
from assay.runtime.cards_frames import CardsFrames, check_future
from assay.runtime.cards_peers import rerun_peers
from assay.runtime.ports import ObjectStore
from assay.runtime.train import Prepared, Recipe, TrainResult, train_from_rows
from assay.runtime.train_history import Learned
from assay.workloads.cards.comparison import METRICS, Judged, judge
from assay.workloads.cards.payments import Payments
from assay.workloads.cards.protocol import PUBLISHED, Week
from assay.workloads.cards.result import JUDGED, MARGIN, Bound, CardsResult, Row, Source
from assay.workloads.cards.selection import CHOSEN, PRIMARY, SEED, Candidate, History, split
from assay.workloads.cards.workload import CARDS

Progress = Callable[[str], None]

DRAWS = 2_000  #: resamples of the cards
#: How our rows are called in the table.
NAMES: Mapping[History, str] = {"week": "protocol week only", "mature": "all mature history"}


def train_cards(
    frames: CardsFrames,
    objects: ObjectStore,
    *,
    threads: int = 2,
    progress: Callable[[str, float], None] | None = None,
) -> TrainResult:
    """The model and policy that are approved and served, with the evidence for both.

    It is trained on all mature history, as of the first instant of the frames' test week; nothing
    of that week is touched. Its scores are the primary row of ``compare_cards``.

    Args:
        frames: from ``build_frames``.
        objects: receives the bundle's files and the policy.
        threads: of LightGBM.
        progress: told each step's name and the share of the work done before it.

    Raises:
        NotEnoughData: too few frauds are known by then.
    """
    learned = Learned(known_rows(frames, CHOSEN), frames.vectors, {})
    prepared = Prepared(
        workload=CARDS,
        text_model=None,
        learned=learned,
        split=split(frames.week, PRIMARY),
        newest=frames.week.start,
        as_of=lambda: check_future(frames),
    )
    recipe = Recipe(
        workload=CARDS,
        request=CARDS.request.type,
        maturity=CARDS.maturity,
        name=CARDS.name,
        settings=msgspec.structs.replace(CHOSEN.settings, threads=threads),
        seed=SEED,
        if_no_score=Outcome.CHALLENGE,
    )
    return train_from_rows(prepared, objects, recipe, progress=progress)


def train_history(
    frames: CardsFrames,
    history: History,
    candidate: Candidate = CHOSEN,
    *,
    threads: int = 2,
) -> Trained:
    """Trees and calibrator alone: for the protocol's own training week, and for validation.

    Raises:
        NotEnoughData: too few frauds are known by the first instant of the frames' test week.
    """
    settings = msgspec.structs.replace(candidate.settings, threads=threads)
    cut = split(frames.week, history)
    return train(known_rows(frames, candidate), cut, settings, seed=SEED)


def known_rows(frames: CardsFrames, candidate: Candidate) -> TrainingFrame:
    """The candidate's inputs at every payment before the week's cut-off, in time order."""
    early = frames.ours.take(slice(int(np.searchsorted(frames.ours.at, frames.week.cutoff))))
    places = [early.names.index(name) for name in candidate.inputs]
    return replace(early, names=candidate.inputs, x=np.ascontiguousarray(early.x[:, places]))


def week_scores(
    frames: CardsFrames, trained: Trained, candidate: Candidate = CHOSEN
) -> NDArray[np.float64]:
    """Raw log-odds of the test rows, shape ``(n,)``: what the model ranks by."""
    return Forest(trained.model).raw_rows(frames.test_x(candidate.inputs))


def compare_cards(
    frames: CardsFrames,
    models: Mapping[History, Trained],
    *,
    draws: int = DRAWS,
    threads: int = 2,
    progress: Progress = lambda _: None,
) -> CardsResult:
    """The protocol's table on the frames' test week: published, rerun and ours, with intervals.

    Args:
        frames: from ``build_frames``.
        models: ours by the history they learned from; ``PRIMARY`` is the primary row.
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
    ours = {NAMES[history]: week_scores(frames, trained) for history, trained in models.items()}
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
