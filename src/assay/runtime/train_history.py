"""What does the log say about past requests and how they turned out?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.decisions.outcome import Outcome
from assay.features.backfill import backfill
from assay.features.frame import Frame
from assay.models.checks.candidate import AsOf
from assay.models.frame import NEVER, NotEnoughData, Split, TrainingFrame
from assay.runtime.ports import EventLog
from assay.workloads.workload import Workload

_STOPPED = (Outcome.BLOCK, Outcome.HOLD)


@dataclass(frozen=True, slots=True)
class LabelTimes:
    """When fraud became known for a request, and when that was taken back (``NEVER`` if not)."""

    fraud: int = NEVER
    cleared: int = NEVER


@dataclass(frozen=True, slots=True)
class History:
    """Accepted events of the log, in log order, and what is known about each request's outcome.

    ``silenced`` are requests that were blocked or held and never labelled: no chargeback can
    come for what did not happen, so their silence does not mean good.
    """

    events: list[Event]
    labels: dict[str, LabelTimes]
    silenced: frozenset[str]
    first: int
    newest: int


def read_history(log: EventLog, request: str, label: str, *, until: int | None = None) -> History:
    """Read the accepted events with ``ts`` up to ``until``.

    Raises:
        NotEnoughData: the log holds no request.
        Corrupt: a row of the log is damaged.
    """
    events: list[Event] = []
    outcomes: dict[str, list[tuple[int, str, bool]]] = {}
    stopped: set[str] = set()
    first, newest = NEVER, 0
    for entry in log.entries():
        event = entry.event
        if not entry.accepted or (until is not None and event.ts > until):
            continue
        events.append(event)
        newest = max(newest, event.ts)
        if event.type == request:
            first = min(first, event.ts)
        elif event.type == label:
            told = (event.ts, event.id, bool(event.payload["fraud"]))
            outcomes.setdefault(event.payload["request_id"], []).append(told)
        if entry.record is not None and entry.record.outcome in _STOPPED:
            stopped.add(event.id)
    if first == NEVER:
        raise NotEnoughData(f"the log holds no accepted {request!r} event to learn from")
    labels = {name: _times(told) for name, told in outcomes.items()}
    return History(events, labels, frozenset(stopped - labels.keys()), first, newest)


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


def training_rows(workload: Workload, history: History, split: Split) -> Learned:
    """Vectors of the requests of all slices as they were known then, joined with their labels."""
    start, end = split.fit.start, split.test.end

    def wanted(event: Event) -> bool:
        return start <= event.ts < end and event.id not in history.silenced

    vectors = backfill(workload.catalog, history.events, wanted=wanted)
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
    return Learned(frame, vectors, segments)


def check_as_of(workload: Workload, history: History, learned: Learned, *, span: int) -> AsOf:
    """Whether the last ``span`` of vectors survive, bit for bit, when the future is removed.

    The log is cut off at the newest training request; everything at or after it is taken away,
    and the vectors just before it, where a leak would show, are computed again.
    """
    cut = int(learned.frame.at[-1])
    low = cut - span

    def past() -> Iterator[Event]:
        return (event for event in history.events if event.ts < cut)

    again = backfill(
        workload.catalog,
        past(),
        wanted=lambda event: low <= event.ts and event.id not in history.silenced,
    )
    first, last = np.searchsorted(learned.vectors.at, [low, cut], side="left")
    rows = slice(int(first), int(last))
    same_rows = [str(i) for i in again.event_ids] == learned.frame.ids[rows].tolist()
    if not same_rows:
        return AsOf(compared=0, mismatches=int(last - first), rows=int(last - first))
    different = (again.bits != learned.vectors.bits[rows]) | (
        again.known != learned.vectors.known[rows]
    )
    return AsOf(
        compared=int(different.size), mismatches=int(different.sum()), rows=int(last - first)
    )


def _times(told: list[tuple[int, str, bool]]) -> LabelTimes:
    """The last label by time wins (by id among equals); a later one can take fraud back."""
    fraud, cleared = NEVER, NEVER
    for ts, _, is_fraud in sorted(told):
        if is_fraud and (fraud == NEVER or cleared != NEVER):
            fraud, cleared = ts, NEVER
        elif not is_fraud and fraud != NEVER and cleared == NEVER:
            cleared = ts
    return LabelTimes(fraud, cleared)


def _shown(value: object) -> str:
    return "not known" if value is None else str(value)


Progress = Callable[[str, float], None]
