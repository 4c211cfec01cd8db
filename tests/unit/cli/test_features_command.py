import json
from pathlib import Path

import pytest

from assay.cli.main import main
from assay.workloads.cards.features import CATALOG
from assay.workloads.cards.workload import CARDS


def test_describe_gives_every_definition_and_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "describe", "--workload", "cards", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["catalog"] == CATALOG.digest
    assert [one["digest"] for one in told["features"]] == [one.digest for one in CATALOG.features]
    assert [one["name"] for one in told["derived"]] == [one.name for one in CATALOG.derived]
    assert sum(table["bytes_per_event"] for table in told["tables"]) > 0


def test_describe_and_list_name_every_value_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "describe", "--workload", "cards"]) == 0
    assert CATALOG.digest in capsys.readouterr().out
    assert main(["features", "list", "--workload", "cards", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert tuple(value["name"] for value in values) == CATALOG.names


def test_an_unknown_workload_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "list", "--workload", "crads"]) == 3
    assert "cards" in capsys.readouterr().err


def test_check_says_what_a_file_of_changes_makes_and_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "change.toml"
    file.write_text(
        'remove = ["terminal_settled_7d"]\n[change.customer_count_1d]\nwindow = "36h"\n'
        '[[add]]\nname = "customer_spent_2h"\nsource = "transaction"\nkey = ["customer_id"]\n'
        'aggregate = "sum"\nof = "amount"\nwindow = "2h"\n',
        encoding="utf-8",
    )
    assert main(["features", "check", str(file), "--workload", "cards", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["added"] == ["customer_spent_2h"]
    assert told["changed"] == ["customer_count_1d"]
    assert told["removed"] == ["terminal_settled_7d"]
    assert told["catalog"] != told["before"] == CATALOG.digest


def test_check_refuses_a_change_that_a_rule_cannot_do_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mentioned = next(
        name for name in CATALOG.names if any(name in rule.when for rule in CARDS.rules)
    )
    file = tmp_path / "change.json"
    file.write_text(json.dumps({"remove": [mentioned]}), encoding="utf-8")
    assert main(["features", "check", str(file), "--workload", "cards"]) == 3
    assert mentioned in capsys.readouterr().err


def test_the_change_that_the_how_to_shows_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "howto" / "change-a-feature.md"
    file = tmp_path / "change.toml"
    text = page.read_text(encoding="utf-8")
    file.write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert main(["features", "check", str(file), "--workload", "checkout", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["removed"] == ["listing_guests_7d"]
    assert told["added"] == ["user_bookings_2h"]
    assert told["changed"][0] == "user_bookings_1h"
