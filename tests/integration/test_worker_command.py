"""How `assay worker` says no: nothing to connect to, nobody there, histories laid out otherwise."""

import sys
from pathlib import Path

import pytest
from tests.integration.kafka_cluster import mock_cluster

from assay.cli.main import INVALID, UNAVAILABLE, main


def test_without_brokers_it_says_how_to_name_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["worker", "--home", str(tmp_path), "--workload", "cards"]) == INVALID
    assert "kafka.brokers is not set" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_names_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    command = ["worker", "--home", str(tmp_path), "--workload", "cards", "--brokers", "k:1"]
    assert main(command) == UNAVAILABLE
    assert "pip install 'assay[kafka]'" in capsys.readouterr().err


def test_histories_laid_out_otherwise_are_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = tmp_path / "partitions" / "layout.json"
    layout.parent.mkdir()
    layout.write_text('{"topic":"events","partitions":{"customer_id":3,"terminal_id":3}}')
    monkeypatch.setenv("ASSAY_KAFKA_PARTITIONS", "4")
    command = ["worker", "--home", str(tmp_path), "--workload", "cards", "--brokers", "none:1"]
    assert main(command) == INVALID
    assert "would be looked for where their history is not" in capsys.readouterr().err


def test_a_topic_with_another_number_of_partitions_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_KAFKA_PARTITIONS", "7")
    with mock_cluster(1) as brokers:
        command = ["worker", "--home", str(tmp_path), "--workload", "cards", "--brokers", brokers]
        assert main(command) == INVALID
    assert "has 4 partitions, the settings say 7" in capsys.readouterr().err


def test_when_nobody_answers_it_gives_up_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["worker", "--home", str(tmp_path), "--workload", "cards", "--brokers", "127.0.0.1:1"]
    assert main(command) == UNAVAILABLE
    assert "Kafka did not answer" in capsys.readouterr().err
