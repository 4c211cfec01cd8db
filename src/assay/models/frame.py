"""Which rows may a model learn from, and what was known about each label at which moment?"""

from dataclasses import dataclass, replace
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.canonical import digest_bytes
from assay.core.errors import Invalid
from assay.core.time import DAY

#: "This has not happened": later than every instant the platform accepts.
NEVER = 2**63 - 1


class NotEnoughData(Invalid):
    """The history is too short, or holds too few mature rows of one class, for what was asked."""

    code = "not_enough_data"


@dataclass(frozen=True, slots=True)
class TrainingFrame:
    """One row per past request, in time order, with the history of its label.

    Args:
        names: model inputs, in column order.
        x: inputs as they were known at each request, shape ``(n, k)``; NaN where not known.
        at: time of each request, microseconds UTC, ascending, shape ``(n,)``.
        fraud_known_at: when a fraud label became known, ``NEVER`` when none did.
        cleared_known_at: when that label was taken back, ``NEVER`` when it was not.
        amount: minor units, shape ``(n,)``.
        entity: who made the request, shape ``(n,)``; groups for the bootstrap.
        ids: id of each request event, shape ``(n,)``.

    A label is a function of the moment one asks: ``labels(cutoff)`` is what was known then.
    """

    names: tuple[str, ...]
    x: NDArray[np.float64]
    at: NDArray[np.int64]
    fraud_known_at: NDArray[np.int64]
    cleared_known_at: NDArray[np.int64]
    amount: NDArray[np.int64]
    entity: NDArray[np.str_]
    ids: NDArray[np.str_]

    def __post_init__(self) -> None:
        rows = self.at.shape[0]
        columns = (self.fraud_known_at, self.cleared_known_at, self.amount, self.entity, self.ids)
        if self.x.shape != (rows, len(self.names)) or any(c.shape != (rows,) for c in columns):
            raise Invalid(
                f"expected {rows} rows and {len(self.names)} inputs in every column of the "
                f"frame, got x of shape {self.x.shape} and {[c.shape for c in columns]}"
            )
        if np.isinf(self.x).any():
            raise Invalid("an input of the frame is infinite; use NaN for what is not known")
        if rows and (np.diff(self.at) < 0).any():
            raise Invalid("expected the rows of the frame in time order")

    def __len__(self) -> int:
        return int(self.at.shape[0])

    def labels(self, cutoff: int) -> NDArray[np.int8]:
        """1 where fraud was known and not yet taken back at ``cutoff``, else 0; shape ``(n,)``.

        0 means "good" only for rows that are ``mature``.
        """
        return ((self.fraud_known_at <= cutoff) & (self.cleared_known_at > cutoff)).astype(np.int8)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "TrainingFrame":
        """The same frame with only those rows, in the same order."""
        return replace(
            self,
            x=self.x[rows],
            at=self.at[rows],
            fraud_known_at=self.fraud_known_at[rows],
            cleared_known_at=self.cleared_known_at[rows],
            amount=self.amount[rows],
            entity=self.entity[rows],
            ids=self.ids[rows],
        )

    @property
    def days(self) -> NDArray[np.int64]:
        """The UTC day number of each request."""
        return self.at // DAY

    @property
    def digest(self) -> str:
        """SHA-256 over names and the little-endian bytes of every column."""
        parts = [
            "\x1f".join(self.names).encode(),
            np.ascontiguousarray(self.x, dtype="<f8").tobytes(),
            *(
                np.ascontiguousarray(column, dtype="<i8").tobytes()
                for column in (self.at, self.fraud_known_at, self.cleared_known_at, self.amount)
            ),
            "\x1f".join(self.entity.tolist()).encode(),
            "\x1f".join(self.ids.tolist()).encode(),
        ]
        return digest_bytes(b"".join(len(part).to_bytes(8, "little") + part for part in parts))


class Slice(msgspec.Struct, frozen=True):
    """Requests with ``start <= at < end``, labelled as known at ``known_by``."""

    start: int
    end: int
    known_by: int


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Four slices in time order; ``maturity`` is the age at which no label means good.

    ``fit`` trains the trees (its last ``stop_share`` of rows stops the boosting), ``calibrate``
    fits the calibrator, ``bands`` chooses the cut-offs, ``test`` is looked at once, at the end.
    Each slice says by when its labels had to be known, and may hold only rows mature by then.
    """

    fit: Slice
    calibrate: Slice
    bands: Slice
    test: Slice
    maturity: int
    stop_share: float = 0.15

    def __post_init__(self) -> None:
        edges = [
            edge
            for part in (self.fit, self.calibrate, self.bands, self.test)
            for edge in (part.start, part.end)
        ]
        if any(later < earlier for earlier, later in pairwise(edges)):
            raise Invalid(f"expected slices in time order without overlap, got edges {edges}")
        for part in (self.fit, self.calibrate, self.bands, self.test):
            if part.end > part.known_by - self.maturity:
                raise Invalid(
                    f"a slice ends at {part.end} but only rows before "
                    f"{part.known_by - self.maturity} are mature when labels are known by "
                    f"{part.known_by}: end it earlier or wait"
                )

    def rows(self, frame: TrainingFrame, part: Slice) -> TrainingFrame:
        """The rows of the frame that lie in the slice."""
        low, high = np.searchsorted(frame.at, [part.start, part.end], side="left")
        return frame.take(slice(int(low), int(high)))


def split_times(
    first: int,
    known_by: int,
    *,
    maturity: int,
    shares: tuple[float, float, float, float] = (0.6, 0.14, 0.12, 0.14),
    strict: bool | None = None,
) -> Split:
    """Cut the history into whole UTC days for fit, calibration, bands and test.

    Given out are the days between ``first`` and ``known_by - maturity``: every request is old
    enough that its label is final at ``known_by``, the moment of training. ``strict`` also sets
    one ``maturity`` aside as a gap and labels the fit slice as known when the calibration slice
    begins, so that what follows is judged as if the trees had been trained on that day.

    Args:
        first: earliest request, microseconds UTC.
        known_by: labels are read as known at this moment.
        maturity: age from which a request without a label counts as good.
        shares: of the days, for fit, calibration, bands and test.
        strict: None chooses the gap where it costs at most a third of the days.

    Raises:
        NotEnoughData: fewer than two days would be left for a slice.
    """
    start = -(-first // DAY)
    days = (known_by - maturity) // DAY - start
    gap = -(-maturity // DAY)
    gap = gap if (days >= 3 * gap if strict is None else strict) else 0
    usable = days - gap
    later = [max(2, round(share * usable / sum(shares))) for share in shares[1:]]
    fit_days = usable - sum(later)
    if fit_days < 2:
        raise NotEnoughData(
            f"{max(days, 0)} whole days of mature requests minus a gap of {gap} leave "
            f"{fit_days} days to fit on, expected at least 2: use a longer history or a shorter "
            "maturity"
        )
    fit_end = start + fit_days
    edges = np.cumsum([fit_end + gap, *later]) * DAY
    calibrate, bands, test = (Slice(low, high, known_by) for low, high in pairwise(edges.tolist()))
    fit = Slice(start * DAY, fit_end * DAY, calibrate.start if gap else known_by)
    return Split(fit=fit, calibrate=calibrate, bands=bands, test=test, maturity=maturity)
