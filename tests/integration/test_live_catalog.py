"""What is live in a home is what its commands show and compute, not the workload as shipped."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.integration.command_line import run
from tests.integration.served_home import booking
from tests.integration.test_succession import CHANGE, World, world_of

from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.app.workloads import workload_named
from assay.cli.main import main

SHIPPED = workload_named("checkout").catalog


@pytest.fixture
def live(tmp_path: Path) -> World:
    """A home that served a dozen bookings by a catalog that only the home has."""
    world = world_of(tmp_path / "home", CHANGE)
    world.live(world.second)
    platform = open_platform(read_settings(world.home.path, {}))
    for number in range(12):
        platform.engine.decide(json.dumps(booking(number)).encode()).result()
    platform.close()
    return world


def test_a_backfill_of_a_home_gives_the_values_that_were_served(
    live: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, out = str(live.home.path), tmp_path / "out"
    code, told = run(capsys, "backfill", "--home", home, "--out", str(out))
    served = live.policies[live.second].catalog
    assert (code, told["catalog"], told["version"]) == (0, served, f"{live.second}, live")
    assert served != SHIPPED.digest
    rows = {row["event_id"]: row for row in pq.read_table(out / "part-00000.parquet").to_pylist()}
    log = live.home.open_log()
    records = list(log.decisions())
    log.close()
    assert len(records) == len(rows) == 12
    names = [one["name"] for one in json.loads((out / "manifest.json").read_text())["values"]]
    assert "user_bookings_2h" in names
    for record in records:
        row = rows[record.event]
        assert [row[name] is not None for name in names] == [bool(one) for one in record.known]
        floats = np.frombuffer(record.bits, "<f8").tolist()
        for name, word, real in zip(names, np.frombuffer(record.bits, "<i8"), floats, strict=True):
            if row[name] is not None:
                assert row[name] == (real if isinstance(row[name], float) else int(word)), name
    words = ("--home", home, "--out", str(tmp_path / "first"), "--version", live.first)
    code, told = run(capsys, "backfill", *words)
    assert (code, told["catalog"]) == (0, SHIPPED.digest)


def test_the_catalog_of_the_live_version_is_shown_and_changes_are_held_against_it(
    live: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, served = str(live.home.path), live.policies[live.second].catalog
    for verb in ("list", "describe"):
        code, told = run(capsys, "features", verb, "--home", home)
        assert (code, told["catalog"], told["version"]) == (0, served, f"{live.second}, live")
        for version in (live.first, SHIPPED.digest, "shipped"):
            told = run(capsys, "features", verb, "--home", home, "--version", version)[1]
            assert told["catalog"] == SHIPPED.digest
    file = tmp_path / "change.toml"
    file.write_text('remove = ["listing_guests_7d"]\n')
    code, told = run(capsys, "features", "check", str(file), "--home", home)
    assert (code, told["before"]) == (0, served)
    # As `assay train --features` would have it: what only the live one has would be gone.
    assert told["removed"] == ["listing_guests_7d", "user_bookings_2h"]
    assert told["changed"] == ["user_bookings_24h"]


def test_a_home_or_version_that_is_not_there_is_said_and_nothing_else_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", "list", "--home", str(tmp_path / "nohome")]) == 3
    assert "not a home folder" in capsys.readouterr().err
    world = world_of(tmp_path / "home", CHANGE)
    home = str(world.home.path)
    assert main(["features", "list", "--home", home, "--version", "checkout-rules@9"]) == 3
    assert "checkout-rules@1, checkout-rules@2" in capsys.readouterr().err
    world.suspend(world.first)
    assert main(["backfill", "--home", home, "--out", str(tmp_path / "out")]) == 3
    assert "checkout-rules@1 is in suspended" in capsys.readouterr().err
    assert main(["features", "list", "--home", home]) == 3
    assert "--version KEY" in capsys.readouterr().err
