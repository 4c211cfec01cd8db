"""How does governance live without a database? In lists, with the same all-or-nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from assay.core.canonical import digest
from assay.core.errors import Conflict
from assay.governance.audit import AuditEntry, Checkpoint
from assay.governance.facts import Facts
from assay.governance.inventory import (
    Approval,
    Closure,
    Contribution,
    Filed,
    Finding,
    ModelRecord,
    Row,
    Transition,
    entity_of,
)

R = TypeVar("R", bound=Row)


class MemoryGovernance:
    """A ``GovernanceStore`` that forgets everything when the process ends.

    It has no rules of its own: what the SQLite store refuses by trigger, only the gate refuses
    here.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.log: list[AuditEntry] = []

    @contextmanager
    def writing(self) -> Iterator["MemoryGovernanceUnit"]:
        """A copy that replaces the state when the block ends, and vanishes when it raises."""
        unit = MemoryGovernanceUnit(dict(self.rows), list(self.log))
        yield unit
        self.rows, self.log = unit.rows, unit.log

    @contextmanager
    def reading(self) -> Iterator["MemoryGovernanceUnit"]:
        """The state as it is."""
        yield MemoryGovernanceUnit(self.rows, self.log)


class MemoryGovernanceUnit:
    """What can be done inside one transaction."""

    def __init__(self, rows: dict[str, Row], log: list[AuditEntry]) -> None:
        self.rows, self.log = rows, log

    def add(self, row: Row) -> None:
        """Keep a new row; Conflict when its id, or a version's bytes, are known."""
        name = entity_of(row)
        if name in self.rows:
            raise Conflict(f"{name} is on file already")
        if isinstance(row, ModelRecord):
            for other in self._all(ModelRecord):
                if (other.model, other.policy) == (row.model, row.policy):
                    raise Conflict(f"{name}: these exact bytes are registered as {other.key}")
        self.rows[name] = row

    def has(self, row: Row) -> bool:
        """Is a row of this id kept already?"""
        return entity_of(row) in self.rows

    def facts(self, key: str) -> Facts | None:
        """Everything on file about a version."""
        return next((facts for facts in self.versions() if facts.record.key == key), None)

    def versions(self) -> list[Facts]:
        """Everything on file about every version, by time of registration."""
        return [self._facts(record) for record in self._all(ModelRecord)]

    def append(self, entry: AuditEntry) -> None:
        """Keep the next entry of the audit log."""
        self.log.append(entry)

    def entry(self, seq: int | None = None) -> AuditEntry | None:
        """The entry of that seq, or the last one."""
        if seq is None:
            return self.log[-1] if self.log else None
        return self.log[seq - 1] if 0 < seq <= len(self.log) else None

    def entries(self) -> Iterator[AuditEntry]:
        """The audit log in order."""
        return iter(self.log)

    def row_digests(self) -> dict[str, str]:
        """Entity name to digest of every row."""
        return {name: digest(row) for name, row in self.rows.items()}

    def _all(self, kind: type[R]) -> list[R]:
        return [row for row in self.rows.values() if isinstance(row, kind)]

    def _facts(self, record: ModelRecord) -> Facts:
        key = record.key
        findings = tuple(row for row in self._all(Finding) if row.key == key)
        ids = {finding.id for finding in findings}
        return Facts(
            record=record,
            transitions=tuple(row for row in self._all(Transition) if row.key == key),
            contributions=tuple(row for row in self._all(Contribution) if row.key == key),
            filed=tuple(row for row in self._all(Filed) if row.key == key),
            approvals=tuple(row for row in self._all(Approval) if row.key == key),
            findings=findings,
            closures=tuple(row for row in self._all(Closure) if row.finding in ids),
        )


class MemoryCheckpoints:
    """A ``CheckpointStore`` in one variable."""

    def __init__(self) -> None:
        self.held: Checkpoint | None = None

    def load(self) -> Checkpoint | None:
        """The checkpoint, None when none was ever saved."""
        return self.held

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace it."""
        self.held = checkpoint
