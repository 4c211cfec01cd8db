"""What does the log say about past requests and how they turned out?"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.decisions.outcome import Outcome
from assay.features.catalog import Catalog
from assay.features.frame import Frame
from assay.models.checks.candidate import AsOf
from assay.models.frame import NEVER, NotEnoughData, Split, TrainingFrame
from assay.models.lift import Lift, Mode
from assay.runtime.knowledge import Asked, Fact, read_at
from assay.runtime.ports import Entry, EventLog
from assay.runtime.train_modes import Past, asked_of, chosen, past_of
from assay.workloads.workload import Workload

#: Of a label: its ts, its id, whether it says fraud, and when it was known.
Told = tuple[int, str, bool, int]

_STOPPED = (Outcome.BLOCK, Outcome.HOLD)


@dataclass(frozen=True, slots=True)
class LabelTimes:
    """When fraud became known for a request, and when that was taken back (``NEVER`` if not)."""

    fraud: int = NEVER
    cleared: int = NEVER


@dataclass(frozen=True, slots=True)
class History:
    """The events of the log that count, in log order, and what is known about each outcome.

    ``past`` also holds what was taken back, when everything was known, and what was served.
    ``silenced`` are requests that were blocked or held and never labelled: no chargeback can
    come for what did not happen, so their silence does not mean good.
    """

    events: list[Event]
    labels: dict[str, LabelTimes]
    silenced: frozenset[str]
    first: int
    newest: int
    past: Past


def read_history(log: EventLog, request: str, label: str, *, until: int | None = None) -> History:
    """Read the accepted events with ``ts`` up to ``until``; what was taken back is left out.

    A label counts from the moment it was known, which may be later than its ``ts``.

    Raises:
        NotEnoughData: the log holds no request.
        Corrupt: a row of the log is damaged.
    """
    stopped: set[str] = set()

    def noted() -> Iterator[Entry]:
        for entry in log.entries():
            if entry.record is not None and entry.record.outcome in _STOPPED:
                stopped.add(entry.event.id)
            yield entry

    past = past_of(noted(), until=until)
    events = past.events()
    times = [event.ts for event in events if event.type == request]
    if not times:
        raise NotEnoughData(f"the log holds no accepted {request!r} event to learn from")
    gone, outcomes = past.retracted, dict[str, list[Told]]()
    for fact in past.facts:
        event = fact.event
        if event.type == label and not fact.back and event.id not in gone:
            told = (event.ts, event.id, bool(event.payload["fraud"]), max(fact.known, event.ts))
            outcomes.setdefault(event.payload["request_id"], []).append(told)
    labels = {name: _times(told) for name, told in outcomes.items()}
    newest = max(event.ts for event in events)
    return History(events, labels, frozenset(stopped - labels.keys()), min(times), newest, past)


def text_rows(
    history: History, request: str, field: str, *, before: int, known_by: int
) -> tuple[list[str], list[int]]:
    """Texts of requests before a moment and whether they were known as fraud by ``known_by``."""
    texts, labels = [], []
    for event in history.events:
        text = event.payload.get(field) if event.type == request and event.ts < before else None
        if text is not None and event.id not in history.silenced:
            times = history.labels.get(event.id, LabelTimes())
            texts.append(text)
            labels.append(int(times.fraud <= known_by < times.cleared))
    return texts, labels


@dataclass(frozen=True, slots=True)
class Learned:
    """Training rows with the fields that tests and audits group them by."""

    frame: TrainingFrame
    vectors: Frame
    segments: dict[str, NDArray[np.str_]]
    lift: Lift | None = None
    from_receipts: NDArray[np.bool_] | None = None


def training_rows(
    workload: Workload,
    history: History,
    split: Split,
    mode: Mode | None = None,
    served_by: Mapping[str, Catalog] | None = None,
) -> Learned:
    """Vectors of the requests of all slices by a mode, joined with their labels.

    Without a mode: as served where receipts exist, else as known.

    Raises:
        NotEnoughData: ``as_served`` was asked for and nothing was served with this catalog.
    """
    start, end = split.fit.start, split.test.end

    def wanted(event: Event) -> bool:
        return start <= event.ts < end and event.id not in history.silenced

    found = chosen(history.past, workload.catalog, mode, wanted=wanted, served_by=served_by)
    vectors = found.frame
    named = {e.id: e for e in history.events if e.type == workload.request.type}
    requests = [named[str(event_id)] for event_id in vectors.event_ids]
    times = [history.labels.get(event.id, LabelTimes()) for event in requests]
    columns = [workload.catalog.index(name) for name in workload.inputs]
    payloads = [event.payload for event in requests]
    frame = TrainingFrame(
        names=workload.inputs,
        x=np.ascontiguousarray(vectors.floats()[:, columns]),
        at=np.asarray(vectors.at, dtype=np.int64),
        fraud_known_at=np.array([known.fraud for known in times], dtype=np.int64),
        cleared_known_at=np.array([known.cleared for known in times], dtype=np.int64),
        amount=np.array([p[workload.amount_field] for p in payloads], dtype=np.int64),
        entity=np.array([p[workload.entity_field] for p in payloads], dtype=np.str_),
        ids=np.array([event.id for event in requests], dtype=np.str_),
    )
    segments = {
        name: np.array([_shown(p.get(name)) for p in payloads], dtype=np.str_)
        for name in workload.segments
    }
    return Learned(frame, vectors, segments, found.lift, found.from_receipts)


def check_as_of(workload: Workload, history: History, learned: Learned, *, span: int) -> AsOf:
    """Whether the last ``span`` of vectors survive, bit for bit, when the future is removed.

    The log is cut off at the newest training request; everything that happened at or after it is
    taken away, and unless the values are those known now, everything learned at or after it. The
    vectors just before it, where a leak would show, are computed again: those with a receipt from
    the entries before the request, the others by the mode.
    """
    cut = int(learned.frame.at[-1])
    first, last = np.searchsorted(learned.vectors.at, [cut - span, cut], side="left")
    rows = np.arange(int(first), int(last))
    if learned.lift is not None and learned.lift.mode == "as_corrected":
        past = [f for f in history.past.facts if f.event.ts < cut]
    else:
        past = [f for f in history.past.facts if f.event.ts < cut and f.known < cut]
    asked = asked_of(history.past, learned.vectors, rows)
    if learned.lift is not None and learned.lift.mode == "as_corrected":
        asked = [Asked(one.request, NEVER, one.seq) for one in asked]
    bits, known = read_at(workload.catalog, past, asked)
    if learned.from_receipts is not None and learned.from_receipts[rows].any():
        by_place = [Fact(f.event, f.seq, f.seq, f.back) for f in history.past.facts]
        served = learned.from_receipts[rows]
        wanted = [Asked(one.request, one.seq, one.seq) for one in asked]
        again = read_at(workload.catalog, by_place, wanted)
        bits, known = np.where(served, again[0], bits), np.where(served, again[1], known)
    kept = learned.vectors
    different = (bits != kept.bits[rows]) | (known != kept.known[rows])
    return AsOf(compared=int(different.size), mismatches=int(different.sum()), rows=len(rows))


def _times(told: list[Told]) -> LabelTimes:
    """When the labels that were known made it fraud, and when that was taken back.

    Of those known at a moment the last by time counts (by id among equals).
    """
    fraud, cleared = NEVER, NEVER
    last: tuple[int, str] | None = None
    for ts, name, is_fraud, known in sorted(told, key=lambda one: (one[3], one[0], one[1])):
        if last is not None and (ts, name) < last:
            continue  # a later label was known before it
        last = (ts, name)
        if is_fraud and (fraud == NEVER or cleared != NEVER):
            fraud, cleared = known, NEVER
        elif not is_fraud and fraud != NEVER and cleared == NEVER:
            cleared = known
    return LabelTimes(fraud, cleared)


def _shown(value: object) -> str:
    return "not known" if value is None else str(value)


Progress = Callable[[str, float], None]
