"""Whoever reaches the database with another program is stopped by it, or found out by verify."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.contract.test_governance_store import KEY, Ticking, live, submitted
from tests.unit.governance.versions import MODEL, NOW, POLICY, VALIDATOR, approval, step

from assay.adapters.files.checkpoint import CheckpointFile
from assay.adapters.sqlite.database import create_all, open_database, writing
from assay.adapters.sqlite.governance import RefusedByDatabase, SqliteGovernance
from assay.core.errors import Corrupt, GateRefused
from assay.core.time import DAY
from assay.governance.facts import State
from assay.governance.inventory import Row
from assay.runtime.governance import Governance

GOVERNED = (
    "audit",
    "versions",
    "contributions",
    "evidence",
    "approvals",
    "transitions",
    "findings",
    "closures",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Governance, Path]]:
    engine = open_database(tmp_path / "control.db")
    create_all(engine)
    checkpoints = CheckpointFile(tmp_path / "audit.checkpoint")
    yield Governance(SqliteGovernance(engine), checkpoints, Ticking()), tmp_path
    engine.dispose()


def as_admin(home: Path, *statements: str, drop_triggers: bool = True) -> None:
    """Change the file with the sqlite3 program's rights."""
    with closing(sqlite3.connect(home / "control.db")) as connection, connection:
        if drop_triggers:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'")
            for (name,) in names.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("table", GOVERNED)
@pytest.mark.parametrize("verb", ["UPDATE {} SET rowid = rowid", "DELETE FROM {}"])
def test_no_program_updates_or_deletes_a_governed_row(
    home: tuple[Governance, Path], table: str, verb: str
) -> None:
    desk, folder = home
    live(desk)
    desk.close_finding(
        VALIDATOR, KEY, desk.open_finding(VALIDATOR, KEY, "low", "typo").id, "mended"
    )
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        as_admin(folder, verb.format(table), drop_triggers=False)
    assert desk.verify().ok


def test_insert_or_replace_does_not_slip_past_the_delete_trigger(
    home: tuple[Governance, Path],
) -> None:
    desk, folder = home
    live(desk)
    for statement in (
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1",
        "INSERT OR REPLACE INTO approvals (id, place, body) SELECT id, 9, body FROM approvals",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"already|must follow"):
            as_admin(folder, statement, drop_triggers=False)


ATTACKS: dict[str, str] = {
    "edit an actor": "UPDATE audit SET actor = 'eve' WHERE seq = 3",
    "edit details": "UPDATE audit SET details = '{}' WHERE seq = 3",
    "break details": "UPDATE audit SET details = '{' WHERE seq = 3",
    "delete in the middle": "DELETE FROM audit WHERE seq = 3",
    "delete the first": "DELETE FROM audit WHERE seq = 1",
    "cut off the end": "DELETE FROM audit WHERE seq > 5",
    "delete everything": "DELETE FROM audit",
    "swap two entries": "UPDATE audit SET seq = CASE seq WHEN 3 THEN -4 WHEN 4 THEN -3 END "
    "WHERE seq IN (3, 4)",
    "insert an entry": "INSERT INTO audit SELECT max(seq) + 1, max(at), 'eve', 'approved', 'x', "
    "'{}', (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), 'sha256:0' FROM audit",
    "edit an approval": "UPDATE approvals SET body = replace(body, 'vera', 'eve')",
    "extend an approval": "UPDATE approvals SET body = json_set(body, '$.expires_at', 4000000000)",
    "delete an approval": "DELETE FROM approvals WHERE approver = 'vera'",
    "break an approval": "UPDATE approvals SET body = json_set(body, '$.at', 'never')",
    "rename an approval": "UPDATE approvals SET id = 'apr_x' WHERE approver = 'vera'",
    "improve a test": "UPDATE evidence SET body = json_set(body, '$.evidence.value', 0.99)",
    "delete a contribution": "DELETE FROM contributions",
    "change the bytes": "UPDATE versions SET body = json_set(body, '$.model', 'sha256:evil')",
    "rewind the state": "DELETE FROM transitions WHERE number = 4",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_administrator_who_drops_the_triggers_is_found_out(
    home: tuple[Governance, Path], attack: str
) -> None:
    desk, folder = home
    live(desk)
    extra = ["UPDATE audit SET seq = -seq WHERE seq < 0"] if attack == "swap two entries" else []
    as_admin(folder, ATTACKS[attack], *extra)
    report = desk.verify()
    assert not report.ok
    assert report.why
    with pytest.raises((GateRefused, Corrupt), match=r"audit"):
        desk.admit(MODEL, POLICY)


@pytest.mark.parametrize(
    ("attack", "first_bad"),
    [("edit an actor", 3), ("delete in the middle", 4), ("cut off the end", 6)],
)
def test_the_report_names_the_row(
    home: tuple[Governance, Path], attack: str, first_bad: int
) -> None:
    desk, folder = home
    live(desk)
    as_admin(folder, ATTACKS[attack])
    assert desk.verify().first_bad == first_bad


def test_a_forged_row_that_no_act_wrote_is_found(home: tuple[Governance, Path]) -> None:
    desk, folder = home
    submitted(desk)
    as_admin(
        folder,
        "INSERT INTO approvals (id, place, body) VALUES ('apr_1', 9, "
        '\'{"key":"checkout-risk@1","approver":"eve","role":"approver",'
        '"kind":"human","model":"m","policy":"p","comment":"c","at":1,'
        '"expires_at":2}\')',
    )
    assert not desk.verify().ok


def test_a_log_cut_off_behind_the_service_is_not_continued(home: tuple[Governance, Path]) -> None:
    desk, folder = home
    live(desk)
    as_admin(folder, "DELETE FROM audit WHERE seq > 5")
    with pytest.raises(Corrupt, match="does not continue from its checkpoint"):
        desk.note(VALIDATOR, "looked", "report", {})


def test_a_missing_or_garbled_checkpoint_is_not_taken_for_a_new_one(
    home: tuple[Governance, Path],
) -> None:
    desk, folder = home
    live(desk)
    path = folder / "audit.checkpoint"
    path.write_bytes(b"{")
    with pytest.raises(Corrupt, match="is not an audit checkpoint"):
        desk.verify()
    path.unlink()
    report = desk.verify()
    assert (report.ok, "checkpoint" in report.why) == (False, True)
    with pytest.raises(Corrupt, match="is missing"):
        desk.note(VALIDATOR, "looked", "report", {})


def refused(home: tuple[Governance, Path], row: Row, why: str) -> None:
    """The database refuses a row that a program adds without asking the gate."""
    engine = open_database(home[1] / "control.db")
    try:
        with pytest.raises(RefusedByDatabase, match=why), SqliteGovernance(engine).writing() as u:
            u.add(row)
    finally:
        engine.dispose()


def valid(approver: str, role: str = "approver", **changes: object) -> Row:
    return approval(approver, role, at=NOW + DAY, expires_at=NOW + 30 * DAY, **changes)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (valid("dana"), "submitted"),
        (valid("kim"), "contributed"),
        (valid(" KIM "), "contributed"),
        (valid("pipeline", kind="service"), "only a person"),
        (valid("alan", model="sha256:other"), "other bytes"),
        (valid("alan", policy="sha256:other"), "other bytes"),
        (valid("alan", key="checkout-risk@9"), "other bytes"),
    ],
)
def test_the_database_itself_refuses_an_approval_the_gate_would_refuse(
    home: tuple[Governance, Path], row: Row, why: str
) -> None:
    submitted(home[0])
    home[0].contribute(VALIDATOR, KEY, "kim", "features")
    refused(home, row, why)


def test_the_database_refuses_an_approval_by_a_submitter_who_built_nothing(
    home: tuple[Governance, Path],
) -> None:
    desk, _ = home
    submitted(desk)
    engine = open_database(home[1] / "control.db")
    with SqliteGovernance(engine).writing() as unit:
        unit.add(step(3, State.VALIDATION, State.DEVELOPMENT, "vera", NOW))
        unit.add(step(4, State.DEVELOPMENT, State.VALIDATION, "otto", NOW))
    engine.dispose()
    refused(home, valid("otto"), "submitted")


def test_the_database_refuses_a_live_version_without_two_independent_approvals(
    home: tuple[Governance, Path],
) -> None:
    desk, _ = home
    submitted(desk)
    at = NOW + 2 * DAY
    wanted = step(3, State.VALIDATION, State.APPROVED, "root", at)
    refused(home, wanted, "two independent")
    engine = open_database(home[1] / "control.db")
    with SqliteGovernance(engine).writing() as unit:
        unit.add(valid("vera", "validator"))
    refused(home, wanted, "two independent")
    with SqliteGovernance(engine).writing() as unit:
        unit.add(valid("vera", "approver"))
    refused(home, wanted, "two independent")
    with SqliteGovernance(engine).writing() as unit:
        unit.add(valid("alan", "approver"))
    refused(home, step(3, State.VALIDATION, State.APPROVED, "root", NOW + 90 * DAY), "two indep")
    refused(home, step(4, State.APPROVED, State.LIVE, "root", at), "must follow")
    refused(home, step(3, State.APPROVED, State.LIVE, "root", at), "must follow")
    with SqliteGovernance(engine).writing() as unit:
        unit.add(wanted)
    engine.dispose()


def test_a_write_that_fails_leaves_neither_row_nor_entry(
    home: tuple[Governance, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = home
    submitted(desk)
    before = desk.verify()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(desk._trail, "note", fail)
    with pytest.raises(OSError, match="disk full"):
        desk.open_finding(VALIDATOR, KEY, "high", "drift")
    assert desk.status(KEY).findings == ()
    assert desk.verify() == before


def test_every_commit_of_the_control_database_is_synced(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "control.db")
    with writing(engine) as connection:
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    engine.dispose()
    assert (level, journal) == (2, "wal")


def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 10)
    with pytest.raises(Corrupt, match="cannot be read as a SQLite database"):
        open_database(path)
