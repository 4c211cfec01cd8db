import subprocess
import sys
from importlib import import_module

import click
import pytest

from assay.cli.main import COMMANDS, exit_code, main
from assay.core.errors import (
    AssayError,
    Corrupt,
    Forbidden,
    GateRefused,
    HomeLocked,
    NotFound,
    TooLarge,
    Unauthenticated,
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_says_what_it_does(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _, attribute = COMMANDS[name].target.partition(":")
    command = getattr(import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert main([name, "--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    code = (
        "import sys; from assay.cli.main import main; main(['--help']); "
        "heavy = {'numpy', 'numba', 'polars', 'lightgbm', 'litestar', 'sqlalchemy', 'uvicorn', "
        "'rich', 'msgspec', 'jinja2', 'scipy'} & set(sys.modules); print('heavy', sorted(heavy))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "heavy []" in ended.stdout
    assert all(name in ended.stdout for name in COMMANDS)


def test_an_unknown_command_names_the_nearest_and_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serv"]) == 2
    assert "Did you mean 'serve'?" in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GateRefused("loading", ["no approval"]), 1),
        (NotFound("x"), 3),
        (TooLarge("x"), 3),
        (Corrupt("x"), 4),
        (HomeLocked("x"), 4),
        (Unauthenticated("x"), 5),
        (Forbidden("x"), 5),
        (AssayError("x"), 1),
    ],
)
def test_the_exit_code_says_who_must_act(error: AssayError, code: int) -> None:
    assert exit_code(error) == code


def test_a_deliberate_error_is_one_line_with_its_code(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--home", f"{tmp_path}/none"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("assay: not_found: ")
    assert said.count("\n") == 1
    assert "assay demo" in said
