import json
from pathlib import Path

import pytest

from assay.cli.main import main


def test_every_setting_is_shown_with_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assay.toml").write_text("[server]\nport = 9999\n", encoding="utf-8")
    monkeypatch.setenv("ASSAY_SERVER_TLS_KEY_PASSWORD", "hunter2")
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    assert main(["settings", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["server.port"]["value"] == "9999"
    assert shown["server.port"]["source"].endswith("assay.toml")
    assert shown["server.tls_key_password"]["value"] == "***"
    assert main(["settings"]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_an_unknown_setting_stops_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_SERVER_PROT", "1")
    assert main(["settings", "--home", str(tmp_path)]) == 3
    assert "ASSAY_SERVER_PORT" in capsys.readouterr().err
    assert main(["serve", "--home", str(tmp_path)]) == 3
