"""What can be done with a request, from mildest to most severe, and the reasons that ask for it."""

from enum import StrEnum
from typing import Literal

import msgspec


class Outcome(StrEnum):
    """The five outcomes; their order in this class is their severity."""

    APPROVE = "approve"
    CHALLENGE = "challenge"
    REVIEW = "review"
    HOLD = "hold"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        """0 for approve up to 4 for block."""
        return _SEVERITY[self]


_OUTCOMES = tuple(Outcome)
_SEVERITY = {outcome: rank for rank, outcome in enumerate(_OUTCOMES)}

#: Who speaks: a hard rule cannot be overruled, an allowance silences soft rules and the band,
#: ``contribution`` explains the score and asks for nothing.
Voice = Literal["hard", "allow", "soft", "band", "degraded", "contribution"]


class Reason(msgspec.Struct, frozen=True):
    """One part in a decision: who says so, under which stable code, asking for which outcome.

    ``held`` is None when it could not be told; ``weight`` is the signed contribution to the
    score (log-odds) for contributions, else None.
    """

    code: str
    voice: Voice
    held: bool | None
    asks: Outcome
    weight: float | None = None


def outcome_of(reasons: tuple[Reason, ...]) -> Outcome:
    """The outcome is a view on the reasons, so number and explanation cannot disagree.

    The most severe hard reason wins; without one, an allowance approves; else the most severe of
    the rest decides, and no reason at all approves.

    Example:
        >>> outcome_of((Reason("high_risk", "band", True, Outcome.BLOCK),
        ...             Reason("trusted", "allow", True, Outcome.APPROVE)))
        <Outcome.APPROVE: 'approve'>
    """
    hard = rest = 0
    allowed = False
    for reason in reasons:
        severity = _SEVERITY[reason.asks]
        if reason.voice == "hard":
            hard = max(hard, severity)
        else:
            rest = max(rest, severity)
            allowed = allowed or (reason.voice == "allow" and bool(reason.held))
    if hard:
        return _OUTCOMES[hard]
    return Outcome.APPROVE if allowed else _OUTCOMES[rest]
