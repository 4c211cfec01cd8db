"""What the control database itself refuses about tokens, whoever writes to it."""

import sqlite3
from pathlib import Path

import pytest

from assay.adapters.sqlite.database import create_all, open_database
from assay.adapters.sqlite.identity import SqliteIdentity
from assay.runtime.identity import Role, new_token, new_user


def test_a_revoked_token_cannot_be_brought_back_by_hand(tmp_path: Path) -> None:
    database = open_database(tmp_path / "control.db")
    create_all(database)
    store = SqliteIdentity(database)
    store.add_user(new_user("ada", "human", frozenset({Role.AUDITOR}), 0))
    text, token = new_token("ada", bytes(38), 0, 10)
    store.add_token(token)
    store.revoke(token.id, at=5)
    database.dispose()
    assert text.encode() not in (tmp_path / "control.db").read_bytes()
    by_hand = sqlite3.connect(tmp_path / "control.db")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="only ever revoked"):
            by_hand.execute("UPDATE tokens SET revoked_at = NULL")
    finally:
        by_hand.close()
