"""How does a log become a model, a policy and the evidence for both? One pure step after another.

The clock is read only to say how long each step took; nothing that is stored depends on it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import numpy as np

from assay.core.canonical import canonical, digest
from assay.core.time import DAY
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Costs, Policy
from assay.features.catalog import Catalog
from assay.models.bundle import FORMAT, Bundle, Manifest, build_bundle
from assay.models.checks.candidate import Candidate, Scored, score_parts
from assay.models.checks.decision import outcomes
from assay.models.evidence import development_tests, validation_tests
from assay.models.frame import Split, TrainingFrame, split_times
from assay.models.lift import Mode
from assay.models.scorer import Scorer
from assay.models.text import TextModel
from assay.models.thresholds import BandChoice, CostRates, choose_bands
from assay.models.train import Trained, train
from assay.runtime.ports import EventLog, ObjectStore
from assay.runtime.train_history import (
    History,
    Learned,
    Progress,
    check_as_of,
    read_history,
    text_rows,
    training_rows,
)
from assay.runtime.train_recipe import HeldOut, Prepared, Recipe, TrainResult
from assay.runtime.train_store import code_digest, environment, put_as, store_bundle
from assay.workloads.workload import Workload

__all__ = [
    "HeldOut",
    "Prepared",
    "Recipe",
    "TrainResult",
    "code_digest",
    "cost_rates",
    "environment",
    "store_bundle",
    "train_from_log",
    "train_from_rows",
]

_GIVEN = (Outcome.APPROVE, Outcome.REVIEW, Outcome.BLOCK)


def train_from_log(
    log: EventLog,
    objects: ObjectStore,
    recipe: Recipe,
    *,
    until: int | None = None,
    mode: Mode | None = None,
    served_by: Mapping[str, Catalog] | None = None,
    progress: Progress | None = None,
) -> TrainResult:
    """Learn from the accepted events up to ``until`` and store model and policy.

    Args:
        log: where the events are.
        objects: receives every file of the bundle, its manifest, and the policy.
        recipe: how it is done.
        until: last ``ts`` that is used, labels included; None uses all.
        mode: which values of the past are used; see `training_rows`.
        served_by: catalogs that served, by digest: their receipts hold values as served.
        progress: told each step's name and the share of the work done before it.

    Raises:
        NotEnoughData: the history is too short or holds too few frauds.
        Corrupt: the log is damaged, or the store gave other bytes a name we computed.
    """
    steps = _Steps(progress)
    with steps.run("reading the log", 0.0):
        history = read_history(log, recipe.request, recipe.label, until=until)
        split = split_times(history.first, history.newest, maturity=recipe.maturity)
    with steps.run("teaching the text model", 0.15):
        workload, text_model, split = _workload(recipe, history, split)
    with steps.run("computing features as they were", 0.25):
        learned = training_rows(workload, history, split, mode, served_by)
    prepared = Prepared(
        workload=workload,
        text_model=text_model,
        learned=learned,
        split=split,
        newest=history.newest,
        as_of=lambda: check_as_of(workload, history, learned, span=DAY),
    )
    return _train(prepared, objects, recipe, steps)


def train_from_rows(
    prepared: Prepared,
    objects: ObjectStore,
    recipe: Recipe,
    *,
    progress: Progress | None = None,
) -> TrainResult:
    """Learn from rows that were computed elsewhere, and store model and policy.

    Raises:
        NotEnoughData: a slice holds too few frauds.
        Corrupt: the store gave other bytes a name we computed.
    """
    return _train(prepared, objects, recipe, _Steps(progress))


def _train(
    prepared: Prepared, objects: ObjectStore, recipe: Recipe, steps: "_Steps"
) -> TrainResult:
    """From rows to a stored model, policy and evidence."""
    workload, learned, split = prepared.workload, prepared.learned, prepared.split
    text_model = prepared.text_model
    with steps.run("training and calibrating", 0.45):
        trained = train(learned.frame, split, recipe.settings, seed=recipe.seed)
        bundle = _bundle(recipe, workload, learned.frame, split, trained, text_model)
    with steps.run("choosing the bands", 0.6):
        scorer = Scorer.load(bundle.files, expected=bundle.digest)
        parts = score_parts(scorer, learned.frame, split, learned.segments)
        bands = _bands(recipe, workload, parts["bands"])
    with steps.run("checking values against the future", 0.65):
        as_of = prepared.as_of()
    with steps.run("training again", 0.75):
        retrained = _second(recipe, workload, learned, split, text_model)
    candidate = Candidate(
        bundle=bundle,
        scorer=scorer,
        frame=learned.frame,
        split=split,
        bands=bands,
        costs=cost_rates(workload.costs),
        capacity_per_day=workload.capacity,
        limits=recipe.limits,
        code=code_digest(),
        at=prepared.newest,
        seed=recipe.seed,
        parts=parts,
        as_of=as_of,
        lift=learned.lift,
        retrained=retrained,
        monotone=recipe.settings.monotone,
    )
    with steps.run("testing the model", 0.85):
        development = development_tests(candidate)
    with steps.run("validating the model", 0.92):
        validation = validation_tests(candidate)
    policy = _policy(recipe, workload, bundle.digest, bands)
    with steps.run("storing", 0.98):
        store_bundle(objects, bundle)
        put_as(objects, canonical(policy), policy.digest)
    return TrainResult(
        workload=workload,
        text_model=text_model,
        model=bundle.digest,
        bundle=bundle,
        policy=policy,
        policy_digest=policy.digest,
        frame=learned.frame.digest,
        environment=digest(environment()),
        split=split,
        bands=bands,
        trained=trained,
        candidate=candidate,
        held_out=_held_out(candidate),
        development=development,
        validation=validation,
        seconds=steps.seconds,
    )


def cost_rates(costs: Costs) -> CostRates:
    """A policy's costs as the plain numbers the bands are chosen by."""
    return CostRates(
        fraud_share=costs.fraud_share,
        fraud_fixed=costs.fraud_fixed,
        block_share=costs.block_share,
        block_fixed=costs.block_fixed,
        review_fixed=costs.review_fixed,
        reviewer_error=costs.reviewer_error,
    )


class _Steps:
    """Tells people what happens and remembers how long it took."""

    def __init__(self, progress: Progress | None) -> None:
        self._tell = progress or (lambda _stage, _share: None)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def run(self, stage: str, share: float) -> Iterator[None]:
        self._tell(stage, share)
        started = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - started


def _workload(
    recipe: Recipe, history: History, split: Split
) -> tuple[Workload, TextModel | None, Split]:
    """The workload, its text model, and the split without the days that taught it."""
    if isinstance(recipe.workload, Workload) or recipe.text_field is None:
        assert isinstance(recipe.workload, Workload)
        return recipe.workload, None, split
    days = (split.fit.end - split.fit.start) // DAY
    before = split.fit.start + max(1, round(recipe.text_share * days)) * DAY
    texts, labels = text_rows(
        history, recipe.request, recipe.text_field, before=before, known_by=split.fit.known_by
    )
    model = TextModel.fit(texts, labels, recipe.seed)
    later = msgspec.structs.replace(split.fit, start=before)
    return recipe.workload(model), model, msgspec.structs.replace(split, fit=later)


def _bundle(
    recipe: Recipe,
    workload: Workload,
    frame: TrainingFrame,
    split: Split,
    trained: Trained,
    text_model: TextModel | None,
) -> Bundle:
    manifest = Manifest(
        format=FORMAT,
        kind="lightgbm",
        features=frame.names,
        catalog=workload.catalog.digest,
        frame=frame.digest,
        files={},
        parameters=trained.parameters,
        environment=environment(),
        trained_from=split.fit.start,
        trained_to=split.fit.end,
        known_by=split.fit.known_by,
        maturity=split.maturity,
        seed=recipe.seed,
        rows=trained.rows,
        rounds=trained.rounds,
        base_rate=trained.base_rate,
        text_model=None if text_model is None else text_model.digest,
    )
    return build_bundle(
        manifest,
        model=trained.model,
        calibrator=trained.calibrator.to_bytes(),
        text_model=None if text_model is None else text_model.to_bytes(),
    )


def _bands(recipe: Recipe, workload: Workload, part: Scored) -> BandChoice:
    return choose_bands(
        part.probability,
        part.frame.amount,
        part.frame.days,
        cost_rates(workload.costs),
        workload.capacity,
        overflow=recipe.overflow,
    )


def _second(
    recipe: Recipe,
    workload: Workload,
    learned: Learned,
    split: Split,
    text_model: TextModel | None,
) -> str | None:
    if not recipe.retrain:
        return None
    again = train(learned.frame, split, recipe.settings, seed=recipe.seed)
    return _bundle(recipe, workload, learned.frame, split, again, text_model).digest


def _policy(recipe: Recipe, workload: Workload, model: str, bands: BandChoice) -> Policy:
    return Policy(
        name=recipe.name,
        version=recipe.version,
        request=workload.request.type,
        contracts=workload.contracts.digest,
        catalog=workload.catalog.digest,
        model=model,
        rules=workload.rules,
        lists=workload.lists,
        bands=Bands(
            review_at=bands.review_at, block_at=bands.block_at, overflow=Outcome(bands.overflow)
        ),
        costs=workload.costs,
        capacity_per_day=workload.capacity,
        deadline=recipe.deadline,
        if_no_score=recipe.if_no_score,
        amount_field=workload.amount_field,
        entity_field=workload.entity_field,
        conditions=recipe.conditions,
    )


def _held_out(candidate: Candidate) -> HeldOut:
    test = candidate.test
    given = outcomes(candidate, test)
    return HeldOut(
        ids=test.frame.ids,
        at=test.frame.at,
        entity=test.frame.entity,
        amount=test.frame.amount,
        probability=test.probability,
        labels=test.labels,
        outcomes=np.array([outcome.value for outcome in _GIVEN], dtype=np.str_)[given],
        segments=test.segments,
    )
