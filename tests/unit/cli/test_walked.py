"""What a newcomer stumbled over: helps that list their choices, refusals that say what to do."""

from pathlib import Path

import pytest

from assay.app.home import Home
from assay.app.workloads import WORKLOADS
from assay.cli.home import READY_MADE
from assay.cli.main import main


def test_the_ready_made_workloads_are_listed_in_every_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(READY_MADE) == set(WORKLOADS)
    for words in (["import"], ["backfill"], ["features", "list"], ["verify", "features"]):
        assert main([*words, "--help"]) == 0
        assert "checkout|cards|FOLDER/" in capsys.readouterr().out


def test_the_examples_of_a_help_stand_in_lines_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["verify", "features", "--help"]) == 0
    told = capsys.readouterr().out
    assert "\\b" not in told
    assert "\n  assay verify features --workload checkout --simulate\n" in told


def test_a_file_is_no_folder_to_fill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "values"
    out.touch()
    words = ["backfill", "--workload", "cards", "--events", str(tmp_path), "--out", str(out)]
    assert main(words) == 3
    assert "is a file: expected a folder" in capsys.readouterr().err


def test_a_workload_nobody_knows_is_answered_with_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["features", "list", "--workload", "nope"]) == 3
    assert "There are: cards, checkout." in capsys.readouterr().err
    (tmp_path / "nope").mkdir()
    assert main(["features", "list", "--workload", "nope"]) == 3
    assert "write a folder with a slash: ./nope" in capsys.readouterr().err


def test_a_period_without_decisions_is_not_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.open_log().close()
    change = tmp_path / "change.toml"
    change.write_text('[change.customer_count_1d]\nwindow = "2d"\n')
    words = ["features", "diff", str(change), "--home", str(home.path), "--workload", "cards"]
    assert main(words) == 0
    assert "No request of that period was decided" in capsys.readouterr().out


def test_what_was_never_served_is_not_learned_from(tmp_path: Path) -> None:
    from assay.app.training import train_home
    from assay.models.frame import NotEnoughData

    home = Home(tmp_path / "home")
    home.create()
    with pytest.raises(NotEnoughData, match="train with --mode as_known"):
        train_home(home, "cards", mode="as_served")
