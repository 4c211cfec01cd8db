"""How do bytes that were replaced or deleted leave a SQLite file for good?

A commit leaves the old bytes in the write-ahead log, in free pages and in the gaps of pages. So
the file is rewritten whole and the write-ahead log is cut to nothing.
"""

import sqlite3
from pathlib import Path

from assay.core.errors import Unavailable, shown


def scrub(path: Path) -> None:
    """Rewrite a database without anything that is no longer in its tables.

    Needs as much free space as the file has. The connections of this process may stay open as
    long as none is reading.

    Raises:
        Unavailable: somebody else uses the file, or it cannot be rewritten.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA synchronous = FULL")
            # The copy that is made while rewriting is a table in memory or a file that is gone.
            connection.execute("PRAGMA secure_delete = ON")
            _truncate(connection, path)
            connection.execute("VACUUM")
            _truncate(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unavailable(
            f"{shown(str(path))} was not rewritten, so erased bytes may still be in it: {error}. "
            "Stop whatever uses it and run the same erasure again"
        ) from error


def _truncate(connection: sqlite3.Connection, path: Path) -> None:
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Unavailable(
            f"the write-ahead log of {shown(str(path))} could not be cut, so erased bytes may "
            "still be in it: another process reads the file. Stop it and run the same erasure again"
        )
