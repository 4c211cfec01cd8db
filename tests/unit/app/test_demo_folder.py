"""The demo replaces what it made and nothing else; its tokens are for its owner's eyes."""

from pathlib import Path

import pytest

from assay.adapters.sqlite.database import create_all, open_database
from assay.adapters.sqlite.identity import SqliteIdentity
from assay.app.demo.folder import fresh
from assay.app.demo.people import PEOPLE, TOKENS_FILE, enrol, tokens_of
from assay.app.settings import read_settings
from assay.core.errors import Invalid
from assay.governance.gate import GATE_POLICY
from assay.runtime.clock import wall_time
from assay.runtime.identity import authenticate


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Invalid, match="not made by the demo"):
        fresh(tmp_path, workload="checkout")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_earlier_demo_is_replaced(tmp_path: Path) -> None:
    home = fresh(tmp_path / "demo", workload="checkout")
    (home.path / "log.db").write_text("old")
    again = fresh(tmp_path / "demo", workload="cards")
    assert not (again.path / "log.db").exists()
    settings = read_settings(again.path, {})
    assert (settings.workload, settings.time.clock) == ("cards", "log")


def test_everybody_gets_a_token_that_only_the_owner_of_the_file_can_read(tmp_path: Path) -> None:
    database = open_database(tmp_path / "control.db")
    create_all(database)
    store = SqliteIdentity(database)
    enrol(store, tmp_path)
    assert (tmp_path / TOKENS_FILE).stat().st_mode & 0o077 == 0
    tokens = tokens_of(tmp_path)
    for name, kind, roles in PEOPLE:
        identity = authenticate(store, tokens[name], wall_time())
        assert (identity.user, identity.kind, identity.roles) == (name, kind, roles)
    database.dispose()


def test_nobody_in_the_demo_can_approve_what_they_build() -> None:
    deciding = set(GATE_POLICY.approvals)
    for _, _, roles in PEOPLE:
        held = {role.value for role in roles}
        assert not ("engineer" in held and held & deciding)
        assert len(held & deciding) <= 1
