"""Where is governance kept? Rows that are only ever added, beside the audit log of who did it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from assay.governance.audit import AuditEntry, Checkpoint
from assay.governance.facts import Facts
from assay.governance.inventory import Row


class GovernanceUnit(Protocol):
    """What can be done inside one transaction."""

    def facts(self, key: str) -> Facts | None:
        """Everything on file about a version, None when there is none of that key."""
        ...

    def versions(self) -> list[Facts]:
        """Everything on file about every version, by time of registration."""
        ...

    def add(self, row: Row) -> None:
        """Keep a new row.

        Raises:
            Conflict: its id is taken.
            Refused: the database itself forbids it (an approval by a contributor, a step that
                does not follow the last one, a live version without two approvers).
        """
        ...

    def has(self, row: Row) -> bool:
        """Is this very row kept already?"""
        ...

    def append(self, entry: AuditEntry) -> None:
        """Keep the next entry of the audit log."""
        ...

    def entry(self, seq: int | None = None) -> AuditEntry | None:
        """The entry of that seq, or the last one."""
        ...

    def entries(self) -> Iterator[AuditEntry]:
        """The audit log in order."""
        ...

    def row_digests(self) -> dict[str, str]:
        """Entity name to digest of every row as it is stored now."""
        ...


class GovernanceStore(Protocol):
    """Opens transactions."""

    def writing(self) -> AbstractContextManager[GovernanceUnit]:
        """Serialised against other writers; all or nothing."""
        ...

    def reading(self) -> AbstractContextManager[GovernanceUnit]:
        """One consistent view."""
        ...


class CheckpointStore(Protocol):
    """Keeps the newest checkpoint of the audit log somewhere the database's keeper does not."""

    def load(self) -> Checkpoint | None:
        """The checkpoint, None when none was ever saved; Corrupt when it cannot be read."""
        ...

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace it, durably and in one step."""
        ...
