"""The server as a process: it starts, refuses to start, is told to stop, and loses nothing."""

import re
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest
from tests.integration.approved_versions import go_live, person, registered
from tests.integration.served_home import (
    Process,
    booking,
    command,
    make_home,
    serving,
    text_of,
)

from assay.app.home import Home, control
from assay.app.workloads import rules_only, workload_named
from assay.core.canonical import canonical
from assay.runtime.identity import Role

ENDED_WITHIN_S = 60
#: The same in every home that ``make_home`` makes.
TOKENS = {role.value: text_of(role) for role in Role}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path / "home")
    return tmp_path / "home"


def client(server: Process, role: str = "service") -> httpx.Client:
    headers = {"authorization": f"Bearer {TOKENS[role]}"}
    return httpx.Client(base_url=server.url, headers=headers)


def refused(home: Path, *options: str) -> tuple[int, str]:
    ended = subprocess.run(
        command(home, *options), capture_output=True, text=True, timeout=ENDED_WITHIN_S, check=False
    )
    return ended.returncode, ended.stderr


def test_what_was_acknowledged_is_there_after_a_restart(home: Path) -> None:
    with serving(home) as server, client(server) as calls:
        made = calls.post("/v1/decisions", json=booking(1))
        assert made.status_code == 200, made.text
        assert server.stop() == 0
    with serving(home) as server, client(server) as calls:
        assert calls.get(f"/v1/decisions/{made.json()['id']}").content == made.content
        assert calls.post("/v1/decisions", json=booking(1)).content == made.content
        assert server.stop(signal.SIGINT) == 0


def test_sigterm_under_load_answers_what_is_in_flight_and_loses_nothing(home: Path) -> None:
    answered: list[str] = []
    with serving(home) as server:
        stopping = threading.Event()

        def send(first: int) -> None:
            with client(server) as calls:
                for n in range(first, 100_000, 4):  # side by side in time, so none is too old
                    try:
                        answer = calls.post("/v1/decisions", json=booking(n))
                    except httpx.TransportError:
                        assert stopping.is_set(), "a connection broke before the stop"
                        return
                    assert answer.status_code == 200, answer.text
                    answered.append(answer.json()["id"])

        senders = [threading.Thread(target=send, args=(k,)) for k in range(4)]
        for sender in senders:
            sender.start()
        while len(answered) < 50:
            time.sleep(0.01)
        stopping.set()
        assert server.stop() == 0
        for sender in senders:
            sender.join(30)
    log = sqlite3.connect(home / "log.db")
    try:
        stored = {row[0] for row in log.execute("SELECT decision FROM entry")}
    finally:
        log.close()
    assert set(answered) <= stored
    assert len(set(answered)) >= 50


def test_a_second_server_on_one_home_is_refused_and_the_first_goes_on(home: Path) -> None:
    with serving(home) as server, client(server) as calls:
        code, said = refused(home)
        assert code == 4
        assert "home_locked" in said
        assert f"in use by process {server.popen.pid}" in said
        assert calls.post("/v1/decisions", json=booking(1)).status_code == 200


def test_a_port_in_use_is_said_at_once(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "second"
    make_home(other)
    with serving(home) as server:
        port = server.url.rpartition(":")[2]
        code, said = refused(other, "--port", port)
    assert code == 4
    assert f"port {port}" in said


def test_a_folder_that_is_no_home_is_refused(tmp_path: Path) -> None:
    code, said = refused(tmp_path / "nothing")
    assert code == 3
    assert "not a home folder" in said


def test_a_setting_nobody_knows_is_refused(home: Path) -> None:
    (home / "assay.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
    code, said = refused(home)
    assert code == 3
    assert "server.port" in said


def test_the_log_holds_one_json_line_a_request_without_payload_or_token(home: Path) -> None:
    import json

    with serving(home) as server, client(server) as calls:
        calls.post("/v1/decisions", json=booking(1, guest_name="Very Private"))
        calls.get("/v1/decisions/dec_none")
        server.stop()
    text = server.errors.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    served = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"], line["user"]) for line in served] == [
        ("/v1/decisions", 200, "service"),
        ("/v1/decisions/{decision_id}", 404, "service"),
    ]
    assert "Very Private" not in text
    assert "assay_0" not in text


@pytest.fixture
def approved(home: Path) -> tuple[Home, str, str]:
    """A home whose rules-only policy is live, its key and its policy's digest."""
    folder, policy = Home(home), rules_only(workload_named("checkout"))
    folder.objects().put(canonical(policy))
    with control(folder) as parts:
        key = registered(parts.governance, policy.digest)
        go_live(parts.governance, key, policy.digest)
    return folder, key, policy.digest


def test_an_approved_version_is_loaded_and_named(approved: tuple[Home, str, str]) -> None:
    home, key, policy = approved
    with serving(home.path) as server, client(server) as calls:
        assert calls.post("/v1/decisions", json=booking(1)).json()["policy"] == policy
    with serving(home.path) as server, client(server, "auditor") as calls:
        models = calls.get("/v1/models").json()
        assert [(m["key"], m["state"], m["deciding"]) for m in models] == [(key, "live", True)]


def test_a_version_without_approval_is_not_loaded_and_the_reason_is_said(home: Path) -> None:
    policy = rules_only(workload_named("checkout"))
    Home(home).objects().put(canonical(policy))
    with control(Home(home)) as parts:
        key = registered(parts.governance, policy.digest)
    code, said = refused(home)
    assert code == 1
    assert "gate_refused" in said
    assert f"{key} is draft" in said


def test_a_suspended_version_is_not_loaded(approved: tuple[Home, str, str]) -> None:
    home, key, _ = approved
    with control(home) as parts:
        parts.governance.suspend(person("val", Role.VALIDATOR), key, "drift")
    code, said = refused(home.path)
    assert code == 1
    assert f"{key} is suspended" in said


def test_one_changed_byte_of_what_was_approved_stops_the_load(
    approved: tuple[Home, str, str],
) -> None:
    home, _, policy = approved
    (file,) = [
        path
        for path in (home.path / "objects").rglob("*")
        if path.is_file() and path.name in policy
    ]
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(data))
    code, said = refused(home.path)
    assert code == 4
    assert "corrupt" in said


def test_an_edited_audit_row_stops_the_load(approved: tuple[Home, str, str]) -> None:
    home, _, _ = approved
    database = sqlite3.connect(home.control_path)
    names = [r[0] for r in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'")]
    for name in names:
        database.execute(f'DROP TRIGGER "{name}"')
    (table,) = [
        r[0]
        for r in database.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND name LIKE 'audit%'"
        )
    ]
    database.execute(f"UPDATE {table} SET actor = 'mallory' WHERE seq = 3")
    database.commit()
    database.close()
    code, said = refused(home.path)
    assert code == 1
    assert "audit log does not verify" in said


def test_nothing_in_the_message_of_a_refusal_is_a_traceback(home: Path) -> None:
    (home / "control.db").write_bytes(b"not a database" * 100)
    code, said = refused(home)
    assert code == 4
    assert not re.search(r"Traceback|File \"", said)
