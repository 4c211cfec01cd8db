"""Where do refused bodies wait? In a table of the log's own file, each with its checksum."""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence

from assay.adapters.sqlite.log_file import LogFile
from assay.contracts.quarantine import Refusal
from assay.core.errors import Corrupt

# AUTOINCREMENT: the id of a removed refusal is never given to another.
QUARANTINE_SCHEMA = (
    """CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        code TEXT NOT NULL,
        path TEXT NOT NULL,
        message TEXT NOT NULL,
        raw BLOB NOT NULL,
        received_at INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT""",
)
_READ_CHUNK = 256
_Row = tuple[int, str, str, str, bytes, int, int]


class QuarantineTable:
    """The quarantine half of the log's file; see the port `Quarantine`."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def put(self, refusals: Sequence[Refusal]) -> list[int]:
        """See `Quarantine.put`."""
        with self._file.transaction() as connection:
            return put_in(connection, refusals)

    def refusals(self, after: int = 0) -> Iterator[Refusal]:
        """See `Quarantine.refusals`."""
        last = after
        while rows := self._file.query(
            "SELECT id, code, path, message, raw, received_at, checksum FROM quarantine "
            "WHERE id > ? ORDER BY id LIMIT ?",
            (last, _READ_CHUNK),
        ):
            yield from map(_decode, rows)
            last = rows[-1][0]

    def remove(self, refusal_ids: Sequence[int]) -> None:
        """See `Quarantine.remove`."""
        with self._file.transaction() as connection:
            connection.executemany(
                "DELETE FROM quarantine WHERE id = ?", [(number,) for number in refusal_ids]
            )


def put_in(connection: sqlite3.Connection, refusals: Sequence[Refusal]) -> list[int]:
    """Keep refusals in the transaction that is under way; their ids, in order."""
    ids = []
    for kept in refusals:
        cursor = connection.execute(
            "INSERT INTO quarantine (code, path, message, raw, received_at, checksum) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                kept.code,
                kept.path,
                _storable(kept.message),
                kept.raw,
                kept.received_at,
                zlib.crc32(kept.raw),
            ),
        )
        ids.append(int(cursor.lastrowid or 0))
    return ids


def _decode(row: _Row) -> Refusal:
    number, code, path, message, raw, received_at, checksum = row
    if zlib.crc32(raw) != checksum:
        raise Corrupt(f"refusal {number} in the quarantine does not match its checksum")
    return Refusal(
        code=code, path=path, message=message, raw=raw, received_at=received_at, id=number
    )


def _storable(text: str) -> str:
    # A message may quote a lone surrogate, which UTF-8 cannot hold.
    return text.encode("utf-8", "backslashreplace").decode()
