"""What is written down about a decision: enough to make it again, bit for bit, years later."""

import msgspec

from assay.decisions.outcome import Outcome, Reason
from assay.features.vector import Receipt
from assay.models.score import Score

__all__ = ["DecisionRecord", "Score"]


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision and everything it was computed from.

    ``event`` ids the request in the log; ``bits`` and ``known`` are the served vector (little
    endian int64 and uint8); ``memberships`` maps list names to true, false or None (not known)
    and ``snapshots`` to the digest of the list bytes used; ``slots_left`` is the review capacity
    left that day before this decision; ``contributions`` holds (feature, weight), largest first;
    ``degraded`` lists the codes of what fell back.
    ``decided_at`` is wall-clock microseconds, for people: nothing depends on it.
    """

    id: str
    event: str
    seq: int
    at: int
    policy: str
    model: str | None
    receipt: Receipt
    bits: bytes
    known: bytes
    memberships: dict[str, bool | None]
    snapshots: dict[str, str | None]
    rules: tuple[int, ...]
    score: Score
    contributions: tuple[tuple[str, float], ...]
    slots_left: int
    reasons: tuple[Reason, ...]
    outcome: Outcome
    degraded: tuple[str, ...]
    decided_at: int
