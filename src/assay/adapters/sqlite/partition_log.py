"""Where does one partition's history live? In a log file of its own, its position beside the rows.

Entries, refusals and the position are one transaction, so a message has had its effect exactly when
the position lies behind it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from assay.adapters.sqlite.log import SqliteLog
from assay.adapters.sqlite.log_quarantine import put_in
from assay.core.errors import Conflict
from assay.runtime.partition_log import Spoiled, Start, moved
from assay.runtime.ports import Entry

_SCHEMA = (
    """CREATE TABLE position (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        first INTEGER NOT NULL,
        next INTEGER NOT NULL
    ) STRICT""",
    "CREATE TABLE spoiled (refusal INTEGER PRIMARY KEY, place INTEGER NOT NULL) STRICT",
    """CREATE TRIGGER position_forward BEFORE UPDATE ON position WHEN NEW.next <= OLD.next
        BEGIN SELECT RAISE(ABORT, 'the position of a partition never goes back'); END""",
)


class SqlitePartitionLog(SqliteLog):
    """See `PartitionLog`; everything an event log does, and where in its topic it stands.

    Args:
        path: of the file.
        create: whether a missing file is created.

    Raises:
        NotFound, Corrupt, Unavailable: as `SqliteLog` does.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        super().__init__(path, create=create, beside=_SCHEMA)

    def position(self) -> Start | None:
        """See `PartitionLog.position`."""
        rows = self._file.query("SELECT first, next FROM position", ())
        return Start(*rows[0]) if rows else None

    def begin(self, first: int) -> None:
        """See `PartitionLog.begin`."""
        begun = self.position()
        if begun is not None:
            raise Conflict(f"the partition's history began at offset {begun.first}")
        with self._file.transaction() as connection:
            connection.execute("INSERT INTO position VALUES (1, ?, ?)", (first, first))

    def take(self, entries: Sequence[Entry], spoiled: Sequence[Spoiled], until: int) -> None:
        """See `PartitionLog.take`."""
        following = moved(self.position(), until)

        def also(connection: sqlite3.Connection) -> None:
            if spoiled:
                ids = put_in(connection, [refusal for _, refusal in spoiled])
                places = zip(ids, (offset for offset, _ in spoiled), strict=True)
                connection.executemany("INSERT INTO spoiled VALUES (?, ?)", places)
            connection.execute("UPDATE position SET next = ?", (following.next,))

        self.append_with(entries, also)

    def spoiled(self, after: int = 0) -> Iterator[Spoiled]:
        """See `PartitionLog.spoiled`."""
        places = dict(
            self._file.query("SELECT refusal, place FROM spoiled WHERE refusal > ?", (after,))
        )
        for refusal in self.refusals(after):
            if refusal.id in places:
                yield Spoiled(places[refusal.id], refusal)
