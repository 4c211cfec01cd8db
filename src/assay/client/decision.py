"""What did the platform say, or what was agreed to do when it says nothing?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its stable code, what it asks for, and its text for an analyst."""

    code: str
    asks: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision.

    ``answered`` is False when no answer came in time and ``outcome`` is the declared fallback:
    such a decision has no id and is in no log, and ``why`` says what happened. ``customer`` holds
    the texts that may be shown to the customer. ``raw`` is the whole answer.
    """

    outcome: str
    answered: bool
    id: str = ""
    probability: float | None = None
    reasons: tuple[Reason, ...] = ()
    customer: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    why: str = ""
    raw: Mapping[str, Any] | None = None


def decision_from(answer: Mapping[str, Any]) -> Decision:
    """The decision in an answer of ``POST /v1/decisions``.

    Example:
        >>> decision_from({"id": "dec_1", "outcome": "approve", "reasons": []}).outcome
        'approve'
    """
    return Decision(
        outcome=answer["outcome"],
        answered=True,
        id=answer["id"],
        probability=answer.get("probability"),
        reasons=tuple(
            Reason(item["code"], item["asks"], item.get("text", ""))
            for item in answer.get("reasons", ())
        ),
        customer=tuple(answer.get("customer", ())),
        degraded=tuple(answer.get("degraded", ())),
        raw=answer,
    )


def fallback(outcome: str, why: str) -> Decision:
    """The declared answer when none came."""
    return Decision(outcome=outcome, answered=False, why=why)
