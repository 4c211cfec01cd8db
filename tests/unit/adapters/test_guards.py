import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from assay.adapters.sqlite.log import SqliteLog
from assay.app.home import Home, control


def triggers(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return dict(rows.fetchall())


def open_both(home: Home) -> None:
    with control(home):
        SqliteLog(home.log_path).close()


def test_a_dropped_or_replaced_trigger_is_put_back_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home(tmp_path)
    home.create()
    open_both(home)
    open_both(home)
    assert not caplog.records, "nothing was wrong"
    for path, emptied in ((home.control_path, "audit_no_update"), (home.log_path, "")):
        whole = triggers(path)
        assert whole
        with closing(sqlite3.connect(path)) as database:
            for name in whole:
                database.execute(f"DROP TRIGGER {name}")
            if emptied:
                database.execute(
                    f"CREATE TRIGGER {emptied} BEFORE UPDATE ON audit BEGIN SELECT 1; END"
                )
            database.commit()
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            open_both(home)
        assert triggers(path) == whole
        said = " ".join(record.getMessage() for record in caplog.records)
        assert all(name in said for name in whole)
