"""Was the record of who did what changed afterwards? Each entry carries the hash of the one before.

An entry's hash covers every field of it, so an edit, a deletion, an insertion or a changed order
breaks the chain at a row that can be named. Cutting off the end, or rewriting everything from some
row on, leaves a chain that is consistent in itself: only a checkpoint kept elsewhere shows it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from assay.core.canonical import digest
from assay.core.time import format_time

#: What the first entry names as its predecessor.
GENESIS = "sha256:" + "0" * 64


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act: at ``at`` (microseconds UTC) ``actor`` did ``action`` to ``entity``.

    ``seq`` counts from 1; ``previous`` is the hash of the entry before; ``details`` holds plain
    values, among them ``row``: the digest of what the act wrote.
    """

    seq: int
    at: int
    actor: str
    action: str
    entity: str
    details: dict[str, Any]
    previous: str
    hash: str

    @property
    def computed(self) -> str:
        """The hash that these fields must have."""
        fields = msgspec.structs.asdict(self)
        del fields["hash"]
        return digest(fields)


class Checkpoint(msgspec.Struct, frozen=True):
    """How many entries the log had, and the hash of the last. Kept outside the database."""

    size: int
    head: str


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: ``first_bad`` is the seq of the first wrong entry, ``why`` says why."""

    entries: int
    ok: bool
    first_bad: int | None = None
    why: str = ""
    head: str = GENESIS


def next_entry(
    before: AuditEntry | None,
    *,
    at: int,
    actor: str,
    action: str,
    entity: str,
    details: Mapping[str, Any],
) -> AuditEntry:
    """The entry that follows ``before`` (None for the first).

    A clock that was set back does not bring the log out of order: an entry is never dated before
    the one it follows.

    Example:
        >>> first = next_entry(None, at=0, actor="ana", action="x", entity="y", details={})
        >>> first.seq, first.hash == first.computed
        (1, True)
    """
    draft = AuditEntry(
        seq=1 if before is None else before.seq + 1,
        at=at if before is None else max(at, before.at),
        actor=actor,
        action=action,
        entity=entity,
        details=dict(details),
        previous=GENESIS if before is None else before.hash,
        hash="",
    )
    return msgspec.structs.replace(draft, hash=draft.computed)


def verify(entries: Iterable[AuditEntry], checkpoint: Checkpoint | None = None) -> AuditReport:
    """Check every entry against its predecessor, and the whole against a checkpoint.

    Stops at the first wrong entry. Entries newer than the checkpoint are checked as a chain only.
    """
    count, head, at = 0, GENESIS, 0
    for entry in entries:
        wrong = _wrong(entry, count + 1, head, at)
        if not wrong and checkpoint is not None and entry.seq == checkpoint.size:
            wrong = _differs(entry, checkpoint)
        if wrong:
            return AuditReport(entries=count, ok=False, first_bad=entry.seq, why=wrong, head=head)
        count, head, at = entry.seq, entry.hash, entry.at
    if checkpoint is not None and count < checkpoint.size:
        why = (
            f"the log ends at entry {count}, the checkpoint says it had {checkpoint.size}: "
            f"entries {count + 1} to {checkpoint.size} were cut off"
        )
        return AuditReport(entries=count, ok=False, first_bad=count + 1, why=why, head=head)
    return AuditReport(entries=count, ok=True, head=head)


def verify_rows(entries: Iterable[AuditEntry], rows: Mapping[str, str]) -> tuple[int | None, str]:
    """Compare what the log says was written with what is stored now.

    Args:
        entries: the log, already verified as a chain.
        rows: entity name to digest of the stored row, for every governed row.

    Returns:
        ``(seq of the entry whose row is wrong, why)``; ``(None, "")`` when all agree; a stored
        row that no entry speaks of gives ``(None, why)``.
    """
    left = dict(rows)
    for entry in entries:
        if "row" not in entry.details:
            continue
        stored = left.pop(entry.entity, None)
        if stored is None:
            return entry.seq, f"{entry.entity} was written by entry {entry.seq} and is gone"
        if stored != entry.details["row"]:
            return entry.seq, (
                f"{entry.entity} is not what entry {entry.seq} wrote: expected "
                f"{entry.details['row']}, stored {stored}"
            )
    if left:
        return None, f"{min(left)} is stored and no entry of the audit log speaks of it"
    return None, ""


def _wrong(entry: AuditEntry, seq: int, head: str, at: int) -> str:
    if entry.seq != seq:
        return f"expected entry {seq}, found {entry.seq}: an entry was deleted, added or moved"
    if entry.previous != head:
        return f"entry {seq} follows {entry.previous}, the entry before it is {head}"
    if entry.hash != entry.computed:
        return f"entry {seq} was changed: its hash is {entry.hash}, its content {entry.computed}"
    if entry.at < at:
        return f"entry {seq} is dated {format_time(entry.at)}, before the entry it follows"
    return ""


def _differs(entry: AuditEntry, checkpoint: Checkpoint) -> str:
    if entry.hash == checkpoint.head:
        return ""
    return (
        f"entry {entry.seq} has hash {entry.hash}, the checkpoint kept outside the database says "
        f"{checkpoint.head}: the log up to here was rewritten"
    )
