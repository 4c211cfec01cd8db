"""Which values may a model learn from? Those served, those known at the time, or those known now.

One kernel gives all three. What is known now is swept in bulk; only requests that a late event or
a retraction can have touched are read again, from a state fed in the order of knowledge.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.contracts.reserved import ERASURE_TYPE
from assay.decisions.record import DecisionRecord
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.frame import Frame
from assay.features.meaning import shared
from assay.models.frame import NotEnoughData
from assay.models.lift import Lift, Mode, differing
from assay.runtime.knowledge import Asked, Fact, facts_of, measured_delays, read_at, touched
from assay.runtime.knowledge import dated as dated_facts
from assay.runtime.ports import Entry, EventLog
from assay.runtime.vectors import FEATURES_UNAVAILABLE


class Served(msgspec.Struct, frozen=True):
    """The values served with one request, and the catalog they are of."""

    catalog: str
    bits: bytes
    known: bytes


class Past(msgspec.Struct, frozen=True):
    """The facts of a log with the moments they were known, and what was served, by request id.

    ``delays`` says how late facts without a moment were taken to be.
    """

    facts: list[Fact]
    served: dict[str, Served]
    delays: dict[str, int]

    @property
    def retracted(self) -> set[str]:
        """The ids of the events taken back."""
        return {fact.event.id for fact in self.facts if fact.back}

    def events(self) -> list[Event]:
        """The events that count as far as is known now, in log order."""
        gone = self.retracted
        return [f.event for f in self.facts if not f.back and f.event.id not in gone]


class Chosen(msgspec.Struct, frozen=True):
    """The vectors of a mode, how the modes differ, and which values are as they were served.

    ``from_receipts`` has the shape of the frame, or none of its values come from receipts.
    """

    frame: Frame
    lift: Lift
    from_receipts: NDArray[np.bool_] | None


def training_frame(
    log: EventLog,
    catalog: Catalog,
    mode: Mode | None = None,
    *,
    wanted: Callable[[Event], bool] | None = None,
    served_by: Mapping[str, Catalog] | None = None,
) -> Chosen:
    """A vector for every request of a log that was not taken back, by one of the three modes.

    Args:
        log: the history; only read.
        catalog: the values wanted.
        mode: None for ``as_served`` where receipts of this catalog exist, else ``as_known``.
        wanted: which requests; None for all.
        served_by: further catalogs that served, by digest: a value that means the same there is
            taken from their receipts; the other values of such a request are as known.

    Raises:
        NotEnoughData: ``as_served`` was asked for and no wanted request has a receipt.
        Corrupt: the log is damaged; names the seq.
    """
    past = past_of(log.entries())
    return chosen(past, catalog, mode, wanted=wanted, served_by=served_by)


def past_of(entries: Iterable[Entry], *, until: int | None = None) -> Past:
    """The past that entries tell, with ``ts`` up to ``until``.

    What was served is what was read from this very log; a decision that saw somebody who was erased
    since is not learned from as it was served.
    """
    served: dict[str, Served] = {}
    at: dict[int, str] = {}
    names: dict[str, str] = {}  # one text a catalog, not one a request

    def noted() -> Iterator[Entry]:
        for entry in entries:
            record = entry.record
            if record is not None and _whole(record):
                digest = names.setdefault(record.receipt.catalog, record.receipt.catalog)
                served[entry.event.id] = Served(digest, record.bits, record.known)
                at[entry.seq] = entry.event.id
            elif entry.event.type == ERASURE_TYPE:
                for dependent in entry.event.payload["dependents"]:
                    served.pop(at.get(dependent[0], ""), None)
            yield entry

    facts = list(facts_of(noted(), until=until))
    delays = measured_delays(facts)
    return Past(dated_facts(facts, delays), served, delays)


def _whole(record: DecisionRecord) -> bool:
    receipt = record.receipt
    here = set(receipt.cut) <= {"0"} and not receipt.absent
    return here and FEATURES_UNAVAILABLE not in record.degraded


def chosen(
    past: Past,
    catalog: Catalog,
    mode: Mode | None,
    *,
    wanted: Callable[[Event], bool] | None = None,
    served_by: Mapping[str, Catalog] | None = None,
) -> Chosen:
    """The vectors of a mode; see `training_frame`."""
    corrected = backfill(catalog, past.events(), wanted=wanted)
    known = _as_known(past, catalog, corrected)
    served, mask = _as_served(past.served, catalog, known, served_by or {})
    if mode is None:
        mode = "as_served" if mask.any() else "as_known"
    if mode == "as_served" and not mask.any():
        raise NotEnoughData(
            "expected requests with receipts of this catalog or one that shares values with it, "
            f"got none: nothing was served with {catalog.digest}; learn from values as known"
        )
    pairs = [(frame.bits, frame.known) for frame in (served, known, corrected)]
    lift = Lift(
        mode=mode,
        rows=len(corrected),
        served=int(mask.any(axis=1).sum()),
        names=catalog.names,
        served_known=differing(pairs[0], pairs[1], mask),
        known_corrected=differing(pairs[1], pairs[2]),
        served_corrected=differing(pairs[0], pairs[2], mask),
        delays=past.delays,
    )
    by_mode = {"as_served": served, "as_known": known, "as_corrected": corrected}
    return Chosen(by_mode[mode], lift, mask if mode == "as_served" else None)


def asked_of(past: Past, frame: Frame, rows: NDArray[np.intp]) -> list[Asked]:
    """The requests of some rows of a frame, to be read at their T."""
    wanted = {str(frame.event_ids[row]) for row in rows.tolist()}
    by_id = {f.event.id: f for f in past.facts if not f.back and f.event.id in wanted}
    found = (by_id[str(frame.event_ids[row])] for row in rows.tolist())
    return [Asked(fact.event, fact.event.ts, fact.seq) for fact in found]


def _as_known(past: Past, catalog: Catalog, corrected: Frame) -> Frame:
    rows = np.flatnonzero(touched(past.facts, np.asarray(corrected.at)))
    if not len(rows):
        return corrected
    bits, known = corrected.bits.copy(), corrected.known.copy()
    bits[rows], known[rows] = read_at(catalog, past.facts, asked_of(past, corrected, rows))
    return msgspec.structs.replace(corrected, bits=bits, known=known)


def _as_served(
    served: Mapping[str, Served], catalog: Catalog, known: Frame, served_by: Mapping[str, Catalog]
) -> tuple[Frame, NDArray[np.bool_]]:
    """The frame with the served values wherever there are any, and where that is."""
    mask = np.zeros(known.bits.shape, np.bool_)
    places = {catalog.digest: np.arange(len(catalog)).repeat(2).reshape(-1, 2)}
    for name, other in served_by.items():
        if name != catalog.digest:
            pairs = sorted(shared(other, catalog).items())
            places[name] = np.array(pairs, np.int64).reshape(-1, 2)
    bits, present = known.bits, known.known
    for row, event_id in enumerate(known.event_ids):
        found = served.get(str(event_id))
        if found is None or found.catalog not in places:
            continue
        if bits is known.bits:
            bits, present = known.bits.copy(), known.known.copy()
        ours, theirs = places[found.catalog].T
        bits[row, ours] = np.frombuffer(found.bits, "<i8")[theirs]
        present[row, ours] = np.frombuffer(found.known, np.uint8)[theirs]
        mask[row, ours] = True
    return msgspec.structs.replace(known, bits=bits, known=present), mask
