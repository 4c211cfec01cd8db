"""Does the public card stream come out the same however it is computed? Served live, then again.

Every payment is a request: its vector is read from the live state, kept with its receipt, and only
then the payment itself counts. Afterwards two other schedulers make each vector again: the bulk
backfill, which never sees a state, makes all of them; plain Python over the two keys' own events
makes those of a sample of customers. Every bit is compared.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.backfill import backfill_columns
from assay.features.catalog import Catalog
from assay.features.columns import columns_of
from assay.features.layout import NULL
from assay.features.reference import ReferenceState
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.runtime.cards_frames import payment_columns
from assay.runtime.ports import Entry
from assay.runtime.replay import DIFFERENCES_MAX, Difference
from assay.runtime.reproducer import (
    Mismatch,
    Reproducer,
    by_state,
    reproduce_from,
    value_text,
)
from assay.runtime.slices import Sample
from assay.workloads.cards.features import CATALOG
from assay.workloads.cards.payments import Payments, transaction_id

#: Told what is done, and how many payments were done since the last time.
Progress = Callable[[str, int], None]

_STRIDE = 2_000
_PARTS = 8  #: pieces of the backfill's frame: memory stays flat
RESTARTS = 2


class StreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof on a stream found; it holds when ``mismatches`` is 0.

    ``compared`` counts values against the backfill, ``by_reference`` those that plain Python made
    as well; ``ties`` are payments at the instant of another one.
    """

    compared: int
    mismatches: int
    requests: int
    events: int
    by_reference: int
    ties: int
    restarts: int
    sample: str
    differences: tuple[Difference, ...] = ()
    reproducer: Reproducer | None = None


def prove_stream(
    payments: Payments,
    sample: Sample,
    *,
    folder: Path | None = None,
    restarts: int = RESTARTS,
    progress: Progress = lambda _what, _count: None,
    catalog: Catalog = CATALOG,
) -> StreamReport:
    """Serve a stream, make every vector again in two other ways, and compare every bit.

    Args:
        payments: the stream.
        sample: customers whose vectors plain Python makes too.
        folder: where served vectors are kept meanwhile (about 9 bytes a value); None for a
            temporary one.
        restarts: how often the live state is thrown away and made again: from what it dumped, the
            last time from the first event.
        progress: see `Progress`.
        catalog: whose values are compared.

    Raises:
        Invalid: there are no payments.
    """
    if not len(payments):
        raise Invalid("expected at least one payment to compare")
    with tempfile.TemporaryDirectory(dir=folder, prefix="proof-") as aside:
        served = Served(Path(aside), len(payments), len(catalog))
        events = _play(payments, catalog, served, restarts, progress)
        check = _Comparison(payments, catalog, served)
        check.backfill(progress)
        by_reference = check.reference(sample, progress)
        return StreamReport(
            compared=len(payments) * len(catalog),
            mismatches=check.mismatches,
            requests=len(payments),
            events=events,
            by_reference=by_reference,
            ties=len(payments) - int(np.unique(payments.at).size),
            restarts=restarts,
            sample=f"{sample.keep} of {sample.of} customers",
            differences=tuple(check.differences),
            reproducer=check.smallest(),
        )


class Served:
    """Served vectors and their receipts, in files, so that memory does not grow with the stream."""

    def __init__(self, folder: Path, requests: int, width: int) -> None:
        shape = (requests, width)
        self.bits = np.memmap(folder / "bits", np.int64, "w+", shape=shape)
        self.known = np.memmap(folder / "known", np.uint8, "w+", shape=shape)
        self.digests = np.memmap(folder / "digests", np.uint8, "w+", shape=(requests, 32))
        self.newest = np.memmap(folder / "newest", np.int64, "w+", shape=(requests,))

    def keep(self, row: int, vector: Vector, newest: int | None) -> None:
        """Write down what was served for one request, and its receipt."""
        self.bits[row], self.known[row] = vector.bits, vector.known
        self.newest[row] = NULL if newest is None else newest
        self.digests[row] = np.frombuffer(bytes.fromhex(vector.digest[7:]), np.uint8)

    def vector(self, row: int) -> Vector:
        """What was served for one request."""
        return Vector(np.array(self.bits[row]), np.array(self.known[row]))

    def intact(self, row: int) -> bool:
        """Whether a vector is the one its receipt was written for."""
        data = self.bits[row].astype("<i8").tobytes() + self.known[row].tobytes()
        return bool(hashlib.sha256(data).digest() == self.digests[row].tobytes())


def _play(
    payments: Payments, catalog: Catalog, served: Served, restarts: int, progress: Progress
) -> int:
    """Serve every payment in the order of arrival; returns how many events there were."""
    state, row, events = FeatureState(catalog), 0, 0
    again = {len(payments) * (n + 1) // (restarts + 1) for n in range(restarts)}
    for event in _stream(payments):
        if event.type == catalog.request.type:
            if row in again:
                again.discard(row)
                state = _restarted(state) if again else _folded(payments, catalog, events)
            served.keep(row, *state.read(event))
            row += 1
            if row % _STRIDE == 0:
                progress("serving", _STRIDE)
        state.apply(event)
        events += 1
    progress("serving", row % _STRIDE)
    return events


def _stream(payments: Payments) -> Iterator[Event]:
    return payments.events(0, int(payments.at[-1]) + 1)


def _restarted(state: FeatureState) -> FeatureState:
    """A new state from what the old one would have written at its end."""
    meta, parts = state.dump()
    return FeatureState.restore(state.catalog, meta, parts)


def _folded(payments: Payments, catalog: Catalog, events: int) -> FeatureState:
    """A new state of the first ``events`` events: what a restart without a snapshot makes."""
    state = FeatureState(catalog)
    for event, _ in zip(_stream(payments), range(events), strict=False):
        state.apply(event)
    return state


def by_backfill(catalog: Catalog, entries: Sequence[Entry], asked: Entry) -> Vector:
    """The vector that the bulk computes for a request from these events and no others."""
    tables = {
        kind: columns_of(
            [e.event for e in (*entries, asked) if e.event.type == kind],
            catalog.contracts.get(kind),
            catalog.contracts.get(kind).by_name,
        )
        for kind in {catalog.request.type, *catalog.plan.by_source}
    }
    wanted = np.array([name == asked.event.id for name in tables[catalog.request.type].ids])
    return backfill_columns(catalog, tables, wanted=wanted).vector(0)


class _Comparison:
    def __init__(self, payments: Payments, catalog: Catalog, served: Served) -> None:
        self._payments, self._catalog, self._served = payments, catalog, served
        self.mismatches = 0
        self.differences: list[Difference] = []
        self._first: tuple[int, int, str, str] | None = None

    def backfill(self, progress: Progress) -> None:
        """All vectors again in bulk, a part of the requests at a time."""
        rows = len(self._payments)
        tables = payment_columns(self._payments)
        # Requests and labels are sorted by the same ids that the events have.
        for part in np.array_split(np.arange(rows), min(_PARTS, rows)):
            wanted = np.zeros(rows, np.bool_)
            wanted[part] = True
            frame = backfill_columns(self._catalog, tables, wanted=wanted)
            here = slice(int(part[0]), int(part[-1]) + 1)
            self._compare(here, frame.bits, frame.known)
            progress("comparing with the backfill", part.size)

    def reference(self, sample: Sample, progress: Progress) -> int:
        """The sampled customers' vectors again in plain Python; returns how many values."""
        payments = self._payments
        rows = [row for row in range(len(payments)) if self._holds(sample, row)]
        for row in rows:
            request = payments.transaction(row)
            state = ReferenceState(self._catalog)
            for event in self._before(row):
                state.apply(event)
            vector, newest = state.read(request)
            self._compare(slice(row, row + 1), vector.bits[None], vector.known[None])
            self._compare_newest(row, NULL if newest is None else newest)
            progress("comparing with plain Python", 1)
        return len(rows) * len(self._catalog)

    def smallest(self) -> Reproducer | None:
        """The fewest events that give the recomputed value of the first mismatch."""
        if self._first is None:
            return None
        row, place, stored, again = self._first
        request = self._payments.transaction(row)
        before = [
            Entry(seq=number, event=event, known_at=event.ts, accepted=True)
            for number, event in enumerate(self._before(row), start=1)
        ]
        entry = Entry(seq=len(before) + 1, event=request, known_at=request.ts, accepted=True)
        # Whichever of the two is wrong: the slice shows the one that was not served.
        ways = (("a live state", by_state), ("a backfill", by_backfill))
        return reproduce_from(before, Mismatch(self._catalog, place, entry, stored, again, ways))

    def _holds(self, sample: Sample, row: int) -> bool:
        return sample.holds(
            Event("", "", 0, {sample.field: f"c{int(self._payments.customer[row])}"})
        )

    def _before(self, row: int) -> Iterator[Event]:
        """The events of a payment's customer and terminal that arrived before it."""
        payments, number = self._payments, int(self._payments.number[row])
        own = (payments.customer == payments.customer[row]) | (
            payments.terminal == payments.terminal[row]
        )
        own[row + 1 :] = False
        part = Payments(
            number=payments.number[own],
            at=payments.at[own],
            customer=payments.customer[own],
            terminal=payments.terminal[own],
            cents=payments.cents[own],
            fraud=payments.fraud[own],
        )
        for event in part.events(0, int(payments.at[row]) + 1):
            if event.id == transaction_id(number):
                return
            yield event

    def _compare(self, here: slice, bits: NDArray[np.int64], known: NDArray[np.uint8]) -> None:
        wrong = (self._served.bits[here] != bits) | (self._served.known[here] != known)
        self.mismatches += int(wrong.sum())
        for at, place in np.argwhere(wrong)[:DIFFERENCES_MAX].tolist():
            again = value_text(Vector(bits[at], known[at]), self._catalog, place)
            self._differs(here.start + at, place, again)
        for row in range(here.start, here.stop):
            if not self._served.intact(row):
                self.mismatches += 1
                self._note(row, "vector digest", "", "")

    def _compare_newest(self, row: int, again: int) -> None:
        stored = int(self._served.newest[row])
        if stored != again:
            self.mismatches += 1
            self._note(row, "newest event used", str(stored), str(again))

    def _differs(self, row: int, place: int, again: str) -> None:
        stored = value_text(self._served.vector(row), self._catalog, place)
        if self._first is None:
            self._first = row, place, stored, again
        self._note(row, self._catalog.names[place], stored, again)

    def _note(self, row: int, what: str, stored: str, again: str) -> None:
        if len(self.differences) < DIFFERENCES_MAX:
            request = transaction_id(int(self._payments.number[row]))
            self.differences.append(
                Difference(seq=row + 1, decision=request, what=what, stored=stored, again=again)
            )
