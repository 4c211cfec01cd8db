"""How are cases stored? One row a case, and a single row that says how far the log was read."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import (
    Column,
    Computed,
    Connection,
    Engine,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from assay.adapters.sqlite.database import metadata, reading, writing
from assay.core.canonical import canonical
from assay.core.errors import Conflict, Corrupt
from assay.review.case import Case

_CURSOR = "cases"

cases = Table(
    "cases",
    metadata,
    Column("id", String, primary_key=True),
    Column("body", Text, nullable=False),
    Column("event_id", String, Computed("json_extract(body, '$.event_id')"), unique=True),
    Column("status", String, Computed("json_extract(body, '$.status')")),
    Column("opened_at", Integer, Computed("json_extract(body, '$.opened_at')")),
    Column("closed_at", Integer, Computed("json_extract(body, '$.closed_at')")),
    Index("cases_by_status", "status", "opened_at", "id"),
    Index("cases_by_closing", "closed_at", "id"),
)

cursors = Table(
    "projection_cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("seq", Integer, nullable=False),
)


class SqliteCases:
    """A ``CaseStore`` in the control database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def cursor(self) -> int:
        """The ``seq`` of the last log entry that was projected."""
        with reading(self._engine) as connection:
            return _cursor(connection)

    def project(self, opened: Sequence[Case], changed: Sequence[Case], upto: int) -> None:
        """Add, replace and move the cursor in one transaction."""
        with writing(self._engine) as connection:
            at = _cursor(connection)
            if upto < at:
                raise Conflict(f"cases are projected up to {at}, cannot go back to {upto}")
            for case in opened:
                new = insert(cases).values(id=case.id, body=_body(case))
                connection.execute(new.on_conflict_do_nothing())
            for case in changed:
                connection.execute(
                    update(cases).where(cases.c.id == case.id).values(body=_body(case))
                )
            row = insert(cursors).values(name=_CURSOR, seq=upto)
            connection.execute(
                row.on_conflict_do_update(index_elements=["name"], set_={"seq": upto})
            )

    def get(self, case_id: str) -> Case | None:
        """The case of that id."""
        with reading(self._engine) as connection:
            body = connection.execute(
                select(cases.c.body).where(cases.c.id == case_id)
            ).scalar_one_or_none()
        return None if body is None else _case(body)

    def of_event(self, event_id: str) -> Case | None:
        """The case about that request."""
        with reading(self._engine) as connection:
            body = connection.execute(
                select(cases.c.body).where(cases.c.event_id == event_id).limit(1)
            ).scalar_one_or_none()
        return None if body is None else _case(body)

    def waiting(self) -> list[Case]:
        """Every case that is not closed, oldest first."""
        wanted = (
            select(cases.c.body)
            .where(cases.c.status.in_(("open", "assigned")))
            .order_by(cases.c.opened_at, cases.c.id)
        )
        with reading(self._engine) as connection:
            return [_case(body) for body in connection.execute(wanted).scalars()]

    def closed(self, limit: int = 100) -> list[Case]:
        """Closed cases, the last closed first."""
        wanted = (
            select(cases.c.body)
            .where(cases.c.status == "closed")
            .order_by(cases.c.closed_at.desc(), cases.c.id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [_case(body) for body in connection.execute(wanted).scalars()]

    def forget(self, event_ids: Sequence[str]) -> int:
        """Delete the cases about those requests; how many there were."""
        gone = 0
        with writing(self._engine) as connection:
            for name in event_ids:
                gone += connection.execute(delete(cases).where(cases.c.event_id == name)).rowcount
        return gone

    def replace(self, before: Case, after: Case) -> None:
        """Store ``after`` if ``before`` is still what is stored."""
        same = (cases.c.id == before.id) & (cases.c.body == _body(before))
        with writing(self._engine) as connection:
            done = connection.execute(update(cases).where(same).values(body=_body(after)))
            if done.rowcount != 1:
                raise Conflict(f"case {before.id} was changed meanwhile; read it again")


def _cursor(connection: Connection) -> int:
    found = connection.execute(select(cursors.c.seq).where(cursors.c.name == _CURSOR))
    return found.scalar_one_or_none() or 0


def _body(case: Case) -> str:
    return canonical(case).decode()


def _case(body: str) -> Case:
    try:
        return msgspec.json.decode(body, type=Case)
    except msgspec.MsgspecError as error:
        raise Corrupt(
            f"a stored case cannot be read: {error}. Cases are filled from the log: delete the "
            "table's rows and its cursor, and start again"
        ) from error
