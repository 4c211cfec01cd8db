"""A decision record for tests that do not care what was decided."""

from assay.contracts.event import Event
from assay.decisions.outcome import Outcome, Reason
from assay.decisions.record import DecisionRecord, Score
from assay.features.vector import Receipt


def record_of(event: Event, seq: int, outcome: Outcome = Outcome.APPROVE) -> DecisionRecord:
    """A complete record of a decision on ``event`` at ``seq``."""
    return DecisionRecord(
        id=f"dec_{event.id}",
        event=event.id,
        seq=seq,
        at=event.ts,
        policy="sha256:policy",
        model=None,
        receipt=Receipt("sha256:catalog", event.ts, {"0": seq - 1}, "sha256:vector", None),
        bits=b"\x00" * 16,
        known=b"\x01\x00",
        memberships={"sanctions": None, "trusted": True},
        snapshots={"sanctions": None, "trusted": "sha256:list"},
        rules=(1, 0, -1),
        score=Score(-1.5, 0.1 + 0.2),
        contributions=(("amount", -0.25),),
        slots_left=3,
        reasons=(Reason("risk_low", "band", True, outcome),),
        outcome=outcome,
        degraded=("list_unavailable",),
        decided_at=1767225600000001,
    )
