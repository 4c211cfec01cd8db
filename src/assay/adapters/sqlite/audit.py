"""How is the audit log stored? One row an entry; the database refuses everything but the next."""

# The trigger is built from constants of this file, never from input.
# ruff: noqa: S608

from collections.abc import Iterator

import msgspec
from sqlalchemy import Column, Connection, Integer, RowMapping, String, Table, Text, insert, select

from assay.adapters.sqlite.database import append_only, guard, metadata
from assay.core.canonical import canonical
from assay.governance.audit import GENESIS, AuditEntry

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
)

append_only(audit, "seq")
guard(
    audit,
    "audit_continues",
    "BEFORE INSERT ON audit "
    "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit) "
    "OR NEW.previous IS NOT coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), "
    f"'{GENESIS}') "
    "BEGIN SELECT RAISE(ABORT, 'an audit entry must follow the last one'); END",
)


def append_entry(connection: Connection, entry: AuditEntry) -> None:
    """Insert the next entry."""
    row = msgspec.structs.asdict(entry)
    row["details"] = canonical(entry.details).decode()
    connection.execute(insert(audit).values(row))


def read_entry(connection: Connection, seq: int | None = None) -> AuditEntry | None:
    """The entry of that seq, or the last one."""
    wanted = select(audit)
    wanted = (
        wanted.order_by(audit.c.seq.desc()).limit(1)
        if seq is None
        else wanted.where(audit.c.seq == seq)
    )
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _entry(row)


def read_entries(connection: Connection) -> Iterator[AuditEntry]:
    """Every entry in order."""
    for row in connection.execute(select(audit).order_by(audit.c.seq)).mappings():
        yield _entry(row)


def _entry(row: RowMapping) -> AuditEntry:
    """The entry a row says it is; one that cannot be read is given back so that no hash fits it."""
    fields = {str(name): value for name, value in row.items()}
    try:
        fields["details"] = msgspec.json.decode(fields["details"])
        return msgspec.convert(fields, AuditEntry)
    except msgspec.MsgspecError as error:
        text = {name: str(fields[name]) for name in ("actor", "action", "entity", "previous")}
        broken = {"unreadable": str(error)}
        return AuditEntry(seq=row["seq"], at=0, details=broken, hash=str(fields["hash"]), **text)
