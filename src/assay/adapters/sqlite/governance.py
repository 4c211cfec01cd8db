"""How does governance reach its tables? One transaction a unit, rows in and facts out."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from assay.adapters.sqlite import audit as audit_log
from assay.adapters.sqlite import database
from assay.adapters.sqlite import governance_tables as tables
from assay.core.canonical import canonical, digest, digest_bytes
from assay.core.errors import Conflict, Corrupt, Refused
from assay.governance.audit import AuditEntry
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
    row_id,
)

_TABLES: dict[type[Row], Table] = {
    ModelRecord: tables.versions,
    Contribution: tables.contributions,
    Filed: tables.evidence,
    Approval: tables.approvals,
    Finding: tables.findings,
    Closure: tables.closures,
    Transition: tables.transitions,
}


class RefusedByDatabase(Refused):
    """A trigger of the database forbids the row, whatever the program thought."""

    code = "refused_by_database"


class SqliteGovernance:
    """A ``GovernanceStore`` in the control database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def writing(self) -> Iterator["SqliteGovernanceUnit"]:
        """One serialised write transaction."""
        with database.writing(self._engine) as connection:
            yield SqliteGovernanceUnit(connection)

    @contextmanager
    def reading(self) -> Iterator["SqliteGovernanceUnit"]:
        """One consistent snapshot."""
        with database.reading(self._engine) as connection:
            yield SqliteGovernanceUnit(connection)


class SqliteGovernanceUnit:
    """What can be done inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: Row) -> None:
        """Keep a new row; a trigger may refuse it."""
        table, key = _TABLES[type(row)], row_id(row)
        known = self._connection.execute(select(table.c.id).where(table.c.id == key)).first()
        if known is not None:
            raise Conflict(f"{entity_of(row)} is on file already")
        place = select(func.count()).select_from(table).scalar_subquery()
        values = {"id": key, "place": place, "body": canonical(row).decode()}
        try:
            self._connection.execute(insert(table).values(values))
        except IntegrityError as error:
            raise RefusedByDatabase(f"{entity_of(row)} is refused: {error.orig}") from error

    def has(self, row: Row) -> bool:
        """Is a row of this id kept already?"""
        table = _TABLES[type(row)]
        found = select(table.c.id).where(table.c.id == row_id(row))
        return self._connection.execute(found).first() is not None

    def facts(self, key: str) -> Facts | None:
        """Everything on file about a version."""
        found = self._rows(ModelRecord, tables.versions.c.id == key)
        return self._assemble(found, key)[0] if found else None

    def versions(self) -> list[Facts]:
        """Everything on file about every version, by time of registration."""
        return self._assemble(self._rows(ModelRecord), None)

    def append(self, entry: AuditEntry) -> None:
        """Keep the next entry of the audit log."""
        try:
            audit_log.append_entry(self._connection, entry)
        except IntegrityError as error:
            raise RefusedByDatabase(f"audit entry {entry.seq} is refused: {error.orig}") from error

    def entry(self, seq: int | None = None) -> AuditEntry | None:
        """The entry of that seq, or the last one."""
        return audit_log.read_entry(self._connection, seq)

    def entries(self) -> Iterator[AuditEntry]:
        """The audit log in order."""
        return audit_log.read_entries(self._connection)

    def row_digests(self) -> dict[str, str]:
        """Entity name to digest of every row as stored; an unreadable one gets that of its text."""
        found: dict[str, str] = {}
        for kind, table in _TABLES.items():
            for key, body in self._connection.execute(select(table.c.id, table.c.body)):
                try:
                    row: Any = msgspec.json.decode(body, type=kind)
                except msgspec.MsgspecError:
                    found[f"unreadable/{table.name}/{key}"] = digest_bytes(str(body).encode())
                    continue
                # The id is part of what was written: a row under another id is another row.
                same = row_id(row) == key
                found[entity_of(row) if same else f"moved/{table.name}/{key}"] = digest(row)
        return found

    def _rows(self, kind: type[Any], *where: Any) -> list[Any]:
        table = _TABLES[kind]
        wanted = select(table.c.id, table.c.body).where(*where).order_by(table.c.place)
        try:
            return [
                msgspec.json.decode(body, type=kind) for _, body in self._connection.execute(wanted)
            ]
        except msgspec.MsgspecError as error:
            raise Corrupt(
                f"a row of {table.name!r} cannot be read: {error}. Run `assay verify audit`"
            ) from error

    def _assemble(self, records: list[ModelRecord], key: str | None) -> list[Facts]:
        by_key: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        kinds: dict[str, type[Row]] = {
            "transitions": Transition,
            "contributions": Contribution,
            "filed": Filed,
            "approvals": Approval,
            "findings": Finding,
        }
        for name, kind in kinds.items():
            where = () if key is None else (_TABLES[kind].c.key == key,)
            for row in self._rows(kind, *where):
                by_key[row.key][name].append(row)
        closures = tuple(self._rows(Closure))
        return [_facts(record, by_key[record.key], closures) for record in records]


def _facts(record: ModelRecord, rows: dict[str, list[Any]], closures: tuple[Closure, ...]) -> Facts:
    ids = {finding.id for finding in rows["findings"]}
    return Facts(
        record=record,
        transitions=tuple(sorted(rows["transitions"], key=lambda t: t.number)),
        contributions=tuple(rows["contributions"]),
        filed=tuple(rows["filed"]),
        approvals=tuple(rows["approvals"]),
        findings=tuple(rows["findings"]),
        closures=tuple(c for c in closures if c.finding in ids),
    )
