"""The tutorial, as a user walks it: a file of events becomes governed, proven decisions.

Simulate a history, import it, train, be refused, have it validated and approved by others, serve
it, decide over HTTP, stop; then all three promises hold, and each breaks loudly when its evidence
is tampered with. Everything goes through the installed command.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.integration.served_home import serving

from assay.core.time import DAY, parse_time

KEY = "checkout-risk@1"
START = parse_time("2025-06-02T00:00:00Z")
DAYS, LIVE_FROM = 43, START + 42 * DAY
#: So many requests are decided in the main journey; later tests ask about later ones, because a new
#: request far behind the newest is refused.
DECIDED = 150


class Journey:
    """One home folder and the people who work with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.tokens: dict[str, str] = {}
        self.live: list[dict[str, Any]] = []

    @property
    def bookings(self) -> list[dict[str, Any]]:
        """The requests of the live day, in order of time."""
        return [event for event in self.live if event["type"] == "booking"]

    def run(self, *words: str, by: str = "") -> "subprocess.CompletedProcess[str]":
        """One ``assay`` command, as whoever holds the token of ``by``."""
        environment = {**os.environ, "ASSAY_HOME": str(self.home)}
        if by:
            environment["ASSAY_TOKEN"] = self.tokens[by]
        command = [sys.executable, "-m", "assay.cli.main", *words]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    def ok(self, *words: str, by: str = "") -> dict[str, Any]:
        """The JSON answer of a command that must succeed."""
        done = self.run(*words, "--json", by=by)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """A home with a history, people, lists, and a version trained but approved by nobody."""
    journey = Journey(tmp_path_factory.mktemp("journey"))
    world, history = journey.folder / "world", journey.folder / "history.jsonl"
    days = ("--days", str(DAYS), "--bookings-per-day", "1500")
    journey.ok("simulate", "--out", str(world), *days)
    with (world / "events.jsonl").open() as lines, history.open("w") as early:
        for line in lines:
            event = json.loads(line)
            if event["ts"] < LIVE_FROM:
                early.write(line)
            else:
                journey.live.append(event)
    journey.home.mkdir()
    (journey.home / "assay.toml").write_text('[time]\nclock = "log"\n')
    imported = journey.ok("import", str(history))
    assert imported["accepted"] > 80_000
    assert imported["refused"] == 0
    for name, role in (("dev", "engineer"), ("val", "validator"), ("app", "approver")):
        journey.ok("token", "user", name, "--role", role)
    journey.ok("token", "user", "svc", "--role", "service", "--service")
    for name in ("dev", "val", "app", "svc"):
        journey.tokens[name] = journey.ok("token", "issue", name)["token"]
    entries = journey.folder / "entries.txt"
    entries.write_text("Ivan Bad\n")
    for name in ("sanctioned_names", "stolen_cards", "blocked_devices", "trusted_users"):
        journey.ok("list", "put", name, str(entries), "--as-of", "2025-07-14T00:00:00Z", by="dev")
    trained = journey.ok("train", by="dev")
    assert trained["version"] == KEY
    assert trained["failed"] == []
    return journey


def decide(url: str, token: str, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """POST one request for a decision."""
    request = urllib.request.Request(
        url + "/v1/decisions",
        json.dumps(event).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def test_the_way_to_live_traffic_and_every_shortcut_refused(journey: Journey) -> None:
    # A version in development is not served, and its developer cannot approve it.
    assert journey.run("serve", "--port", "0").returncode == 1
    assert (
        journey.run(
            "model", "approve", KEY, "--role", "approver", "--comment", "x", by="dev"
        ).returncode
        == 5
    )
    assert journey.run("model", "promote", KEY, "live", by="dev").returncode == 1
    assert journey.ok("model", "submit", KEY, by="dev")["state"] == "validation"

    # One approval is not enough; nor is a second by the same person.
    opinion = ("--verdict", "approve", "--opinion", "Made again: the same bytes.")
    journey.ok("model", "validate", KEY, *opinion, by="val")
    journey.ok("model", "approve", KEY, "--role", "validator", "--comment", "ok", by="val")
    refused = journey.run("model", "promote", KEY, "approved", by="val")
    assert refused.returncode == 1
    assert "approver" in refused.stderr
    journey.ok("model", "approve", KEY, "--role", "approver", "--comment", "ok", by="app")
    journey.ok("model", "promote", KEY, "approved", by="app")
    assert journey.ok("model", "promote", KEY, "live", by="app")["state"] == "live"
    documents = {path.suffix for path in (journey.home / "documents").iterdir()}
    assert documents == {".html", ".pdf"}

    bookings = journey.bookings[:DECIDED]
    with serving(journey.home) as server:
        for event in bookings:
            status, answer = decide(server.url, journey.tokens["svc"], event)
            assert status == 200, answer
            assert answer["outcome"] in ("approve", "challenge", "review", "hold", "block")
        assert (
            decide(server.url, journey.tokens["svc"], bookings[0])[1]["event"] == bookings[0]["id"]
        )
        changed = {**bookings[0], "data": {**bookings[0]["data"], "amount": 1}}
        assert decide(server.url, journey.tokens["svc"], changed)[0] == 409
        spy = {**bookings[-1], "id": "bk-spy"}
        listed = {**spy, "data": {**spy["data"], "guest_name": "IVAN   Bad"}}
        assert decide(server.url, journey.tokens["svc"], listed)[1]["outcome"] == "hold"
        assert server.stop() == 0

    features = journey.ok("verify", "features")
    assert features["mismatches"] == 0
    assert features["compared"] > DECIDED * 100
    assert journey.ok("verify", "decisions")["mismatches"] == 0
    assert journey.ok("verify", "audit")["ok"] is True


def test_a_message_alone_changes_score_and_reasons(journey: Journey) -> None:
    calm = next(
        event
        for event in journey.bookings[DECIDED:]
        if event["data"].get("message_from") == "host" and event["data"]["host_age_days"] <= 120
    )
    texts = {
        "bk-calm": "Hello! We look forward to our stay, see you soon.",
        "bk-lure": "Pay by bank transfer outside the site, write to me: http://pay.example/x1",
    }
    answers = {}
    with serving(journey.home) as server:
        for name, text in texts.items():
            event = {**calm, "id": name, "data": {**calm["data"], "message_text": text}}
            status, answers[name] = decide(server.url, journey.tokens["svc"], event)
            assert status == 200
    calm_answer, lure_answer = answers["bk-calm"], answers["bk-lure"]
    assert lure_answer["probability"] != calm_answer["probability"]
    held = [
        {reason["code"] for reason in answer["reasons"] if reason["held"]}
        for answer in (calm_answer, lure_answer)
    ]
    assert "off_platform_payment" in held[1] - held[0]


@pytest.fixture
def copy(journey: Journey, tmp_path: Path) -> Journey:
    """The same home, free to be damaged."""
    damaged = Journey(tmp_path)
    shutil.copytree(journey.home, damaged.home)
    damaged.tokens = journey.tokens
    return damaged


def test_one_changed_byte_of_the_model_voids_its_approval(copy: Journey) -> None:
    model = copy.ok("model", "list")["versions"][0]["model"].removeprefix("sha256:")
    path = copy.home / "objects" / model[:2] / model[2:]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
    refused = copy.run("serve", "--port", "0")
    assert refused.returncode == 4
    assert model[:12] in refused.stderr


def test_an_edited_audit_row_is_found_and_stops_the_server(copy: Journey) -> None:
    with sqlite3.connect(copy.home / "control.db") as control:
        tables = [
            name
            for (name,) in control.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]
        for trigger in tables:
            control.execute(f'DROP TRIGGER "{trigger}"')
        control.execute("UPDATE audit SET actor = 'somebody' WHERE seq = 3")
    control.close()
    done = copy.run("verify", "audit", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False
    assert copy.run("serve", "--port", "0").returncode == 1


def test_an_edited_decision_is_found(copy: Journey) -> None:
    with sqlite3.connect(copy.home / "log.db") as log:
        for (trigger,) in log.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            log.execute(f'DROP TRIGGER "{trigger}"')
        seq, record = log.execute(
            "SELECT seq, record FROM entry WHERE decision IS NOT NULL LIMIT 1"
        ).fetchone()
        log.execute("UPDATE entry SET record = ? WHERE seq = ?", (record[:-1] + b"\x00", seq))
    log.close()
    assert copy.run("verify", "decisions").returncode == 4
    assert f"{seq}" in copy.run("verify", "decisions").stderr


def test_a_missing_sanctions_list_holds_every_request(copy: Journey, journey: Journey) -> None:
    (copy.home / "lists" / "sanctioned_names.list").unlink()
    event = journey.bookings[DECIDED]
    with serving(copy.home) as server:
        status, answer = decide(server.url, copy.tokens["svc"], {**event, "id": "bk-unscreened"})
    assert status == 200
    assert answer["outcome"] in ("hold", "block")
    assert answer["degraded"]
