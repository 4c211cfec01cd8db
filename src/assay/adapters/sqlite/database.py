"""Where do users, cases and governance live? One SQLite file, opened one way, for every table.

The durable event log does not live here (see ``adapters/sqlite/log.py``): these tables are small,
change a few times a minute, and may be rebuilt (cases) or audited (everything else).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError

from assay.core.errors import Corrupt, shown

#: Every control table of the platform is defined against this.
metadata = MetaData()

_BEGIN = "assay_begin"
_GUARDS = "assay_guards"
_BUSY_TIMEOUT_MS = 5_000

_log = logging.getLogger("assay.home")


def open_database(path: Path | str) -> Engine:
    """An engine on the control database: WAL, fsync at every commit, foreign keys enforced.

    ``synchronous=FULL`` is set before the first write of every connection: switching a live WAL
    connection later is known to leave commits without an fsync.

    Raises:
        Corrupt: the file exists and is not a SQLite database.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM sqlite_master"))
    except DatabaseError as error:
        engine.dispose()
        raise Corrupt(
            f"{shown(str(path))} cannot be read as a SQLite database: {error.orig}. "
            "Restore it from a backup, or move it away to start an empty one"
        ) from error
    return engine


def create_all(engine: Engine) -> None:
    """Create every control table, index and trigger that does not exist yet.

    A trigger that was dropped, or replaced by another of its name, is put back, and a warning
    says which: somebody wrote to the file without this program.
    """
    with writing(engine) as connection:
        known = set(inspect(connection).get_table_names())
        metadata.create_all(connection)
        found = _triggers(connection)
        for table in metadata.sorted_tables:
            for name, body in table.info.get(_GUARDS, {}).items():
                if found.get(name) == f"CREATE TRIGGER {name} {body}":
                    continue
                if table.name in known:
                    _log.warning("the trigger %s was missing or changed and is put back", name)
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
                connection.exec_driver_sql(f"CREATE TRIGGER {name} {body}")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One serialised write transaction: the lock is taken at its start, so reads inside it hold.

    Commits when the block ends, rolls back when it raises.
    """
    with (
        engine.connect().execution_options(**{_BEGIN: "IMMEDIATE"}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent snapshot: every read inside the block sees the same state."""
    with engine.connect() as connection, connection.begin():
        yield connection


def append_only(table: Table, key: str) -> None:
    """Make the database itself refuse UPDATE and DELETE on a table, whoever asks.

    ``key`` is the primary key: an INSERT OR REPLACE of a stored row deletes without firing a
    delete trigger, so an insert of a known key is refused before it comes to that.
    """
    name = table.name
    for verb in ("UPDATE", "DELETE"):
        guard(
            table,
            f"{name}_no_{verb.lower()}",
            f"BEFORE {verb} ON {name} BEGIN "
            f"SELECT RAISE(ABORT, '{name} is append-only: {verb} is refused'); END",
        )
    guard(
        table,
        f"{name}_no_replace",
        f"BEFORE INSERT ON {name} WHEN NEW.{key} IN (SELECT {key} FROM {name}) BEGIN "  # noqa: S608
        f"SELECT RAISE(ABORT, '{name} has this {key} already'); END",
    )


def guard(table: Table, name: str, body: str) -> None:
    """Attach a trigger to a table; `create_all` sees to it. ``body`` follows the trigger's name."""
    table.info.setdefault(_GUARDS, {})[name] = body


def _triggers(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return {name: sql for name, sql in rows}  # noqa: C416 - rows are no pairs to the type checker


def _configure(dbapi_connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: `_begin` says when and how.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get(_BEGIN, "")
    connection.exec_driver_sql(f"BEGIN {kind}".strip())
