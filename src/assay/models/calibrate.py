"""How likely is fraud, given the raw score? Isotonic calibration with knots that survive storage.

Violating neighbours are pooled exactly: counts are integers, and block rates are compared by
cross-multiplication, so no rounding can change which rows end up together. Between the centres of
two blocks the probability is interpolated, which keeps it strictly increasing there and leaves few
ties for the bands to stumble over.
"""

from bisect import bisect_right

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.canonical import canonical
from assay.core.errors import Corrupt, Invalid


class Block(msgspec.Struct, frozen=True):
    """Neighbouring rows that share one fitted rate: ``frauds`` of ``rows``, scores low to high."""

    low: float
    high: float
    centre: float
    rows: int
    frauds: int


def pool_adjacent_violators(
    raw: NDArray[np.float64], labels: NDArray[np.int8]
) -> tuple[Block, ...]:
    """The blocks of the isotonic regression of ``labels`` (0 or 1) on ``raw``, in score order.

    Rows of equal score are one observation. ``centre`` is the mean score of the block.

    Raises:
        Invalid: no rows, shapes differ, a label is not 0 or 1, or a score is not finite.

    Source:
        Ayer, Brunk, Ewing, Reid and Silverman (1955), Ann. Math. Statist. 26:641-647.

    Example:
        >>> import numpy as np
        >>> blocks = pool_adjacent_violators(
        ...     np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 1, 0, 1], dtype=np.int8))
        >>> [(b.low, b.high, b.frauds, b.rows) for b in blocks]
        [(1.0, 1.0, 0, 1), (2.0, 3.0, 1, 2), (4.0, 4.0, 1, 1)]
    """
    if raw.ndim != 1 or raw.shape != labels.shape or not raw.size:
        raise Invalid(f"expected scores and labels of one length, got {raw.shape}, {labels.shape}")
    if not np.isfinite(raw).all() or not np.isin(labels, (0, 1)).all():
        raise Invalid("expected finite scores and labels of 0 or 1")
    score, place = np.unique(raw, return_inverse=True)
    rows = np.bincount(place).tolist()
    frauds = np.bincount(place[labels == 1], minlength=score.size).tolist()
    merged: list[list[int]] = []  # first and last place of a block, its rows, its frauds
    for position in range(score.size):
        block = [position, position, rows[position], frauds[position]]
        while merged and merged[-1][3] * block[2] >= block[3] * merged[-1][2]:
            before = merged.pop()
            block = [before[0], block[1], before[2] + block[2], before[3] + block[3]]
        merged.append(block)
    weight = np.asarray(rows, dtype=np.float64)
    return tuple(
        Block(
            low=float(score[first]),
            high=float(score[last]),
            centre=float(np.average(score[first : last + 1], weights=weight[first : last + 1])),
            rows=count,
            frauds=found,
        )
        for first, last, count, found in merged
    )


class Calibrator(msgspec.Struct, frozen=True, dict=True):
    """A monotone map from raw log-odds to probability, by linear interpolation between knots.

    ``raw`` is strictly increasing, ``probability`` never decreases and lies in (0, 1). Outside the
    knots the probability of the nearest one holds. Doubles are written in their shortest form that
    reads back to the same bits.
    """

    raw: tuple[float, ...]
    probability: tuple[float, ...]

    def __post_init__(self) -> None:
        knots, levels = np.asarray(self.raw), np.asarray(self.probability)
        if not knots.size or knots.shape != levels.shape:
            raise Invalid(f"expected one probability per knot, got {levels.size} for {knots.size}")
        if not np.isfinite(knots).all() or (np.diff(knots) <= 0).any():
            raise Invalid("expected knots that are finite and strictly increasing")
        if (np.diff(levels) < 0).any() or not ((levels > 0) & (levels < 1)).all():
            raise Invalid("expected probabilities in (0, 1) that never decrease")
        slopes = np.diff(levels) / np.diff(knots)
        self.__dict__["slopes"] = (*slopes.tolist(), 0.0)
        self.__dict__["arrays"] = (knots, levels, np.append(slopes, 0.0))

    def __call__(self, raw: float) -> float:
        """The probability of one raw score; the same bits as ``rows`` gives."""
        place = bisect_right(self.raw, raw) - 1
        if place < 0:
            return self.probability[0]
        start = self.probability[place]
        if place + 1 == len(self.raw):
            return start
        value: float = start + (raw - self.raw[place]) * self.__dict__["slopes"][place]
        # Rounding may step over the next knot by one unit in the last place.
        return min(value, self.probability[place + 1])

    def rows(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities of many raw scores, shape ``(n,)``."""
        knots, levels, slopes = self.__dict__["arrays"]
        place = np.searchsorted(knots, raw, side="right") - 1
        inside = np.maximum(place, 0)
        value = levels[inside] + (raw - knots[inside]) * slopes[inside]
        value = np.minimum(value, levels[np.minimum(inside + 1, levels.size - 1)])
        outside = (place < 0) | (place == levels.size - 1)
        result: NDArray[np.float64] = np.where(outside, levels[inside], value)
        return result

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Calibrator":
        """The calibrator that ``to_bytes`` wrote.

        Raises:
            Corrupt: the bytes are not a calibrator.
        """
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, Invalid) as error:
            raise Corrupt(f"the calibrator cannot be read: {error}") from error


def fit_calibrator(raw: NDArray[np.float64], labels: NDArray[np.int8]) -> Calibrator:
    """The centred isotonic fit: knots at block centres, levels at block rates.

    Only the outermost blocks can be all good or all fraud. No finite sample proves a probability
    of 0 or 1, so a pure block of ``m`` rows gets ``1 / (m + 2)`` or ``1 - 1 / (m + 2)`` (rule of
    succession), cut to its neighbour's rate where that would break the order. All probabilities
    thus lie in (0, 1), and log loss and odds stay finite.

    Source:
        Oron and Flournoy (2017), Centered isotonic regression, Stat. Biopharm. Res. 9:258-267.
    """
    blocks = pool_adjacent_violators(raw, labels)
    levels = [block.frauds / block.rows for block in blocks]
    first, last = blocks[0], blocks[-1]
    if first.frauds == 0:
        levels[0] = min(1.0 / (first.rows + 2), *levels[1:2], 0.5)
    if last.frauds == last.rows:
        levels[-1] = max(1.0 - 1.0 / (last.rows + 2), *levels[-2:-1], 0.5)
    return Calibrator(tuple(block.centre for block in blocks), tuple(levels))
