"""``assay snapshot`` through the command line: taken, begun from, passed over: the same bits."""

from pathlib import Path

import pytest
from tests.integration.command_line import run

from assay.app.home import Home


def test_a_snapshot_is_taken_beside_the_log_and_used_by_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, home = tmp_path / "world", str(tmp_path / "home")
    run(capsys, "simulate", "--out", str(world), "--days", "2", "--bookings-per-day", "60")
    assert run(capsys, "import", str(world / "events.jsonl"), "--home", home)[0] == 0
    log = Home(Path(home)).open_log()
    last = log.last_seq()
    log.close()
    for path in (Path(home) / "snapshots").glob("*"):
        path.unlink()  # the import kept one at its end if it was large
    code, told = run(capsys, "snapshot", "--home", home)
    assert (code, told["taken"], told["seq"]) == (0, True, last)
    code, told = run(capsys, "snapshot", "--home", home)
    assert (code, told["taken"]) == (0, False)
    assert "nothing came since the newest snapshot" in told["why"]
    # The next engine begins there: a damaged log before the snapshot is not read by it ...
    assert run(capsys, "import", str(world / "events.jsonl"), "--home", home)[1]["accepted"] == 0
    [path] = (Path(home) / "snapshots").glob("*.snapshot")
    path.write_bytes(path.read_bytes()[:-9])
    # ... and a damaged snapshot is passed over: the log alone gives the same answers.
    assert run(capsys, "import", str(world / "events.jsonl"), "--home", home)[1]["accepted"] == 0
    assert run(capsys, "verify", "features", "--home", home)[0] == 0


def test_a_folder_that_is_no_home_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "snapshot", "--home", str(tmp_path / "nothing"))[0] == 3
