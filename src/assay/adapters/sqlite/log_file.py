"""How is the log's file opened, so that a commit means an fsync and an error means one of ours?"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.adapters.files.atomic import sync_folder
from assay.core.errors import AssayError, Conflict, Corrupt, NotFound, Unavailable, shown

_APPLICATION_ID = 0x41535359  # "ASSY": another program's database is refused, not extended
_VERSION = 1
_TRIGGER = "CREATE TRIGGER "
_LATER = " IF NOT EXISTS "

_log = logging.getLogger("assay.home")


class LogFile:
    """One writing connection behind a lock, and one reading connection for every thread.

    Args:
        path: of the file.
        schema: statements that create its tables.
        create: whether a missing file is created.

    Raises:
        NotFound: the file is missing and must not be created.
        Corrupt: the file is not an Assay log, or is damaged.
        Unavailable: it cannot be opened or created.
    """

    def __init__(self, path: Path, schema: Sequence[str], *, create: bool = True) -> None:
        if not create and not path.exists():
            raise NotFound(f"there is no event log at {shown(str(path))}")
        self.path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        with translated(path):
            self._writer = _open_writer(path, schema)

    @contextmanager
    def writer(self) -> Iterator[sqlite3.Connection]:
        """The writing connection, exclusively; each statement is a transaction of its own."""
        with self._lock, translated(self.path):
            yield self._writer

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The writing connection inside one transaction: all of the block, durably, or nothing."""
        with self.writer() as connection, _transaction(connection):
            yield connection

    def query(self, sql: str, values: Sequence[int | str]) -> list[Any]:
        """All rows of a query on this thread's reading connection."""
        with translated(self.path):
            return self._reader().execute(sql, values).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A reading connection of its own for a long scan.

        A scan that stops half-way must not pin a shared connection to an old snapshot.
        """
        with translated(self.path):
            connection = _open_reader(self.path)
            try:
                yield connection
            finally:
                connection.close()

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        with self._lock, translated(self.path):
            for reader in self._readers:
                reader.close()
            self._readers.clear()
            self._writer.close()

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = _open_reader(self.path)
            self._readers.append(reader)
        return reader


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the driver's errors inside the block into ours."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(f"the event log refuses the group: {error}") from error
    except sqlite3.OperationalError as error:
        raise Unavailable(f"the event log {shown(str(path))} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Corrupt(
            f"the event log {shown(str(path))} is damaged or not a SQLite database: {error}. "
            "Restore it from a backup"
        ) from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _open_writer(path: Path, schema: Sequence[str]) -> sqlite3.Connection:
    created = not path.exists()
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        # First of all: a live WAL connection that was switched to FULL later was seen to commit
        # without any fsync.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA busy_timeout = 5000")
        _prepare(connection, path, schema)
        if created:
            sync_folder(path.parent)
    except (sqlite3.Error, AssayError, OSError):
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables == 0 and application == 0:
        with _transaction(connection):
            for statement in schema:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif application != _APPLICATION_ID or version != _VERSION:
        raise Corrupt(
            f"{shown(str(path))} is not an event log of version {_VERSION} (application id "
            f"{application:#x}, version {version}); name another file, or restore the log"
        )
    else:
        _put_back(connection, schema)
        _add_later(connection, schema)


def _put_back(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Restore triggers that were dropped or changed: the file was written without this program."""
    found = dict(
        connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    )
    for statement in schema:
        if not statement.startswith(_TRIGGER):
            continue
        name = statement[len(_TRIGGER) :].split(maxsplit=1)[0]
        if found.get(name) != statement:
            _log.warning("the trigger %s was missing or changed and is put back", name)
            with _transaction(connection):
                connection.execute(f"DROP TRIGGER IF EXISTS {name}")
                connection.execute(statement)


def _add_later(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Make what a file of an earlier version of this program does not have yet; it may be read on.

    Only where it is missing: every other command that opens the file writes nothing.
    """
    found = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    for statement in schema:
        _, said, rest = statement.partition(_LATER)
        if said and rest.split(maxsplit=1)[0] not in found:
            connection.execute(statement)


def _open_reader(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -16384")
    return connection
