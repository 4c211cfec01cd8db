"""How does a decision reach a person, and the person's verdict the log?

Cases are a view of the log: decisions that ask for a person open them, and the label a verdict
produced closes them. A verdict is first made durable as a label event, then the case closes; if
the process dies in between, the next projection finds the label and closes the case.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec

from assay.contracts.contract import ContractSet
from assay.contracts.decode import encode_event
from assay.contracts.event import Event, LoggedEvent
from assay.contracts.quarantine import Refusal
from assay.core.errors import Conflict, Invalid, NotFound, Unavailable
from assay.decisions.policy import Costs
from assay.review import case as moves
from assay.review.case import Case, Service, case_of, queue
from assay.review.verdict import LABEL_PREFIX, LABEL_TYPE, label_id, verdict_label
from assay.runtime.case_store import CaseStore
from assay.runtime.ports import Entry

_CHUNK = 100_000
_DURABLE_WITHIN_S = 30.0


class Ingest(Protocol):
    """What takes events in."""

    def ingest(self, raws: Sequence[bytes]) -> "Future[Any]":
        """A future of one acknowledgement or refusal per event, resolved when durable."""
        ...


class Log(Protocol):
    """What is read of the event log."""

    def last_seq(self) -> int:
        """The newest ``seq``."""
        ...

    def decided(self, after: int = 0, until: int | None = None, *, prefix: str) -> Iterator[Entry]:
        """Entries with a decision, and those whose event id starts with ``prefix``."""
        ...

    def event(self, event_id: str) -> LoggedEvent | None:
        """One event by its id."""
        ...


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> int:
        """Microseconds UTC."""
        ...


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """How a workload's cases are read: which fields, which costs, which promise."""

    contracts: ContractSet
    amount_field: str
    entity_field: str
    costs: Costs
    service: Service = Service()


class ReviewDesk:
    """The queue of one workload.

    Args:
        cases: where cases are kept.
        engine: what takes label events in.
        log: the durable log the cases are a view of.
        desk: the workload's side of it.
        clock: the time of verdicts and due times.
    """

    def __init__(
        self, cases: CaseStore, engine: Ingest, log: Log, desk: Desk, clock: Clock
    ) -> None:
        self._cases, self._engine, self._log = cases, engine, log
        self._desk, self._clock = desk, clock

    def project(self) -> int:
        """Bring the cases up to the end of the log; return how many were opened."""
        opened = 0
        while (cursor := self._cases.cursor()) < (last := self._log.last_seq()):
            upto = min(cursor + _CHUNK, last)
            opened += self._project(cursor, upto)
        return opened

    def waiting(self, limit: int = 100) -> list[Case]:
        """The queue, most worth looking at first."""
        self.project()
        return queue(self._cases.waiting(), self._desk.costs, self._desk.service)[:limit]

    def closed(self, limit: int = 100) -> list[Case]:
        """Closed cases, the last closed first."""
        return self._cases.closed(limit)

    def get(self, case_id: str) -> Case:
        """One case.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._cases.get(case_id)
        if found is None:
            self.project()
            found = self._cases.get(case_id)
        if found is None:
            raise NotFound(f"there is no case {case_id!r}")
        return found

    def assign(self, case_id: str, reviewer: str) -> Case:
        """Put a case into somebody's hands.

        Raises:
            IllegalMove: it is closed.
            Conflict: it was changed at the same moment.
        """
        before = self.get(case_id)
        after = moves.assigned(before, reviewer)
        self._cases.replace(before, after)
        return after

    def release(self, case_id: str) -> Case:
        """Put a case back into the queue."""
        before = self.get(case_id)
        after = moves.released(before)
        self._cases.replace(before, after)
        return after

    def verdict(self, case_id: str, reviewer: str, fraud: bool) -> Case:
        """Close a case with what was found; the same verdict again gives the same answer.

        An open case is first assigned to ``reviewer``.

        Raises:
            Conflict: it is in somebody else's hands, or was closed with another verdict.
            Invalid: the log refused the label.
            Unavailable: the label could not be made durable in time; say it again later.
        """
        self.project()
        case = self.get(case_id)
        if case.status == "closed":
            return self._same(case, fraud)
        if case.assignee not in (None, reviewer):
            raise Conflict(f"case {case_id} is in the hands of {case.assignee}: take it over first")
        if case.assignee is None:
            case = self.assign(case_id, reviewer)
        at = max(self._clock.now(), case.opened_at)
        request = self._request(case)
        label = verdict_label(case, request, fraud, reviewer, at, self._desk.contracts)
        try:
            self._make_durable(label)
        except Conflict:
            # An earlier attempt, or a quicker colleague, got there first: its label decides.
            self.project()
            if self.get(case_id).status != "closed":
                raise
        self.project()
        return self._same(self.get(case_id), fraud)

    def lapse(self) -> list[Case]:
        """Write down the declared outcome of every case nobody looked at in time."""
        self.project()
        now, changed = self._clock.now(), []
        for case in self._cases.waiting():
            after = moves.lapsed(case, now, self._desk.service)
            if after is not case:
                self._cases.replace(case, after)
                changed.append(after)
        return changed

    def _project(self, cursor: int, upto: int) -> int:
        opened: dict[str, Case] = {}
        changed: dict[str, Case] = {}
        for entry in self._log.decided(cursor, upto, prefix=LABEL_PREFIX):
            if entry.record is not None:
                case = self._case(entry)
                if case is not None:
                    opened[case.event_id] = case
            elif entry.event.type == LABEL_TYPE and entry.event.payload.get("source") == "review":
                self._close(entry.event, opened, changed)
        self._cases.project(list(opened.values()), list(changed.values()), upto)
        return len(opened)

    def _case(self, entry: Entry) -> Case | None:
        assert entry.record is not None
        payload = entry.event.payload
        amount = payload.get(self._desk.amount_field)
        return case_of(
            entry.record,
            amount=amount if isinstance(amount, int) else None,
            entity=str(payload.get(self._desk.entity_field, "")),
            service=self._desk.service,
        )

    def _close(self, label: Event, opened: dict[str, Case], changed: dict[str, Case]) -> None:
        """Close the case whose label this is; a label nobody's case produced closes nothing."""
        request = str(label.payload.get("request_id"))
        case = opened.get(request) or changed.get(request) or self._cases.of_event(request)
        if case is None or case.status == "closed" or label.id != label_id(case.id):
            return
        if case.status == "open":
            case = moves.assigned(case, str(label.payload.get("reviewer") or "unknown"))
        after = moves.closed(
            case, fraud=bool(label.payload["fraud"]), at=label.ts, label_event=label.id
        )
        (opened if request in opened else changed)[request] = after

    def _request(self, case: Case) -> Event:
        logged = self._log.event(case.event_id)
        if logged is None:
            raise NotFound(f"the request {case.event_id!r} of case {case.id} is not in the log")
        return logged.event

    def _make_durable(self, label: Event) -> None:
        try:
            answers = self._engine.ingest([encode_event(label)]).result(_DURABLE_WITHIN_S)
        except TimeoutError as error:
            raise Unavailable(
                f"the label {label.id} was not durable within {_DURABLE_WITHIN_S:.0f} s"
            ) from error
        answer = answers[0]
        if isinstance(answer, Refusal):
            kind = Conflict if answer.code == Conflict.code else Invalid
            raise kind(f"the log refused the verdict: {answer.message}")

    @staticmethod
    def _same(case: Case, fraud: bool) -> Case:
        if case.verdict is not fraud:
            said = "fraud" if case.verdict else "not fraud"
            raise Conflict(f"case {case.id} was closed as {said} by {case.assignee}")
        return case
