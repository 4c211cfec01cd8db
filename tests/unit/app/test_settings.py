from pathlib import Path

import pytest

from assay.app.kinds import Secret
from assay.app.settings import Settings, current_environment, home_from, read_settings
from assay.app.worker import connection_of
from assay.core.errors import Invalid, Unknown
from assay.core.time import HOUR, SECOND


def written(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "assay.toml").write_text(text, encoding="utf-8")
    return home


def value_of(settings: Settings, name: str) -> dict[str, str]:
    return next(row for row in settings.effective() if row["name"] == name)


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "absent", {})
    assert settings.server.port == 8460
    assert settings.time.log_jump == 36 * HOUR
    assert {row["source"] for row in settings.effective()} == {"default"}


def test_the_environment_overrides_the_file_and_the_command_line_overrides_both(
    tmp_path: Path,
) -> None:
    home = written(tmp_path, '[server]\nport = 1000\nbody_seconds = "3s"\nhost = "::1"\n')
    settings = read_settings(
        home, {"ASSAY_SERVER_PORT": "2000", "PATH": "/bin"}, {"server.port": 3000}
    )
    assert settings.server.port == 3000
    assert settings.server.body_seconds == 3 * SECOND
    assert value_of(settings, "server.port")["source"] == "command line"
    assert value_of(settings, "server.body_seconds")["value"] == "3s"
    assert value_of(settings, "server.host")["source"].endswith("assay.toml")
    assert read_settings(home, {"ASSAY_SERVER_PORT": "2000"}).server.port == 2000


def test_an_option_that_was_not_given_changes_nothing(tmp_path: Path) -> None:
    assert read_settings(tmp_path, {}, {"server.port": None}).server.port == 8460


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("[server]\nprot = 1\n", "server.port"),
        ("worklod = 'checkout'\n", "workload"),
        ("[sevrer]\nport = 1\n", "server"),
        ("[sevrer]\n", "server"),
    ],
)
def test_an_unknown_key_in_the_file_names_the_nearest(
    tmp_path: Path, text: str, nearest: str
) -> None:
    with pytest.raises(Unknown, match=f"Did you mean '{nearest}'"):
        read_settings(written(tmp_path, text), {})


def test_an_unknown_variable_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="Did you mean 'ASSAY_SERVER_PORT'"):
        read_settings(tmp_path, {"ASSAY_SERVR_PORT": "1"})


def test_home_and_data_are_variables_but_not_settings(tmp_path: Path) -> None:
    read_settings(tmp_path, {"ASSAY_HOME": "x", "ASSAY_DATA": "y"})
    assert home_from({"ASSAY_HOME": "x"}, None) == Path("x")
    assert home_from({"ASSAY_HOME": "x"}, "z") == Path("z")
    assert home_from({}, None) == Path("assay-home")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\nport = 70000\n", "expected a port from 0 to 65535, got 70000"),
        ("[server]\nport = true\n", "expected a port"),
        ("[server]\nport = 1.5\n", "expected a port"),
        ("[server]\nbehind_tls = 3\n", "expected true or false, got 3"),
        ("[server]\nbehind_tls = 'maybe'\n", "expected true or false, got 'maybe'"),
        ("[server]\nhost = 3\n", "expected text, got 3"),
        ("[server]\nbody_seconds = 30\n", "expected a duration such as 30s"),
        ("[limits]\nevents_items = 0\n", "expected a whole number from 1 up"),
        ("[time]\nclock = 'moon'\n", "expected one of wall, log, got 'moon'"),
        ("[server\n", "expected TOML"),
    ],
)
def test_a_bad_value_says_where_what_was_expected_and_what_came(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(Invalid, match=expected) as caught:
        read_settings(written(tmp_path, text), {})
    assert "assay.toml" in str(caught.value)


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"ASSAY_SERVER_PORT: server\.port: expected a port"):
        read_settings(tmp_path, {"ASSAY_SERVER_PORT": "http"})


def test_tokens_never_travel_in_clear_text_by_accident(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="behind_tls"):
        read_settings(tmp_path, {"ASSAY_SERVER_HOST": "0.0.0.0"})
    settings = read_settings(
        tmp_path, {"ASSAY_SERVER_HOST": "0.0.0.0", "ASSAY_SERVER_BEHIND_TLS": "yes"}
    )
    assert settings.server.speaks_tls


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="together"):
        read_settings(tmp_path, {"ASSAY_SERVER_TLS_KEY": "key.pem"})


def test_a_secret_never_shows_itself(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, {"ASSAY_SERVER_TLS_KEY_PASSWORD": "hunter2"})
    assert settings.server.tls_key_password == Secret("hunter2")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert "hunter2" not in f"{settings!r} {settings.effective()!r} {settings.server!s}"
    assert value_of(settings, "server.tls_key_password")["value"] == "***"
    with pytest.raises(Invalid) as caught:
        read_settings(written(tmp_path, "[server]\ntls_key_password = 12345\n"), {})
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASSAY_KAFKA_BROKERS", "k1:9092,worker:hunter2@k2:9092"),
        ("ASSAY_REDIS_HOST", "redis://:hunter2@cache"),
        ("ASSAY_REDIS_PORT", "redis://ann:hunter2@cache:6379/0"),
        ("ASSAY_REDIS_TLS_CA", "https://ann:hunter2@files/ca.pem"),
    ],
)
def test_a_password_in_a_setting_that_is_no_secret_is_refused_and_not_shown(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(Invalid, match=f"{name}: .* seems to hold a password") as raised:
        read_settings(tmp_path, {name: value})
    assert "hunter2" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert read_settings(tmp_path, {"ASSAY_KAFKA_BROKERS": "k1:9092,[::1]:9093"}).kafka.brokers


def test_settings_cannot_be_changed_after_they_were_read(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, {})
    with pytest.raises(AttributeError):
        settings.server.port = 1  # type: ignore[misc] # the point of the test


def test_every_setting_has_a_sentence_and_a_variable() -> None:
    rows = Settings(home=Path()).effective()
    assert len(rows) > 15
    assert all(row["about"] and row["variable"].startswith("ASSAY_") for row in rows)


def test_the_process_environment_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", "there")
    assert current_environment()["ASSAY_HOME"] == "there"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('security = "sasl_ssl"', "needs kafka.username and kafka.password"),
        ('username = "w"\npassword = "hunter2"', "never uses it"),
        (
            'security = "sasl_plaintext"\nmechanism = "PLAIN"\nusername = "w"\npassword = "x"',
            "in clear text",
        ),
        ('security = "ssl"\ncertificate = "c.pem"', "set together"),
        ('ca_file = "ca.pem"', "nothing is encrypted"),
    ],
)
def test_kafka_settings_that_do_not_go_together_are_refused_without_telling_secrets(
    tmp_path: Path, text: str, wrong: str
) -> None:
    with pytest.raises(Invalid, match=wrong) as raised:
        read_settings(written(tmp_path, f"[kafka]\n{text}\n"), {})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("topic", ["../x", "/tmp/x", "a/b", "..", ".", "", "a\n", "é", "x" * 185])
def test_a_topic_that_is_no_name_of_one_is_refused(tmp_path: Path, topic: str) -> None:
    """The histories of a topic lie in a folder of its name, which stays below the home."""
    with pytest.raises(Invalid, match=r"kafka\.topic .*: expected 1 to 184 letters"):
        read_settings(tmp_path, {"ASSAY_KAFKA_TOPIC": topic})
    assert read_settings(tmp_path, {"ASSAY_KAFKA_TOPIC": "..x_1.y-z"}).kafka.topic == "..x_1.y-z"


def test_kafka_secrets_never_show(tmp_path: Path) -> None:
    text = '[kafka]\nsecurity = "sasl_ssl"\nusername = "w"\npassword = "hunter2"\n'
    settings = read_settings(written(tmp_path, text), {"ASSAY_KAFKA_METRICS_PORT": "0"})
    assert settings.kafka.metrics_port == 0
    assert value_of(settings, "kafka.password")["value"] == "***"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(connection_of(settings.kafka))
    assert connection_of(settings.kafka).options()["sasl.password"] == "hunter2"
