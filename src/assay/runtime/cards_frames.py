"""What was known at each card payment? Both feature sets, computed from the events in one order."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Corrupt, Invalid
from assay.core.time import DAY
from assay.features.backfill import backfill_columns, finish
from assay.features.catalog import Catalog
from assay.features.columns import Coded, Column, Columns, taken
from assay.features.frame import Frame
from assay.features.group import Asked, Source, Target, fill
from assay.models.checks.candidate import AsOf
from assay.models.frame import NEVER, TrainingFrame
from assay.runtime.cores import over_cores
from assay.workloads.cards import features, handbook
from assay.workloads.cards.contracts import LABEL, LABEL_DELAY, TRANSACTION
from assay.workloads.cards.payments import Payments, transaction_id
from assay.workloads.cards.protocol import TestSet, Week
from assay.workloads.cards.selection import HISTORY_START

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CardsFrames:
    """The rows of one test week and of everything before it, seen through both feature sets.

    Args:
        payments: all of them.
        week: the test week.
        vectors: our values at every payment from ``HISTORY_START`` to the end of the week.
        ours: their model inputs, with the history of each label.
        train_rows, test_rows: rows of ``payments`` that the protocol trains and tests on.
        peer_train_x, peer_test_x: the handbook's 15 features of those rows, in its column order.
    """

    payments: Payments
    week: Week
    vectors: Frame
    ours: TrainingFrame
    train_rows: NDArray[np.int64]
    test_rows: NDArray[np.int64]
    peer_train_x: NDArray[np.float64]
    peer_test_x: NDArray[np.float64]

    @property
    def test(self) -> TestSet:
        """Truth, card and day of the test rows."""
        rows, payments = self.test_rows, self.payments
        return TestSet(payments.fraud[rows], payments.customer[rows], payments.days[rows])

    def test_x(self, inputs: tuple[str, ...]) -> NDArray[np.float64]:
        """Our inputs of the test rows, shape ``(n, len(inputs))``."""
        first = int(np.searchsorted(self.payments.at, HISTORY_START))
        places = [self.ours.names.index(name) for name in inputs]
        return self.ours.x[self.test_rows - first][:, places]


def build_frames(
    payments: Payments, week: Week, progress: Progress = lambda _: None
) -> CardsFrames:
    """Compute the features of every row the week's protocol and our own training need."""
    frames = own_frames(payments, week, progress)
    train_rows, test_rows = frames.train_rows, frames.test_rows
    progress(f"computing the handbook's 15 at {train_rows.size + test_rows.size:,} payments")
    peer_train_x, peer_test_x = handbook_features(payments, train_rows, test_rows)
    return replace(frames, peer_train_x=peer_train_x, peer_test_x=peer_test_x)


def own_frames(payments: Payments, week: Week, progress: Progress = lambda _: None) -> CardsFrames:
    """``build_frames`` without the handbook's features: none of either set of rows."""
    rows = known_span(payments, week)
    progress(f"computing {len(features.CATALOG)} values each at {rows.size:,} payments")
    vectors = _vectors(features.CATALOG, payments, rows)
    none = np.empty((0, len(handbook.COLUMNS)))
    return CardsFrames(
        payments=payments,
        week=week,
        vectors=vectors,
        ours=_training_frame(payments, rows, _inputs(vectors, features.INPUTS)),
        train_rows=week.train_rows(payments.at),
        test_rows=week.test_rows(payments.at, payments.customer, payments.fraud),
        peer_train_x=none,
        peer_test_x=none,
    )


def earlier(frames: CardsFrames, week: Week) -> CardsFrames:
    """The frames of a week before theirs, from the same vectors; without the handbook's.

    Raises:
        Invalid: the week ends after theirs.
    """
    if week.end > frames.week.end:
        raise Invalid(f"the vectors end with the week of {frames.week.start}, before {week.end}")
    payments, none = frames.payments, np.empty((0, len(handbook.COLUMNS)))
    return replace(
        frames,
        week=week,
        train_rows=week.train_rows(payments.at),
        test_rows=week.test_rows(payments.at, payments.customer, payments.fraud),
        peer_train_x=none,
        peer_test_x=none,
    )


def fed(frames: CardsFrames, vectors: Frame) -> CardsFrames:
    """The same frames with other vectors of the same payments."""
    ours = replace(frames.ours, x=_inputs(vectors, features.INPUTS))
    return replace(frames, vectors=vectors, ours=ours)


def known_span(payments: Payments, week: Week) -> NDArray[np.int64]:
    """The rows from ``HISTORY_START`` to the end of a week."""
    return np.arange(*np.searchsorted(payments.at, [HISTORY_START, week.end]))


def handbook_features(
    payments: Payments, train_rows: NDArray[np.int64], test_rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The book's 15 features of both sets of rows, each of shape ``(n, 15)``.

    The risk of a terminal without settled payments is 0, as in the book.
    """
    rows = np.concatenate([train_rows, test_rows])
    vectors = _vectors(handbook.CATALOG, payments, rows)
    x = np.nan_to_num(_inputs(vectors, handbook.COLUMNS), nan=0.0)
    return x[: train_rows.size], x[train_rows.size :]


def payment_columns(payments: Payments, *, until: int | None = None) -> dict[str, Columns]:
    """All payments and their labels as columns, equal to the events ``payments.events`` gives.

    With ``until`` only what happened or became known before that instant.
    """
    if until is not None:
        paid, settled = np.searchsorted(payments.at, [until, until - LABEL_DELAY])
        made, known = payments.first(int(paid)), payments.first(int(settled))
        return {
            TRANSACTION.type: payment_columns(made)[TRANSACTION.type],
            LABEL.type: payment_columns(known)[LABEL.type],
        }
    ids = payments.number
    customers, customer_codes = np.unique(payments.customer, return_inverse=True)
    terminals, terminal_codes = np.unique(payments.terminal, return_inverse=True)
    fields: dict[str, Column] = {
        "customer_id": Coded(customer_codes, [f"c{name}" for name in customers.tolist()]),
        "terminal_id": Coded(terminal_codes, [f"t{name}" for name in terminals.tolist()]),
        "amount": payments.cents,
        "local_time": payments.at,
    }
    outcome: dict[str, Column] = {
        "fraud": payments.fraud,
        "source": Coded(np.zeros(len(payments), np.int64), ["chargeback"]),
    }
    return {
        TRANSACTION.type: Columns(payments.at, ids, fields),
        LABEL.type: Columns(payments.known_at, ids, fields | outcome),
    }


def check_future(frames: CardsFrames, *, span: int = DAY) -> AsOf:
    """Whether the vectors of the last ``span`` before the cut-off survive without the future.

    Everything from the newest of those payments on is taken away, labels by when they became
    known, and the vectors before it are computed again and compared bit for bit.
    """
    payments, cutoff = frames.payments, frames.week.cutoff
    newest = int(payments.at[np.searchsorted(payments.at, cutoff) - 1])
    past = payment_columns(payments, until=newest)
    asked = past[TRANSACTION.type].ts >= newest - span
    with over_cores() as spread:
        again = backfill_columns(features.CATALOG, past, wanted=asked, spread=spread)
    low, high = np.searchsorted(frames.vectors.at, [newest - span, newest])
    bits, known = frames.vectors.bits[low:high], frames.vectors.known[low:high]
    if again.bits.shape != bits.shape:
        return AsOf(compared=0, mismatches=int(bits.size), rows=int(high - low))
    different = (again.bits != bits) | (again.known != known)
    return AsOf(int(different.size), int(different.sum()), int(high - low))


def vectors_at(
    catalog: Catalog, payments: Payments, rows: NDArray[np.int64], at: NDArray[np.int64]
) -> Frame:
    """The values that a table made at other instants would hold for some payments.

    Everything of the payment but its T stays as it is.

    Args:
        catalog: whose values.
        payments: what happened.
        rows: which of them are asked about, ascending.
        at: the T of each, not after the payment itself, shape ``(n,)``.
    """
    tables = payment_columns(payments.first(int(rows[-1]) + 1))
    made = tables[TRANSACTION.type]
    asked = Columns(at, payments.number[rows], {n: taken(c, rows) for n, c in made.fields.items()})
    shape = rows.size, len(catalog)
    bits, known = np.zeros(shape, np.int64), np.zeros(shape, np.uint8)
    plan, overflows = catalog.plan, 0
    source = Source(TRANSACTION.type, asked, plan.encoders.get(TRANSACTION.type))
    requests = Asked(source, source.places(), whole=False, targets=source.places())
    target = Target(bits, known, {place: place for place in range(len(catalog))})
    with over_cores() as spread:
        for number, group in enumerate(plan.groups):
            kind = plan.tables[group.table].source
            events = Source(kind, tables[kind], plan.encoders[kind])
            overflows += fill(plan, number, events, requests, target, spread)
    lost, failures = finish(catalog, asked, np.arange(rows.size), bits, known)
    return Frame(
        names=catalog.names,
        kinds=catalog.kinds,
        bits=bits,
        known=known,
        at=at,
        event_ids=payments.number[rows],
        overflows=overflows + lost,
        derived_failures=failures,
    )


def _vectors(catalog: Catalog, payments: Payments, rows: NDArray[np.int64]) -> Frame:
    """Values of a catalog at the given rows, which ascend."""
    # Later payments are left out: they cannot change a value, and take time to sort.
    until = int(rows[-1]) + 1
    wanted = np.zeros(until, np.bool_)
    wanted[rows] = True
    columns = payment_columns(payments.first(until))
    with over_cores() as spread:
        frame = backfill_columns(catalog, columns, wanted=wanted, spread=spread)
    if frame.derived_failures or frame.overflows:
        raise Corrupt(
            f"{frame.derived_failures} derived values failed and {frame.overflows} aggregates "
            "overflowed in a backfill where neither can happen"
        )
    return frame


def _inputs(vectors: Frame, names: tuple[str, ...]) -> NDArray[np.float64]:
    """The named values as doubles, shape ``(n, len(names))``."""
    return vectors.floats()[:, [vectors.names.index(name) for name in names]]


def _training_frame(
    payments: Payments, rows: NDArray[np.int64], x: NDArray[np.float64]
) -> TrainingFrame:
    known_at = np.where(payments.fraud[rows], payments.known_at[rows], NEVER)
    return TrainingFrame(
        names=features.INPUTS,
        x=x,
        at=payments.at[rows],
        fraud_known_at=known_at,
        cleared_known_at=np.full(rows.size, NEVER),
        amount=payments.cents[rows],
        entity=np.char.add("c", payments.customer[rows].astype(str)),
        ids=np.array([transaction_id(number) for number in payments.number[rows].tolist()]),
    )
