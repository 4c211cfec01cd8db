"""A flipped byte in the log's file is noticed and its place named; a foreign file is left alone."""

import sqlite3
from pathlib import Path

import pytest
from tests.unit.runtime.records import record_of

from assay.adapters.sqlite.log import SqliteLog
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.core.errors import Corrupt, NotFound, Unavailable
from assay.runtime.ports import Entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed log of five entries."""
    made = tmp_path / "log.db"
    log = SqliteLog(made)
    events = [Event(f"e{seq}", "login", seq, {"user": "u" * 20}) for seq in range(1, 6)]
    log.append(
        [
            Entry(
                seq=seq,
                event=event,
                known_at=seq,
                accepted=True,
                record=record_of(event, seq) if seq % 2 else None,
                key=f"k{seq}",
            )
            for seq, event in enumerate(events, start=1)
        ]
    )
    log.put([Refusal(code="c", path="$", message="m", raw=b"not json", received_at=1)])
    log.close()
    return made


def damage(path: Path, sql: str) -> None:
    """Do to the file what only a damaged disk would: the triggers are off."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute("DROP TRIGGER entry_no_delete")
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET body = CAST(substr(body, 1, 10) || x'7f' || substr(body, 12) AS BLOB)",
        "UPDATE entry SET record = CAST(x'00' || substr(record, 2) AS BLOB)",
        "UPDATE entry SET key = 'other'",
        "UPDATE entry SET decision = 'other'",
        "UPDATE entry SET event = 'other'",
        "UPDATE entry SET checksum = checksum + 1",
        "UPDATE entry SET record = NULL",
        "UPDATE entry SET (body, checksum) = (SELECT body, checksum FROM entry WHERE seq = 2)",
    ],
)
def test_any_change_of_a_row_is_noticed_and_its_seq_named(path: Path, change: str) -> None:
    damage(path, f"{change} WHERE seq = 3")
    log = SqliteLog(path)
    seen: list[int] = []
    with pytest.raises(Corrupt, match=r"row 3 .*damaged"):
        seen.extend(logged.seq for logged in log.read())
    with pytest.raises(Corrupt):
        list(log.decisions())
    log.close()


def test_a_row_that_is_gone_is_noticed(path: Path) -> None:
    damage(path, "DELETE FROM entry WHERE seq = 2")
    log = SqliteLog(path)
    with pytest.raises(Corrupt, match=r"row 2 .* missing"):
        list(log.read())
    log.close()


def test_a_flipped_byte_of_the_file_itself_is_noticed(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    at = raw.rfind(b"uuuuuuuuuu")
    raw[at] ^= 0x20
    path.write_bytes(raw)
    log = SqliteLog(path)
    with pytest.raises(Corrupt, match="row"):
        list(log.read())
    log.close()


def test_a_refusal_whose_bytes_changed_is_noticed(path: Path) -> None:
    damage(path, "UPDATE quarantine SET raw = CAST('other' AS BLOB)")
    log = SqliteLog(path)
    with pytest.raises(Corrupt, match="refusal 1"):
        list(log.refusals())
    log.close()


@pytest.mark.parametrize("verb", ["UPDATE entry SET key = 'x'", "DELETE FROM entry"])
def test_the_database_itself_refuses_to_change_history(path: Path, verb: str) -> None:
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(verb)
    connection.close()


def test_a_file_of_another_program_is_refused_and_unchanged(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    with pytest.raises(Corrupt, match="not an event log"):
        SqliteLog(other)
    connection = sqlite3.connect(other)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"something else entirely, long enough to be looked at as a header" * 40)
    with pytest.raises(Corrupt, match="damaged or not a SQLite database"):
        SqliteLog(path)


def test_a_missing_log_is_created_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no event log"):
        SqliteLog(tmp_path / "log.db", create=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable, match="cannot be used"):
        SqliteLog(tmp_path / "absent" / "log.db")


def test_a_truncated_file_is_noticed(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 3 * 8192])
    with pytest.raises((Corrupt, Unavailable)):  # noqa: PT012 - either step may notice
        log = SqliteLog(path)
        list(log.read())


def test_a_file_of_before_there_were_places_is_given_them(path: Path) -> None:
    bare = sqlite3.connect(path)
    bare.executescript("DROP TABLE quarantine_place; DROP INDEX quarantine_checksum")
    bare.close()
    log = SqliteLog(path)
    one = Refusal(code="c", path="", message="m", raw=b"never seen", received_at=1)
    [first, again] = log.put([one, one])
    log.note_places({first: "t.csv:1"})
    assert first == again
    assert {kept.id: kept.place for kept in log.refusals()}[first] == "t.csv:1"
    log.close()
