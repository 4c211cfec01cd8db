"""What does the comparison say, number by number, and may we claim it?"""

from typing import Literal

import msgspec

from assay.models.intervals import Interval

#: The lower bound of ours minus the best rerun must lie above this, on these two metrics.
MARGIN = -0.02
JUDGED = ("auc_roc", "average_precision")

Source = Literal["published", "rerun", "ours"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One model's line; ``intervals`` by metric, empty for published rows.

    ``primary`` marks the one row of ours that was named before the test week was looked at.
    """

    name: str
    source: Source
    auc_roc: float
    average_precision: float
    card_precision_at_100: float
    intervals: dict[str, Interval] = {}
    primary: bool = False


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """Ours minus the best rerun of one metric, on the same cards.

    ``limit`` is None where nothing was promised; ``met`` is then None too.
    """

    ours: str
    peer: str
    metric: str
    difference: Interval
    limit: float | None
    met: bool | None


class CardsResult(msgspec.Struct, frozen=True, kw_only=True):
    """The whole comparison on one test week, as a value that can be stored and rendered."""

    week: str
    train_payments: int
    train_frauds: int
    test_payments: int
    test_frauds: int
    test_cards: int
    rows: tuple[Row, ...]
    bounds: tuple[Bound, ...]
    draws: int
    seed: int

    @property
    def met(self) -> bool:
        """Whether every promised bound of the primary row holds."""
        primary = {row.name for row in self.rows if row.primary}
        return all(bound.met for bound in self.bounds if bound.ours in primary and bound.limit)

    def lines(self) -> tuple[str, ...]:
        """The comparison as text, 96 columns wide."""
        tested = f"{self.test_payments:,} payments of {self.test_cards:,} cards"
        trained = f"{self.train_payments:,} payments, {self.train_frauds:,} frauds"
        return (
            f"Test week {self.week}: {tested}, {self.test_frauds:,} frauds.",
            f"Protocol training week: {trained}.",
            f"In brackets: 95 % intervals over {self.draws:,} draws of cards.",
            "*: named as primary before the test week was looked at.",
            f"{'':34}{'AUC ROC':22}{'average precision':22}card precision@100",
            *(_line(row) for row in self.rows),
            "Ours minus the best rerun, paired by card:",
            *(_bound_line(bound) for bound in self.bounds),
        )


def _line(row: Row) -> str:
    values = {
        "auc_roc": row.auc_roc,
        "average_precision": row.average_precision,
        "card_precision_at_100": row.card_precision_at_100,
    }
    cells = "".join(f"{_cell(value, row.intervals.get(m)):22}" for m, value in values.items())
    mark = "*" if row.primary else ""
    return f"{f'{row.source}: {row.name}{mark}':34}{cells}".rstrip()


def _cell(value: float, interval: Interval | None) -> str:
    bounds = f" [{interval.low:.3f} {interval.high:.3f}]" if interval else ""
    return f"{value:.3f}{bounds}"


def _bound_line(bound: Bound) -> str:
    found = bound.difference
    verdict = (
        ""
        if bound.limit is None
        else f"  lower bound above {bound.limit:+.2f}: {'yes' if bound.met else 'NO'}"
    )
    return (
        f"  {bound.ours} - {bound.peer}, {bound.metric}: {found.value:+.3f} "
        f"[{found.low:+.3f} {found.high:+.3f}]{verdict}"
    )
