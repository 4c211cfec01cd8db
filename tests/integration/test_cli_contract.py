"""``assay contract`` as a producer's pipeline runs it: files in, exit codes and one object out."""

import json
from pathlib import Path

import pytest

from assay.cli.main import DONE, FAILED, INVALID, USAGE, main


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "v1.yaml"
    assert main(["contract", "export", "--out", str(path)]) == DONE
    return path


def changed(path: Path, old: str, new: str, name: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    other = path.with_name(name)
    other.write_text(text.replace(old, new, 1), encoding="utf-8")
    return other


def test_an_exported_document_is_compatible_with_its_workload(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["contract", "check", "checkout", str(exported), "--json"]) == DONE
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer == {"mode": "full", "compatible": True, "breaks": []}


def test_a_breaking_change_is_named_at_its_field_and_fails_the_pipeline(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = changed(exported, "maximum: 100000000", "maximum: 999", "v2.yaml")
    capsys.readouterr()
    assert main(["contract", "check", str(exported), str(new), "--json"]) == FAILED
    answer = json.loads(capsys.readouterr().out)
    assert not answer["compatible"]
    [first, *_] = answer["breaks"]
    assert (first["path"], first["breaks"]) == ("booking.amount", ["backward"])
    assert first["since"] == str(exported)
    assert main(["contract", "check", str(exported), str(new), "--mode", "forward"]) == DONE
    assert main(["contract", "check", str(exported), str(new)]) == FAILED
    assert "booking.amount" in capsys.readouterr().out


def test_show_reads_a_document_as_the_door_would(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["contract", "show", str(exported), "--json"]) == DONE
    shown = json.loads(capsys.readouterr().out)
    assert main(["contract", "show", "checkout", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out) == shown
    assert main(["contract", "show", "cards"]) == DONE
    assert "terminal_id" in capsys.readouterr().out


def test_what_is_no_document_is_said_with_the_name_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("kind: DataContract\nkind: Other\n", encoding="utf-8")
    assert main(["contract", "show", str(bad)]) == INVALID
    assert f"{bad}: $: expected each name once" in capsys.readouterr().err
    assert main(["contract", "show", "no-such"]) == INVALID
    assert "neither a readable file" in capsys.readouterr().err
    assert main(["contract", "check", "checkout"]) == USAGE


def test_a_file_that_is_there_is_replaced_only_when_told(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = exported.read_bytes()
    words = ["contract", "export", "--workload", "cards", "--out", str(exported)]
    assert main(words) == INVALID
    assert "is there already" in capsys.readouterr().err
    assert exported.read_bytes() == before
    assert main([*words, "--replace"]) == DONE
    assert b"terminal_id" in exported.read_bytes()
