"""How does an act get into the audit log, and how do we know the log is still the one we wrote?"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from assay.core.errors import Corrupt
from assay.governance.audit import (
    GENESIS,
    AuditEntry,
    AuditReport,
    Checkpoint,
    next_entry,
    verify,
    verify_rows,
)
from assay.governance.facts import Actor
from assay.runtime.governance_store import CheckpointStore, GovernanceStore, GovernanceUnit

_MISSING = (
    "the checkpoint kept outside the database is missing, so entries may have been cut off; "
    "restore it from a backup"
)


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> int:
        """Microseconds UTC."""
        ...


class AuditTrail:
    """Writes entries that continue the log, and refuses to continue a log that was changed."""

    def __init__(self, checkpoints: CheckpointStore, clock: Clock) -> None:
        self._checkpoints, self._clock = checkpoints, clock

    def begin(self, store: GovernanceStore) -> None:
        """Save the checkpoint of an empty log, so that a missing one always means something."""
        with store.reading() as unit:
            if unit.entry() is None and self._checkpoints.load() is None:
                self._checkpoints.save(Checkpoint(0, GENESIS))

    def note(
        self,
        unit: GovernanceUnit,
        actor: Actor,
        action: str,
        entity: str,
        details: Mapping[str, Any],
    ) -> None:
        """Add one entry inside the caller's transaction.

        Raises:
            Corrupt: the log does not continue from its checkpoint; nothing is added.
        """
        unit.append(
            next_entry(
                self._head(unit),
                at=self._clock.now(),
                actor=actor.user,
                action=action,
                entity=entity,
                details=details,
            )
        )

    def seal(self, store: GovernanceStore) -> None:
        """Save the newest checkpoint, after the commit.

        A crash in between leaves an older checkpoint, which is still true.
        """
        with store.reading() as unit:
            last = unit.entry()
        if last is not None:
            self._checkpoints.save(Checkpoint(last.seq, last.hash))

    def verify(self, unit: GovernanceUnit) -> AuditReport:
        """Check the whole chain, the checkpoint, and every row the log says was written."""
        checkpoint = self._checkpoints.load()
        report = verify(unit.entries(), checkpoint)
        if not report.ok:
            return report
        if checkpoint is None:
            return msgspec.structs.replace(report, ok=False, why=_MISSING)
        bad, why = verify_rows(unit.entries(), unit.row_digests())
        if why:
            return msgspec.structs.replace(report, ok=False, first_bad=bad, why=why)
        return report

    def demand(self, unit: GovernanceUnit) -> None:
        """Stop unless the log verifies.

        Raises:
            Corrupt: it does not.
        """
        report = self.verify(unit)
        if not report.ok:
            raise Corrupt(f"nothing is let loose while the audit log does not verify: {report.why}")

    def _head(self, unit: GovernanceUnit) -> AuditEntry | None:
        last, checkpoint = unit.entry(), self._checkpoints.load()
        if checkpoint is None and last is not None:
            raise Corrupt(_MISSING)
        if checkpoint is not None and checkpoint.size:
            there = unit.entry(checkpoint.size)
            if there is None or there.hash != checkpoint.head:
                raise Corrupt(
                    "the audit log does not continue from its checkpoint at entry "
                    f"{checkpoint.size}, so nothing is added to it: run `assay verify audit`"
                )
        if last is not None and last.hash != last.computed:
            raise Corrupt(f"audit entry {last.seq} was changed: run `assay verify audit`")
        return last
