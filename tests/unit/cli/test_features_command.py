import json

import pytest

from assay.cli.main import main
from assay.workloads.cards.features import CATALOG


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
