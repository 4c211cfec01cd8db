"""How do the partitions of a worker's home forget a subject? Each log by itself, with a receipt.

In each: snapshots of its state (which the log could fill again) go, the log is emptied in one
transaction that also appends the receipt, the file is rewritten, the receipt is noted in the audit
log. What was published of the partition is shown anew when its owner starts: the receipt says so.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from assay.adapters.files.home import HomeLock
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.app.home import Control, Home
from assay.app.layout import SNAPSHOTS
from assay.core.time import format_time
from assay.governance.audit import AuditEntry
from assay.runtime.erasure import Erasures, Found, erase, receipt_digest
from assay.runtime.identity import Identity
from assay.runtime.ports import Entry
from assay.runtime.subject import Subject, entries_about, refusals_about

#: In the audit log: of a partition, whose folder may move to another home, receipts and all.
DONE = "subject erased in a partition"
_SALT_BYTES = 16


class PartitionErased(msgspec.Struct, frozen=True, kw_only=True):
    """What the log of one partition gave up, or would; ``receipt`` is empty if nothing was written.

    ``log`` is its path in the home, ``quarantined`` counts refused messages.
    """

    log: str
    receipt: str = ""
    events: int = 0
    quarantined: int = 0
    snapshots: int = 0


class OpenedPartition:
    """The log of a partition of a home; ``path`` is as people are told it."""

    def __init__(self, log: SqlitePartitionLog, folder: Path, path: str) -> None:
        self.log, self.folder, self.path = log, folder, path

    def find(self, subject: Subject) -> Found:
        """What of it is about a subject. No decision stands here, so none depended."""
        return Found(
            subject=subject,
            entries=tuple(entries_about(self.log, subject)),
            refusals=tuple(refusals_about(self.log, subject)),
            dependents=(),
        )

    def forget_snapshots(self) -> int:
        """Delete the snapshots of its state; how many there were."""
        found = [path for path in (self.folder / SNAPSHOTS).glob("*") if path.is_file()]
        for path in found:
            path.unlink()
        return len(found)

    def unnoted(self, parts: Control, most: int) -> list[Entry]:
        """The receipts whose erasure was not finished."""
        noted = _noted(parts.governance.entries(most))
        return [kept for kept in Erasures(self.log).receipts if receipt_digest(kept) not in noted]


@contextmanager
def opened_partitions(home: Home, *, alone: bool) -> Iterator[list[OpenedPartition]]:
    """Every partition log of a home.

    Args:
        home: the folder.
        alone: whether nobody else may have one of them.

    Raises:
        HomeLocked: a worker has one of them, and nobody may; nothing was written then.
        Corrupt: one is damaged.
    """
    with ExitStack() as stack:
        opened = []
        for path in home.partition_logs():
            if alone:
                stack.enter_context(HomeLock(path.parent))
            log = SqlitePartitionLog(path, create=False)
            stack.callback(log.close)
            opened.append(OpenedPartition(log, path.parent, str(path.relative_to(home.path))))
        yield opened


def look_at(partitions: Sequence[OpenedPartition], subject: Subject) -> tuple[PartitionErased, ...]:
    """What an erasure would take out of partitions; nothing is written."""
    found = [(partition, partition.find(subject)) for partition in partitions]
    return tuple(
        _told(partition, what) for partition, what in found if what.entries or what.refusals
    )


def erase_in(
    partitions: Sequence[OpenedPartition],
    parts: Control,
    subject: Subject,
    who: Identity,
    *,
    at: int,
    salt: bytes,
    audit_max: int,
) -> tuple[PartitionErased, ...]:
    """Empty partitions of a subject, and finish what was begun before.

    Args:
        partitions: opened by `opened_partitions`, nobody else having them.
        parts: whose audit log is told.
        subject: whom it is about.
        who: asks for it; an administrator.
        at: microseconds UTC.
        salt: 16 random bytes, of which each receipt gets others.
        audit_max: entries of the audit log: all of them.

    Returns:
        What was emptied now or had been begun.

    Raises:
        Unavailable: a disk failed, or a file could not be rewritten: run it again.
    """
    done = []
    for partition in partitions:
        found = partition.find(subject)
        told = None
        if found.entries or found.refusals:
            snapshots = partition.forget_snapshots()
            own = hashlib.sha256(salt + partition.path.encode()).digest()[:_SALT_BYTES]
            more = {"log": partition.path, "snapshots": snapshots, "at": format_time(at)}
            receipt = erase(partition.log, found, by=who.user, at=at, salt=own, more=more)
            told = msgspec.structs.replace(
                _told(partition, found), receipt=receipt.event.id, snapshots=snapshots
            )
        unnoted = partition.unnoted(parts, audit_max)
        if unnoted:
            partition.log.scrub()
        for receipt in unnoted:
            details = {
                "receipt": receipt_digest(receipt),
                "asked_by": who.user,
                "log": partition.path,
            }
            parts.governance.note(who, DONE, receipt.event.id, details)
            told = told or PartitionErased(log=partition.path, receipt=receipt.event.id)
        if told is not None:
            done.append(told)
    return tuple(done)


def _told(partition: OpenedPartition, found: Found) -> PartitionErased:
    return PartitionErased(
        log=partition.path, events=len(found.entries), quarantined=len(found.refusals)
    )


def _noted(entries: Sequence[AuditEntry]) -> set[str]:
    return {str(entry.details.get("receipt")) for entry in entries if entry.action == DONE}
