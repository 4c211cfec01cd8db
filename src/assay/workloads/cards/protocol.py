"""Which rows does the handbook train and test on, and how does it count the cards it catches?

Source:
    Le Borgne, Siblini, Lebichot, Bontempi (2022), Reproducible Machine Learning for Credit Card
    Fraud Detection - Practical Handbook, chapters 3 (train and test sets) and 4 (card precision).
"""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.time import DAY, parse_time
from assay.workloads.cards.contracts import LABEL_DELAY

WEEK = 7 * DAY
REVIEWED_CARDS = 100  #: cards an investigator team looks at a day


class Published(msgspec.Struct, frozen=True):
    """A row of the handbook's own result table."""

    name: str
    auc_roc: float
    average_precision: float
    card_precision_at_100: float


#: Chapter 3, test week 2018-08-08 to 08-14, as printed there.
PUBLISHED = (
    Published("logistic regression", 0.871, 0.606, 0.291),
    Published("decision tree, depth 2", 0.763, 0.496, 0.241),
    Published("random forest", 0.867, 0.658, 0.287),
    Published("XGBoost", 0.862, 0.639, 0.273),
)


class Week(msgspec.Struct, frozen=True):
    """A test week of the protocol by its first instant (midnight UTC).

    Seven days of delay lie before it, and the seven days of training before those.

    Raises:
        Invalid: ``start`` is not midnight UTC.
    """

    start: int

    def __post_init__(self) -> None:
        if self.start % DAY:
            raise Invalid(f"expected a test week that starts at midnight UTC, got {self.start}")

    @property
    def end(self) -> int:
        """One past the last instant of the week."""
        return self.start + WEEK

    @property
    def cutoff(self) -> int:
        """Payments before it have a label when the week begins."""
        return self.start - LABEL_DELAY

    @property
    def train_start(self) -> int:
        """The first instant of the training week."""
        return self.cutoff - WEEK

    def train_rows(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the training week; ``at`` ascending, shape ``(n,)``."""
        low, high = np.searchsorted(at, [self.train_start, self.cutoff])
        return np.arange(low, high)

    def test_rows(
        self, at: NDArray[np.int64], card: NDArray[np.int64], fraud: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Rows of the test week without cards known to be compromised by then.

        A card is known on a day when it had a fraud between the start of the training week and
        the day eight days before (the label of a payment seven days old arrives during the day).

        Args:
            at: time of each payment, ascending, shape ``(n,)``.
            card: card of each payment, shape ``(n,)``.
            fraud: what each payment turned out to be, shape ``(n,)``.
        """
        kept = []
        for day in range(self.start, self.end, DAY):
            edges = [self.train_start, day - LABEL_DELAY, day, day + DAY]
            first, known, low, high = np.searchsorted(at, edges)
            compromised = np.unique(card[first:known][fraud[first:known]])
            rows = np.arange(low, high)
            kept.append(rows[~np.isin(card[rows], compromised)])
        return np.concatenate(kept)


#: The week of the published table, and weeks before it on which anything may be chosen: their
#: outcomes are all known when the published week begins.
TEST_WEEK = Week(parse_time("2018-08-08T00:00:00Z"))
VALIDATION_WEEKS = tuple(Week(TEST_WEEK.start - back * WEEK) for back in (5, 4, 3, 2))


@dataclass(frozen=True, slots=True)
class TestSet:
    """What is needed to judge scores of a test week: one entry per row, shape ``(n,)``."""

    __test__ = False  # not a test class, whatever its name says to pytest

    fraud: NDArray[np.bool_]
    card: NDArray[np.int64]
    day: NDArray[np.int64]
