"""How was the model of this workload chosen, without a look at the week it is judged on?

Every candidate was trained and judged by the test week's own protocol on four earlier weeks whose
outcomes are known before the test week begins. A candidate's score is the mean over the weeks of
area under the curve plus average precision, summed over both histories: ``CHOSEN`` has the best.
Candidates differ by less than weeks do; a simpler one would have done as well.
The primary history is the better one for ``CHOSEN`` over the last three weeks: for the first, the
long history is cut to nine days of fitting, and for the test week it has forty-four.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from assay.core.errors import Unknown
from assay.core.time import DAY, parse_time
from assay.models.frame import Slice, Split
from assay.models.train import TrainSettings
from assay.workloads.cards.features import INPUTS
from assay.workloads.cards.protocol import Week

History = Literal["week", "mature"]

SEED = 0
#: Three weeks after the first payment on record: earlier rows have next to no history.
HISTORY_START = parse_time("2018-05-31T00:00:00Z")

_LEAN = tuple(
    name
    for name in INPUTS
    if not name.startswith(("customer_count", "customer_max", "terminal_settled"))
)
_SHALLOW = TrainSettings(
    rounds_max=400,
    leaves=8,
    depth=4,
    learning_rate=0.05,
    leaf_rows_min=100,
    feature_share=0.5,
    ridge=10.0,
    patience=40,
)
_MEDIUM = TrainSettings(
    rounds_max=500,
    leaves=15,
    depth=6,
    learning_rate=0.03,
    leaf_rows_min=50,
    feature_share=0.5,
    ridge=5.0,
    patience=50,
)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs and tree settings under one name."""

    name: str
    inputs: tuple[str, ...]
    settings: TrainSettings


class Tried(msgspec.Struct, frozen=True):
    """What a candidate trained on a history reached, in the order of ``VALIDATION_WEEKS``."""

    candidate: str
    history: History
    auc_roc: tuple[float, ...]
    average_precision: tuple[float, ...]
    card_precision_at_100: tuple[float, ...]

    def score(self, weeks: Sequence[int] = (0, 1, 2, 3)) -> float:
        """Mean over those weeks of area under the curve plus average precision."""
        return sum(self.auc_roc[week] + self.average_precision[week] for week in weeks) / len(weeks)


CANDIDATES = (
    Candidate(name="lean_medium", inputs=_LEAN, settings=_MEDIUM),
    Candidate(name="lean_shallow", inputs=_LEAN, settings=_SHALLOW),
    Candidate(name="all_medium", inputs=INPUTS, settings=_MEDIUM),
)

#: Trained with one thread and seed ``SEED``. The features were drafted on the same weeks.
LOG = (
    Tried(
        "lean_medium",
        "mature",
        (0.8817, 0.9044, 0.8954, 0.8848),
        (0.7364, 0.7447, 0.7602, 0.744),
        (0.3114, 0.2943, 0.2757, 0.2857),
    ),
    Tried(
        "lean_medium",
        "week",
        (0.8905, 0.9128, 0.8978, 0.8821),
        (0.7503, 0.7431, 0.7493, 0.7362),
        (0.3143, 0.2971, 0.2743, 0.2886),
    ),
    Tried(
        "lean_shallow",
        "mature",
        (0.8809, 0.9005, 0.8938, 0.8828),
        (0.7322, 0.7395, 0.7582, 0.7369),
        (0.3114, 0.2943, 0.2757, 0.2829),
    ),
    Tried(
        "lean_shallow",
        "week",
        (0.8931, 0.9058, 0.8986, 0.8804),
        (0.7456, 0.7418, 0.743, 0.7345),
        (0.3143, 0.2957, 0.2729, 0.2871),
    ),
    Tried(
        "all_medium",
        "mature",
        (0.8884, 0.9091, 0.898, 0.8837),
        (0.7355, 0.7411, 0.7546, 0.7408),
        (0.3157, 0.2929, 0.2757, 0.2814),
    ),
    Tried(
        "all_medium",
        "week",
        (0.8902, 0.9007, 0.903, 0.881),
        (0.7509, 0.7384, 0.7516, 0.7319),
        (0.3143, 0.2929, 0.2743, 0.2857),
    ),
)


def candidate(name: str) -> Candidate:
    """The candidate of that name.

    Raises:
        Unknown: there is none; the message names the nearest.
    """
    for item in CANDIDATES:
        if item.name == name:
            return item
    raise Unknown("candidate", name, known=[item.name for item in CANDIDATES])


def split(week: Week, history: History) -> Split:
    """Which rows before the week's cut-off fit, calibrate, choose bands and check.

    ``week`` uses the protocol's training week alone: six days fit, the last one calibrates, and
    nothing is left to choose bands on. ``mature`` uses every payment since ``HISTORY_START``: the
    last eleven days calibrate (4), choose bands (3) and check (4), a gap of the label delay lies
    before them, and all the rest fits.
    """
    cut, known = week.cutoff, week.start
    if history == "week":
        last = cut - DAY
        none = Slice(cut, cut, known)
        return Split(
            fit=Slice(week.train_start, last, known),
            calibrate=Slice(last, cut, known),
            bands=none,
            test=none,
            maturity=known - cut,
        )
    check, bands, calibrate = cut - 4 * DAY, cut - 7 * DAY, cut - 11 * DAY
    return Split(
        fit=Slice(HISTORY_START, calibrate - (known - cut), calibrate),
        calibrate=Slice(calibrate, bands, known),
        bands=Slice(bands, check, known),
        test=Slice(check, cut, known),
        maturity=known - cut,
    )


#: What ``LOG`` says, frozen before the test week was scored; a test derives both again.
CHOSEN = candidate("lean_medium")
PRIMARY: History = "mature"
