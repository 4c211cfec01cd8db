"""What goes into training from a log, and what comes out of it?"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.evidence import Evidence
from assay.core.time import MILLISECOND
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Policy
from assay.models.bundle import Bundle
from assay.models.checks.candidate import AsOf, Candidate
from assay.models.checks.limits import Limits
from assay.models.frame import Split
from assay.models.text import TextModel
from assay.models.thresholds import BandChoice, Overflow
from assay.models.train import Trained, TrainSettings
from assay.runtime.train_history import Learned
from assay.workloads.workload import Workload


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows to learn from, however they were read.

    ``newest`` is the moment up to which everything is known; ``as_of`` computes some vectors
    again without the future and says how many values differ.
    """

    workload: Workload
    text_model: TextModel | None
    learned: Learned
    split: Split
    newest: int
    as_of: Callable[[], AsOf]
