"""A folder of a user's own is served by its rules alone, and what was served is verified."""

import json
from pathlib import Path

import msgspec
import pytest
from tests.integration.command_line import run

from assay.app.own import CATALOG, CONTRACTS
from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.cli.main import main
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.odcs import to_odcs
from assay.contracts.yaml_text import write_yaml
from assay.core.time import MINUTE, parse_time

LOGIN = EventContract(
    type="login",
    version=1,
    keys=("user",),
    fields=(Field(name="user", kind="text"), Field(name="failed", kind="bool")),
)
TEXT = """
request = "login"

[[features]]
name = "failed_1h"
source = "login"
key = ["user"]
aggregate = "count"
window = "1h"
where = [{ field = "failed", is = "==", value = true }]

[[rules]]
name = "guessing"
when = "failed_1h >= 2"
then = "block"
"""
START = parse_time("2026-01-31T12:00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "site"
    made.mkdir()
    (made / CONTRACTS).write_text(write_yaml(to_odcs(ContractSet([LOGIN]), name="site")))
    (made / CATALOG).write_text(TEXT)
    return made


def test_its_rules_decide_and_every_served_value_is_verified(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "assay.toml").write_text('workload = "../site"\n[time]\nclock = "log"\n')
    settings = read_settings(home, {})
    outcomes = []
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.chdir("/")  # the folder is named from the home, wherever one stands
        code, _ = run(capsys, "token", "user", "ann", "--role", "engineer", "--home", str(home))
        assert code == 0
        platform = open_platform(settings)
        try:
            for number in range(4):
                body = {
                    "id": f"l{number}",
                    "type": "login",
                    "ts": START + number * MINUTE,
                    "data": {"user": "u", "failed": True},
                }
                record = platform.engine.decide(msgspec.json.encode(body)).result(60)
                outcomes.append(record.outcome.value)
        finally:
            platform.close()
        code, told = run(capsys, "verify", "features", "--home", str(home))
        assert (code, told["mismatches"]) == (0, 0)
        assert told["compared"] >= 4
        code, told = run(capsys, "verify", "decisions", "--home", str(home))
        assert (code, told["mismatches"]) == (0, 0)
        # The definitions that served are kept: to edit the file is to serve others from now on.
        (folder / CATALOG).write_text(TEXT.replace('window = "1h"', 'window = "2m"'))
        code, told = run(capsys, "verify", "features", "--home", str(home))
        assert (code, told["mismatches"]) == (0, 0)
        assert told["compared"] >= 4
    assert outcomes == ["approve", "approve", "block", "block"]


def test_what_is_wrong_in_a_folder_is_said_with_its_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> str:
        assert main(["features", "list", "--workload", f"{folder}/"]) == 3
        return capsys.readouterr().err

    (folder / CATALOG).write_text(TEXT.replace('"count"', '"cuont"'))
    assert f"{CATALOG}: feature 'failed_1h': aggregate: expected one of count," in said()
    (folder / CATALOG).write_text(TEXT.replace("failed_1h >= 2", "faild_1h >= 2"))
    (folder / "change.json").write_text(json.dumps({"change": {"failed_1h": {"window": "2h"}}}))
    words = ["features", "check", str(folder / "change.json"), "--workload", f"{folder}/"]
    assert main(words) == 3
    assert "failed_1h" in capsys.readouterr().err
    (folder / CATALOG).unlink()
    assert "catalog.toml' cannot be read: No such file" in said()


def test_there_is_no_recipe_to_train_by(folder: Path, tmp_path: Path) -> None:
    from assay.app.home import Home
    from assay.app.training import train_home
    from assay.core.errors import Invalid

    home = Home(tmp_path / "home")
    home.create()
    with pytest.raises(Invalid, match="has no recipe, so no model is trained for it"):
        train_home(home, f"{folder}/")


def test_its_contracts_are_compared_as_its_document_says_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = run(capsys, "contract", "check", f"{folder}/", str(folder / CONTRACTS))
    assert (code, told["compatible"]) == (0, True)


@pytest.mark.parametrize(("old", "new"), [("login", "erasure"), ("failed", "type")])
def test_a_name_of_the_platform_is_refused_with_the_file_it_stands_in(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    for name in (CONTRACTS, CATALOG):
        path = folder / name
        path.write_text(path.read_text().replace(f"{old}\n", f"{new}\n"))
    assert main(["features", "list", "--workload", f"{folder}/"]) == 3
    said = capsys.readouterr().err
    assert f"{CONTRACTS}: " in said
    assert f"'{new}'" in said
    assert "(reserved: " in said
