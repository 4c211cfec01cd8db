"""What does the API say? One struct for every answer and every body, typed and documented."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from assay.contracts.quarantine import Refusal
from assay.core.time import format_time
from assay.decisions.outcome import Outcome, Reason
from assay.decisions.reason import ReasonText
from assay.decisions.record import DecisionRecord
from assay.features.vector import Receipt
from assay.governance.facts import Facts
from assay.review.case import Case
from assay.runtime.online import Ack

#: The texts of a reason code; see `Platform.explain`.
Explain = Callable[[str], ReasonText]


class ReasonAnswer(msgspec.Struct, frozen=True):
    """One reason: its stable code, what it asks for, and its text for an analyst."""

    code: str
    voice: str
    held: bool | None
    asks: Outcome
    text: str
    weight: float | None


class DecisionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as its caller sees it; ``customer`` is what the customer may be told."""

    id: str
    event: str
    at: str
    outcome: Outcome
    probability: float | None
    reasons: tuple[ReasonAnswer, ...]
    customer: tuple[str, ...]
    degraded: tuple[str, ...]
    policy: str
    model: str | None
    receipt: Receipt


class EventResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event, at its place in the request.

    ``duplicate`` is an event that was taken in before, ``late`` one older than the horizon: it is
    kept and counts nowhere. The flag ``late`` is on every new event that is older than the newest:
    with ``accepted`` it counts, from now on. ``quarantine`` names a refused
    body, kept for a replay.
    """

    status: Literal["accepted", "duplicate", "late", "refused"]
    id: str | None = None
    seq: int | None = None
    code: str | None = None
    path: str | None = None
    detail: str | None = None
    quarantine: int | None = None
    late: bool = False


class EventsAnswer(msgspec.Struct, frozen=True):
    """The results in the order of the events, and how many were refused."""

    results: list[EventResult]
    refused: int


class LabelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a request turned out; name it or its decision. ``ts`` is when that became known."""

    fraud: bool
    request_id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    decision_id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    source: Literal["chargeback", "manual", "reversal"] = "chargeback"
    ts: str | int | None = None
    id: Annotated[str, msgspec.Meta(max_length=128)] | None = None


class RetractionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an event is taken back; ``id`` and ``ts`` are the retraction's own."""

    id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    ts: str | int | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class CorrectionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What replaces an event, in wire form under a new id; the rest is of the retraction."""

    event: dict[str, Any]
    id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    ts: str | int | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class VerdictBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reviewer found."""

    fraud: bool


class CaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A case as a reviewer's tool sees it; times are RFC 3339, the amount is minor units."""

    id: str
    decision: str
    event: str
    status: str
    outcome: Outcome
    probability: float | None
    amount: int | None
    entity: str
    opened_at: str
    due_at: str
    assignee: str | None
    fraud: bool | None
    closed_at: str | None
    label_event: str | None
    lapsed_to: Outcome | None
    reasons: tuple[ReasonAnswer, ...]


class CasesAnswer(msgspec.Struct, frozen=True):
    """The cases to look at first, and how many wait in all."""

    cases: list[CaseAnswer]
    waiting: int


class ModelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A version in the inventory, and what stands behind it."""

    key: str
    name: str
    state: str
    tier: int
    purpose: str
    owner: str
    developers: tuple[str, ...]
    model: str | None
    policy: str
    catalog: str
    frame: str
    registered_at: str
    approvals: list[dict[str, str]]
    evidence: list[dict[str, str]]
    open_findings: list[dict[str, str]]
    deciding: bool


def decision_answer(record: DecisionRecord, explain: Explain) -> DecisionAnswer:
    """The answer made from a record alone, the same for a first answer and for a repeated one."""
    return DecisionAnswer(
        id=record.id,
        event=record.event,
        at=format_time(record.at),
        outcome=record.outcome,
        probability=record.score.probability,
        reasons=reason_answers(record.reasons, explain),
        customer=_for_customer(record.reasons, explain),
        degraded=record.degraded,
        policy=record.policy,
        model=record.model,
        receipt=record.receipt,
    )


def reason_answers(reasons: tuple[Reason, ...], explain: Explain) -> tuple[ReasonAnswer, ...]:
    """Reasons with their texts."""
    return tuple(
        ReasonAnswer(
            reason.code,
            reason.voice,
            reason.held,
            reason.asks,
            explain(reason.code).analyst,
            reason.weight,
        )
        for reason in reasons
    )


def event_result(result: Ack | Refusal) -> EventResult:
    """One place of the answer to a request with events."""
    if isinstance(result, Refusal):
        return EventResult(
            status="refused",
            code=result.code,
            path=result.path or None,
            detail=result.message,
            quarantine=result.id,
        )
    status: Literal["accepted", "duplicate", "late"] = "accepted"
    if result.duplicate:
        status = "duplicate"
    elif not result.accepted:
        status = "late"
    return EventResult(status=status, id=result.id, seq=result.seq, late=result.late)


def case_answer(case: Case, explain: Explain) -> CaseAnswer:
    """A case with times and texts people can read."""
    return CaseAnswer(
        id=case.id,
        decision=case.decision_id,
        event=case.event_id,
        status=case.status,
        outcome=case.outcome,
        probability=case.probability,
        amount=case.amount,
        entity=case.entity,
        opened_at=format_time(case.opened_at),
        due_at=format_time(case.due_at),
        assignee=case.assignee,
        fraud=case.verdict,
        closed_at=None if case.closed_at is None else format_time(case.closed_at),
        label_event=case.label_event,
        lapsed_to=case.lapsed_to,
        reasons=reason_answers(case.reasons, explain),
    )


def model_answer(facts: Facts, live: str | None) -> ModelAnswer:
    """A version with who approved it until when, and the ids of its evidence."""
    record = facts.record
    return ModelAnswer(
        key=record.key,
        name=record.name,
        state=facts.state.value,
        tier=record.tier,
        purpose=record.purpose,
        owner=record.owner,
        developers=record.developers,
        model=record.model,
        policy=record.policy,
        catalog=record.catalog,
        frame=record.frame,
        registered_at=format_time(record.registered_at),
        approvals=[
            {
                "role": approval.role,
                "approver": approval.approver,
                "at": format_time(approval.at),
                "expires_at": format_time(approval.expires_at),
                "comment": approval.comment,
            }
            for approval in facts.approvals
        ],
        evidence=[
            {
                "id": filed.evidence.id,
                "test": filed.evidence.test,
                "verdict": filed.evidence.verdict,
                "by": filed.by,
            }
            for filed in facts.filed
        ],
        open_findings=[
            {"id": finding.id, "severity": finding.severity, "title": finding.title}
            for finding in facts.open_findings
        ],
        deciding=record.key == live,
    )


def _for_customer(reasons: tuple[Reason, ...], explain: Explain) -> tuple[str, ...]:
    """What may be told, each text once: the texts of the reasons that asked for more than yes."""
    texts = (
        explain(reason.code).customer for reason in reasons if reason.asks is not Outcome.APPROVE
    )
    return tuple(dict.fromkeys(text for text in texts if text))
