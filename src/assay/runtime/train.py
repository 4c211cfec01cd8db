"""How does a log become a model, a policy and the evidence for both? One pure step after another.

The clock is read only to say how long each step took; nothing that is stored depends on it.
"""

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.canonical import canonical, digest
from assay.core.errors import Corrupt, Invalid
from assay.core.evidence import Evidence
from assay.core.time import DAY, MILLISECOND
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Costs, Policy
from assay.models.bundle import FORMAT, Bundle, Manifest, build_bundle
from assay.models.checks.candidate import Candidate, Scored, score_parts
from assay.models.checks.decision import outcomes
from assay.models.checks.limits import Limits
from assay.models.evidence import development_tests, validation_tests
from assay.models.frame import Split, TrainingFrame, split_times
from assay.models.scorer import Scorer
from assay.models.text import TextModel
from assay.models.thresholds import BandChoice, CostRates, Overflow, choose_bands
from assay.models.train import Trained, TrainSettings, train
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
from assay.workloads.workload import Workload

_GIVEN = (Outcome.APPROVE, Outcome.REVIEW, Outcome.BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a workload's model and policy are made.

    Args:
        workload: the workload, or how to make it once its text model is fitted.
        request, label: event types, needed before the workload exists.
        maturity: age from which a request without a label counts as good, microseconds.
        text_field: field of the request the text model reads; needed iff ``workload`` is made.
        text_share: of the fit days, the earliest, whose messages teach the text model; the trees
            do not see them, so its score is not flattered by rows it remembers.
        name, version: of the policy.
        settings: how the trees are grown.
        limits: what the tests judge by.
        seed: of everything drawn.
        overflow: what a request gets when reviews are used up; None chooses the cheaper.
        deadline: microseconds for the stages before the model.
        if_no_score: asked when the model cannot answer.
        conditions: compiled conditions of approval.
        retrain: make the model a second time and compare the digests.
    """

    workload: Workload | Callable[[TextModel], Workload]
    request: str
    maturity: int
    name: str
    label: str = "label"
    version: int = 1
    text_field: str | None = None
    text_share: float = 0.25
    settings: TrainSettings = field(default_factory=TrainSettings)
    limits: Limits = field(default_factory=Limits)
    seed: int = 20_260_101
    overflow: Overflow | None = None
    deadline: int = 50 * MILLISECOND
    if_no_score: Outcome = Outcome.REVIEW
    conditions: tuple[str, ...] = ()
    retrain: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.workload, Workload) == (self.text_field is not None):
            raise Invalid("expected a text field exactly when the workload is made from its model")
        if not 0.0 < self.text_share < 1.0:
            raise Invalid(f"expected a text share between 0 and 1, got {self.text_share}")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The test slice as the bands would have treated it, for the fairness audit; shape ``(n,)``.

    ``outcomes`` are ``approve``, ``review`` or ``block`` by the bands alone, without rules.
    """

    ids: NDArray[np.str_]
    at: NDArray[np.int64]
    entity: NDArray[np.str_]
    amount: NDArray[np.int64]
    probability: NDArray[np.float64]
    labels: NDArray[np.int8]
    outcomes: NDArray[np.str_]
    segments: dict[str, NDArray[np.str_]]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What training made, under the digests it is stored by.

    ``model`` names the bundle (its manifest's digest), ``policy_digest`` the policy, ``frame``
    the training rows, ``environment`` interpreter and libraries. ``development`` and
    ``validation`` are the two groups of evidence; ``seconds`` says how long each step took.
    """

    workload: Workload
    text_model: TextModel | None
    model: str
    bundle: Bundle
    policy: Policy
    policy_digest: str
    frame: str
    environment: str
    split: Split
    bands: BandChoice
    trained: Trained
    candidate: Candidate
    held_out: HeldOut
    development: tuple[Evidence, ...]
    validation: tuple[Evidence, ...]
    seconds: dict[str, float]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Both groups."""
        return self.development + self.validation

    @property
    def failed(self) -> tuple[Evidence, ...]:
        """Tests that did not pass: nothing can be approved while there are any."""
        return tuple(item for item in self.evidence if item.verdict == "fail")


def train_from_log(
    log: EventLog,
    objects: ObjectStore,
    recipe: Recipe,
    *,
    until: int | None = None,
    progress: Progress | None = None,
) -> TrainResult:
    """Learn from the accepted events up to ``until`` and store model and policy.

    Args:
        log: where the events are.
        objects: receives every file of the bundle, its manifest, and the policy.
        recipe: how it is done.
        until: last ``ts`` that is used, labels included; None uses all.
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
        learned = training_rows(workload, history, split)
    with steps.run("training and calibrating", 0.45):
        trained = train(learned.frame, split, recipe.settings, seed=recipe.seed)
        bundle = _bundle(recipe, workload, learned.frame, split, trained, text_model)
    with steps.run("choosing the bands", 0.6):
        scorer = Scorer.load(bundle.files, expected=bundle.digest)
        parts = score_parts(scorer, learned.frame, split, learned.segments)
        bands = _bands(recipe, workload, parts["bands"])
    with steps.run("checking values against the future", 0.65):
        as_of = check_as_of(workload, history, learned, span=DAY)
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
        at=history.newest,
        seed=recipe.seed,
        parts=parts,
        as_of=as_of,
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
        _put(objects, canonical(policy), policy.digest)
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


def store_bundle(objects: ObjectStore, bundle: Bundle) -> None:
    """Store every file under its digest; the manifest's digest then names the model.

    Raises:
        Corrupt: the store named a file otherwise than by its SHA-256.
    """
    for name, data in sorted(bundle.files.items()):
        wanted = bundle.manifest.files.get(name, bundle.digest)
        _put(objects, data, wanted)


def environment() -> dict[str, str]:
    """Interpreter, libraries and platform that a model's bytes depend on."""
    libraries = ("lightgbm", "numpy", "scipy", "numba", "msgspec")
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in libraries},
    }


def code_digest() -> str:
    """The hash of the source files that train, score and test models."""
    package = files("assay.models")
    sources: dict[str, str] = {}
    for folder in (package, package.joinpath("checks")):
        for item in folder.iterdir():
            if item.name.endswith(".py"):
                sources[f"{folder.name}/{item.name}"] = item.read_text(encoding="utf-8")
    return digest(sources)


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


def _put(objects: ObjectStore, data: bytes, wanted: str) -> None:
    if (stored := objects.put(data)) != wanted:
        raise Corrupt(f"the object store named our bytes {stored}, expected {wanted}")
