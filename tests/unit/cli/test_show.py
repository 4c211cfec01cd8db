import pytest
from rich.console import Console

from assay.cli import show

NAME = "a_value_whose_name_is_longer_than_half_a_line_of_a_terminal"


def test_no_line_is_broken_where_no_terminal_reads(capsys: pytest.CaptureFixture[str]) -> None:
    about = "a sentence that is much longer than the eighty columns which a pipe is taken to have"
    show.grid("Values", ("name", "about"), [[NAME, about]])
    show.emit({"catalog": "sha256:" + "0" * 64}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(NAME in line and about in line for line in lines)
    assert any("sha256:" + "0" * 64 in line for line in lines)


def test_a_name_is_never_broken_on_a_terminal_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = Console(force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(show, "RESULT", narrow)
    show.grid("Values", ("name", "about"), [[NAME, "words " * 40]])
    lines = capsys.readouterr().out.splitlines()
    assert any(NAME in line for line in lines)
    assert max(map(len, lines)) <= 80
