import json
from pathlib import Path
from typing import Any

import pytest

from assay.app.home import Home, control
from assay.cli.main import main
from assay.core.errors import Unauthenticated
from assay.runtime.clock import wall_time
from assay.runtime.identity import authenticate


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def with_user(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "user", "ada", "--role", "reviewer", "--home", str(home)]) == 0
    capsys.readouterr()


def test_a_user_and_a_token_open_the_door_until_the_token_is_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    with_user(home, capsys)
    assert main(["token", "issue", "ada", "--home", str(home), "--json"]) == 0
    issued = said(capsys)
    with control(Home(home)) as parts:
        assert authenticate(parts.identity, issued["token"], wall_time()).user == "ada"
    assert main(["token", "revoke", issued["id"], "--home", str(home)]) == 0
    with control(Home(home)) as parts, pytest.raises(Unauthenticated, match="revoked"):
        authenticate(parts.identity, issued["token"], wall_time())


def test_the_token_is_alone_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_user(tmp_path, capsys)
    assert main(["token", "issue", "ada", "--lasts", "30m", "--home", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("assay_")
    assert len(captured.out.split()) == 1
    assert "shown once" in captured.err


def test_the_list_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_user(tmp_path, capsys)
    main(["token", "issue", "ada", "--home", str(tmp_path), "--json"])
    secret = said(capsys)["token"].split("_", 2)[2]
    assert main(["token", "list", "--home", str(tmp_path)]) == 0
    assert secret not in capsys.readouterr().out
    assert main(["token", "list", "--home", str(tmp_path), "--json"]) == 0
    listed = said(capsys)
    assert listed["users"][0]["roles"] == ["reviewer"]
    assert listed["tokens"][0]["state"] == "valid"
    assert secret not in json.dumps(listed)


def test_a_disabled_user_has_no_valid_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_user(tmp_path, capsys)
    main(["token", "issue", "ada", "--home", str(tmp_path), "--json"])
    text = said(capsys)["token"]
    assert main(["token", "disable", "ada", "--home", str(tmp_path)]) == 0
    with control(Home(tmp_path)) as parts, pytest.raises(Unauthenticated):
        authenticate(parts.identity, text, wall_time())


def test_each_act_is_in_the_audit_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_user(tmp_path, capsys)
    main(["token", "issue", "ada", "--home", str(tmp_path), "--json"])
    token_id = said(capsys)["id"]
    main(["token", "revoke", token_id, "--home", str(tmp_path)])
    with control(Home(tmp_path)) as parts:
        acts = [entry.action for entry in parts.governance.entries()]
        assert acts == ["token revoked", "token issued", "user added"]
        assert parts.governance.verify().ok


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["token", "user", "Ada", "--role", "reviewer"], 3, "user name"),
        (["token", "user", "ada"], 2, "--role"),
        (["token", "user", "ada", "--role", "king"], 2, "king"),
        (["token", "issue", "bob"], 3, "no user 'bob'"),
        (["token", "issue", "ada", "--days", "0"], 2, "days"),
        (["token", "issue", "ada", "--lasts", "soon"], 3, "duration"),
        (["token", "revoke", "000000000000"], 3, "no token"),
        (["token", "disable", "bob"], 3, "no user 'bob'"),
    ],
)
def test_what_cannot_be_is_said_with_its_exit_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    with_user(tmp_path, capsys)
    assert main([*arguments, "--home", str(tmp_path)]) == code
    assert words in capsys.readouterr().err


def test_only_adding_a_user_makes_a_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "list", "--home", str(tmp_path / "none")]) == 3
    assert "not a home folder" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("act", ["user", "issue", "revoke", "disable"])
def test_an_audit_log_that_cannot_be_continued_leaves_nothing_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], act: str
) -> None:
    with_user(tmp_path, capsys)
    main(["token", "issue", "ada", "--home", str(tmp_path), "--json"])
    words = {
        "user": ["bob", "--role", "admin"],
        "issue": ["ada"],
        "revoke": [said(capsys)["id"]],
        "disable": ["ada"],
    }[act]
    with control(Home(tmp_path)) as parts:
        before = (list(parts.identity.users()), list(parts.identity.tokens()))
    (tmp_path / "audit.checkpoint").unlink()
    assert main(["token", act, *words, "--home", str(tmp_path)]) != 0
    with control(Home(tmp_path)) as parts:
        assert (list(parts.identity.users()), list(parts.identity.tokens())) == before


@pytest.mark.parametrize(
    "words", [("user", "ada", "--role", "admin"), ("issue", "bob"), ("revoke", "0" * 12),
              ("disable", "bob"), ("user", "operator", "--role", "admin")]
)  # fmt: skip
def test_what_is_refused_is_not_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with_user(tmp_path, capsys)
    with control(Home(tmp_path)) as parts:
        before = parts.governance.verify()
    assert main(["token", *words, "--home", str(tmp_path)]) != 0
    with control(Home(tmp_path)) as parts:
        assert parts.governance.verify() == before
        assert [user.name for user in parts.identity.users()] == ["ada"]
