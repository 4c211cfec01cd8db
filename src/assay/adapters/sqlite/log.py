"""Where does history live? In one SQLite file, appended in groups, each durable before it returns.

One row is an event with its decision and idempotency key, so a group is one statement and one
commit; an integration test counts the fsyncs.
"Durable" means: the group survives a crash of process or machine. It does not survive a lost disk.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from assay.adapters.sqlite.log_erasure import replace_rows
from assay.adapters.sqlite.log_file import LogFile
from assay.adapters.sqlite.log_quarantine import QUARANTINE_SCHEMA, QuarantineTable
from assay.adapters.sqlite.log_rows import COLUMNS, Row, decode_row, encode_row
from assay.adapters.sqlite.scrub import scrub
from assay.contracts.event import LoggedEvent
from assay.contracts.quarantine import Refusal
from assay.core.errors import Conflict, Corrupt
from assay.decisions.record import DecisionRecord
from assay.runtime.ports import Entry

_GUARDS = tuple(
    f"""CREATE TRIGGER entry_no_{verb} BEFORE {verb} ON entry
        BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END"""
    for verb in ("update", "delete")
)
LOG_SCHEMA = (
    """CREATE TABLE entry (
        seq INTEGER PRIMARY KEY,
        event TEXT NOT NULL UNIQUE,
        key TEXT,
        decision TEXT,
        body BLOB NOT NULL,
        record BLOB,
        checksum INTEGER NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key IS NOT NULL",
    "CREATE UNIQUE INDEX entry_decision ON entry (decision) WHERE decision IS NOT NULL",
    "CREATE TABLE probe (at INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT",
    *_GUARDS,
    *QUARANTINE_SCHEMA,
)
_SELECT = f"SELECT {COLUMNS} FROM entry"  # noqa: S608 - constants only
_INSERT = f"INSERT INTO entry ({COLUMNS}) VALUES"
_PLACES = "(?,?,?,?,?,?,?)"
#: Up to here a group is one statement: the interpreter lock is given up and taken back once, not
#: once a row, which under load costs more than the rows.
_ONE_STATEMENT_MAX = 128
_READ_CHUNK = 512
_PROBE_BYTES = 65_536


class SqliteLog:
    """The event log and the quarantine in one file; see the ports `EventLog` and `Quarantine`.

    One thread at a time writes (a lock sees to it); every reading thread has a connection of its
    own and sees what is committed.

    Args:
        path: of the file.
        create: whether a missing file is created.
        beside: statements that create further tables in the file, for its owner's use.

    Raises:
        NotFound: the file is missing and must not be created.
        Corrupt: the file is not an Assay log, or is damaged.
        Unavailable: it cannot be opened or created.
    """

    def __init__(
        self, path: Path | str, *, create: bool = True, beside: Sequence[str] = ()
    ) -> None:
        self._file = LogFile(Path(path), (*LOG_SCHEMA, *beside), create=create)
        self._quarantine = QuarantineTable(self._file)
        self._last: int | None = self.last_seq()

    def append(self, entries: Sequence[Entry]) -> None:
        """See `EventLog.append`."""
        if entries:
            self.append_with(entries, None)

    def append_with(
        self, entries: Sequence[Entry], also: Callable[[sqlite3.Connection], None] | None
    ) -> None:
        """Append, and do something else with the file in the same transaction: all or nothing.

        Raises:
            Conflict, Unavailable: as `append` does.
        """
        with self._file.writer() as connection:
            last = self.last_seq() if self._last is None else self._last
            for seq, entry in enumerate(entries, start=last + 1):
                if entry.seq != seq:
                    raise Conflict(f"expected the log to continue with seq {seq}, got {entry.seq}")
            rows = [encode_row(entry) for entry in entries]
            self._last = None  # a commit that fails may have happened: ask the file then
            if also is None and len(rows) <= _ONE_STATEMENT_MAX:
                _insert(connection, rows)
            else:
                with self._file.transaction():
                    _insert(connection, rows)
                    if also is not None:
                        also(connection)
            self._last = last + len(entries)

    def probe(self) -> None:
        """See `EventLog.probe`: writes and takes back 64 KiB."""
        with self._file.transaction() as connection:
            connection.execute("INSERT INTO probe VALUES (1, zeroblob(?))", (_PROBE_BYTES,))
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM probe")

    def last_seq(self) -> int:
        """See `EventLog.last_seq`."""
        return int(self._file.query("SELECT coalesce(max(seq), 0) FROM entry", ())[0][0])

    def entries(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """See `EventLog.entries`: streams from one snapshot on a connection of its own."""
        expected = max(after, 0) + 1
        for row in self._scan("", after, until):
            if row[0] != expected:
                raise Corrupt(f"row {expected} of the event log is missing: seq {row[0]} follows")
            yield decode_row(row)
            expected += 1

    def read(self, after: int = 0, until: int | None = None) -> Iterator[LoggedEvent]:
        """See `EventLog.read`."""
        return map(_logged, self.entries(after, until))

    def decided(self, after: int = 0, until: int | None = None, *, prefix: str) -> Iterator[Entry]:
        """See `EventLog.decided`."""
        condition = "AND (decision IS NOT NULL OR substr(event, 1, ?) = ?)"
        return map(decode_row, self._scan(condition, after, until, len(prefix), prefix))

    def decisions(self, after: int = 0, until: int | None = None) -> Iterator[DecisionRecord]:
        """See `EventLog.decisions`."""
        for row in self._scan("AND decision IS NOT NULL", after, until):
            record = decode_row(row).record
            if record is not None:
                yield record

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """See `EventLog.decision`."""
        found = self._one("decision", decision_id)
        return None if found is None else found.record

    def event(self, event_id: str) -> LoggedEvent | None:
        """See `EventLog.event`."""
        found = self._one("event", event_id)
        return None if found is None else _logged(found)

    def entry(self, event_id: str) -> Entry | None:
        """See `EventLog.entry`."""
        return self._one("event", event_id)

    def entry_of_key(self, key: str) -> Entry | None:
        """See `EventLog.entry_of_key`."""
        return self._one("key", key)

    def named(self, prefix: str) -> Iterator[Entry]:
        """See `EventLog.named`."""
        rows = self._file.query(
            f"{_SELECT} WHERE event >= ? AND event < ? ORDER BY seq", (prefix, prefix + "\x7f")
        )
        return map(decode_row, rows)

    def erase(
        self, tombstones: Sequence[Entry], receipt: Entry, refusals: Sequence[int] = ()
    ) -> None:
        """See `ErasableLog.erase`."""
        self.append_with(
            [receipt],
            lambda connection: replace_rows(connection, _GUARDS, tombstones, refusals),
        )

    def scrub(self) -> None:
        """See `ErasableLog.scrub`: rewrites the file; needs as much free space as it has."""
        scrub(self._file.path)

    def known_ids(self, event_ids: Sequence[str]) -> set[str]:
        """See `EventLog.known_ids`."""
        found: set[str] = set()
        for start in range(0, len(event_ids), _READ_CHUNK):
            chunk = event_ids[start : start + _READ_CHUNK]
            places = ",".join("?" * len(chunk))
            rows = self._file.query(
                f"SELECT event FROM entry WHERE event IN ({places})",  # noqa: S608 - "?" only
                chunk,
            )
            found.update(row[0] for row in rows)
        return found

    def put(self, refusals: Sequence[Refusal]) -> list[int]:
        """See `Quarantine.put`."""
        return self._quarantine.put(refusals)

    def note_places(self, places: Mapping[int, str]) -> None:
        """See `Quarantine.note_places`."""
        self._quarantine.note_places(places)

    def refusals(self, after: int = 0) -> Iterator[Refusal]:
        """See `Quarantine.refusals`."""
        return self._quarantine.refusals(after)

    def remove(self, refusal_ids: Sequence[int]) -> None:
        """See `Quarantine.remove`."""
        self._quarantine.remove(refusal_ids)

    def close(self) -> None:
        """See `EventLog.close`."""
        self._file.close()

    def _scan(
        self, condition: str, after: int, until: int | None, *values: int | str
    ) -> Iterator[Row]:
        sql = f"{_SELECT} WHERE seq > ? AND seq <= ? {condition} ORDER BY seq"
        bounds = (after, 2**62 if until is None else until, *values)
        with self._file.snapshot() as connection:
            cursor = connection.execute(sql, bounds)
            while rows := cursor.fetchmany(_READ_CHUNK):
                yield from rows

    def _one(self, column: str, value: str) -> Entry | None:
        rows = self._file.query(f"{_SELECT} WHERE {column} = ?", (value,))
        return decode_row(rows[0]) if rows else None


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    if len(rows) > _ONE_STATEMENT_MAX:
        connection.executemany(f"{_INSERT} {_PLACES}", rows)
    elif rows:
        connection.execute(*_one_statement(rows))


def _one_statement(rows: Sequence[Row]) -> tuple[str, list[object]]:
    places = ",".join([_PLACES] * len(rows))
    return f"{_INSERT} {places}", [value for row in rows for value in row]


def _logged(entry: Entry) -> LoggedEvent:
    return LoggedEvent(entry.seq, entry.known_at, entry.accepted, entry.event)
