"""What has been decided lately, and how much of what? A compact view of the log, for people.

Twenty-six bytes a decision are kept in memory; a page of decisions is read from the log by its
places. The view follows the log whenever it is asked, and is used from one thread.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord

OUTCOMES = tuple(Outcome)
_GROW = 4_096


class Decisions(Protocol):
    """What is read of the event log."""

    def decisions(self, after: int = 0, until: int | None = None) -> Iterator[DecisionRecord]:
        """The decisions with ``after < seq <= until``, in ``seq`` order."""
        ...


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions to show: every field narrows, None does not.

    ``start`` and ``end`` bound the request's ``ts``, ``[start, end)``; ``low`` is the least
    probability.
    """

    outcome: Outcome | None = None
    degraded: bool | None = None
    low: float | None = None
    start: int | None = None
    end: int | None = None


class Volumes(msgspec.Struct, frozen=True):
    """Decisions by time and outcome.

    ``starts`` holds the first instant of each bucket (microseconds UTC), ``counts`` one row per
    bucket and one column per outcome, in the order of ``OUTCOMES``.
    """

    width: int
    starts: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]


class Activity:
    """The decisions of one log, newest last."""

    def __init__(self, log: Decisions) -> None:
        self._log, self._seen = log, 0
        self._size = 0
        self._seq = np.empty(_GROW, np.int64)
        self._at = np.empty(_GROW, np.int64)
        self._outcome = np.empty(_GROW, np.int8)
        self._degraded = np.empty(_GROW, np.bool_)
        self._probability = np.empty(_GROW, np.float64)

    def follow(self) -> int:
        """Read what was committed since the last time; the number of decisions in all."""
        for record in self._log.decisions(after=self._seen):
            self._add(record)
            self._seen = record.seq
        return self._size

    def page(self, wanted: Wanted, *, skip: int, size: int) -> tuple[list[int], int]:
        """Places in the log of wanted decisions, newest first, and how many are wanted in all."""
        places = self._seq[: self._size][self._mask(wanted)]
        chosen = places[::-1][skip : skip + size]
        return [int(seq) for seq in chosen], len(places)

    def counts(self, wanted: Wanted) -> dict[Outcome, int]:
        """Wanted decisions by outcome."""
        found = np.bincount(
            self._outcome[: self._size][self._mask(wanted)], minlength=len(OUTCOMES)
        )
        return {outcome: int(count) for outcome, count in zip(OUTCOMES, found, strict=True)}

    def degraded(self, wanted: Wanted) -> int:
        """How many of the wanted decisions fell back to a degraded mode."""
        return int(self._degraded[: self._size][self._mask(wanted)].sum())

    def span(self) -> tuple[int, int] | None:
        """The oldest and newest ``ts`` decided on, None when there is none."""
        if not self._size:
            return None
        at = self._at[: self._size]
        return int(at.min()), int(at.max())

    def volumes(self, wanted: Wanted, width: int) -> Volumes:
        """Wanted decisions in buckets of ``width`` microseconds, empty buckets included."""
        mask = self._mask(wanted)
        at, outcome = self._at[: self._size][mask], self._outcome[: self._size][mask]
        if not len(at):
            return Volumes(width, (), ())
        first, last = int(at.min()) // width, int(at.max()) // width
        cell = (at // width - first) * len(OUTCOMES) + outcome
        flat = np.bincount(cell, minlength=(last - first + 1) * len(OUTCOMES))
        table = flat.reshape(-1, len(OUTCOMES))
        return Volumes(
            width,
            tuple(bucket * width for bucket in range(first, last + 1)),
            tuple(tuple(int(count) for count in row) for row in table),
        )

    def _mask(self, wanted: Wanted) -> NDArray[np.bool_]:
        size = self._size
        mask = np.ones(size, np.bool_)
        if wanted.outcome is not None:
            mask &= self._outcome[:size] == wanted.outcome.severity
        if wanted.degraded is not None:
            mask &= self._degraded[:size] == wanted.degraded
        if wanted.low is not None:
            mask &= self._probability[:size] >= wanted.low
        if wanted.start is not None:
            mask &= self._at[:size] >= wanted.start
        if wanted.end is not None:
            mask &= self._at[:size] < wanted.end
        return mask

    def _add(self, record: DecisionRecord) -> None:
        if self._size == len(self._seq):
            self._grow()
        at, probability = self._size, record.score.probability
        self._seq[at], self._at[at] = record.seq, record.at
        self._outcome[at] = record.outcome.severity
        self._degraded[at] = bool(record.degraded)
        self._probability[at] = np.nan if probability is None else probability
        self._size += 1

    def _grow(self) -> None:
        # ``np.resize`` repeats the old values into the new half; they lie beyond ``_size``.
        longer = 2 * len(self._seq)
        self._seq, self._at = np.resize(self._seq, longer), np.resize(self._at, longer)
        self._outcome = np.resize(self._outcome, longer)
        self._degraded = np.resize(self._degraded, longer)
        self._probability = np.resize(self._probability, longer)
