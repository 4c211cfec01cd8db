"""Where do refused bodies wait? In a table of the log's own file, each with its checksum."""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence

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
    # Both came later than the table, and are made in an older file when it is opened.
    """CREATE TABLE IF NOT EXISTS quarantine_place (
        id INTEGER PRIMARY KEY,
        place TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS quarantine_checksum ON quarantine (checksum)",
)
_READ_CHUNK = 256
_Row = tuple[int, str, str, str, bytes, int, int, str]


class QuarantineTable:
    """The quarantine half of the log's file; see the port `Quarantine`."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def put(self, refusals: Sequence[Refusal]) -> list[int]:
        """See `Quarantine.put`."""
        with self._file.transaction() as connection:
            return [_kept(connection, one) or put_in(connection, [one])[0] for one in refusals]

    def note_places(self, places: Mapping[int, str]) -> None:
        """See `Quarantine.note_places`."""
        with self._file.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO quarantine_place VALUES (?, ?)",
                [(number, _storable(place)) for number, place in places.items()],
            )

    def refusals(self, after: int = 0) -> Iterator[Refusal]:
        """See `Quarantine.refusals`."""
        last = after
        while rows := self._file.query(
            "SELECT id, code, path, message, raw, received_at, checksum, coalesce(place, '') "
            "FROM quarantine LEFT JOIN quarantine_place USING (id) "
            "WHERE id > ? ORDER BY id LIMIT ?",
            (last, _READ_CHUNK),
        ):
            yield from map(_decode, rows)
            last = rows[-1][0]

    def remove(self, refusal_ids: Sequence[int]) -> None:
        """See `Quarantine.remove`."""
        with self._file.transaction() as connection:
            remove_from(connection, refusal_ids)


def remove_from(connection: sqlite3.Connection, refusal_ids: Sequence[int]) -> None:
    """Forget refusals in the transaction that is under way."""
    for table in ("quarantine", "quarantine_place"):
        connection.executemany(
            f"DELETE FROM {table} WHERE id = ?",  # noqa: S608 - constants only
            [(number,) for number in refusal_ids],
        )


def _kept(connection: sqlite3.Connection, one: Refusal) -> int | None:
    """The id under which the same bytes wait already."""
    row = connection.execute(
        "SELECT min(id) FROM quarantine WHERE checksum = ? AND raw = ?",
        (zlib.crc32(one.raw), one.raw),
    ).fetchone()
    return None if row[0] is None else int(row[0])


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
    number, code, path, message, raw, received_at, checksum, place = row
    if zlib.crc32(raw) != checksum:
        raise Corrupt(f"refusal {number} in the quarantine does not match its checksum")
    return Refusal(
        code=code,
        path=path,
        message=message,
        raw=raw,
        received_at=received_at,
        id=number,
        place=place,
    )


def _storable(text: str) -> str:
    # A message may quote a lone surrogate, which UTF-8 cannot hold.
    return text.encode("utf-8", "backslashreplace").decode()
