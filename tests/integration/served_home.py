"""A home of the checkout workload without a model, and ``assay serve`` as a process on it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.app.home import Home, control
from assay.core.time import DAY
from assay.rules.lists import write_list
from assay.runtime.clock import wall_time
from assay.runtime.identity import Role, new_token, new_user

START = 1_767_225_600_000_000  # 2026-01-01
LISTS = ("stolen_cards", "sanctioned_names", "blocked_devices", "trusted_users")


@dataclass
class Process:
    """A running server."""

    popen: "subprocess.Popen[bytes]"
    url: str
    errors: Path

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(30)


def text_of(role: Role) -> str:
    """The token of a role, the same in every home."""
    return new_token(role.value, _entropy(role), 0, 1)[0]


def make_home(path: Path) -> None:
    """A home with lists and one token per role."""
    home, now = Home(path), wall_time()
    home.create()
    for name in LISTS:
        entries = ["Ivan Bad"] if name == "sanctioned_names" else []
        home.write_list(name, write_list(entries, as_of=START))
    (path / "assay.toml").write_text('[time]\nclock = "log"\n', encoding="utf-8")
    with control(home) as parts:
        for role in Role:
            parts.identity.add_user(new_user(role.value, "human", frozenset({role}), now))
            _, token = new_token(role.value, _entropy(role), now, now + DAY)
            parts.identity.add_token(token)


def _entropy(role: Role) -> bytes:
    return hashlib.sha512(role.value.encode()).digest()[:38]


@contextmanager
def serving(home: Path, *options: str, **variables: str) -> Iterator[Process]:
    """``assay serve`` until the block ends."""
    errors = home / "server.log"
    with errors.open("ab") as stream:
        popen = subprocess.Popen(
            command(home, "--json", *options),
            stdout=subprocess.PIPE,
            stderr=stream,
            env={**os.environ, **variables},
        )
    assert popen.stdout is not None
    try:
        line = popen.stdout.readline()
        assert line, errors.read_text(encoding="utf-8")
        yield Process(popen, json.loads(line)["url"], errors)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait(30)
        popen.stdout.close()


def command(home: Path, *options: str) -> list[str]:
    """The command line of a server on a free port."""
    base = [sys.executable, "-m", "assay.cli.main", "serve", "--home", str(home)]
    return [*base, "--port", "0", *options]


def booking(number: int, **data: Any) -> dict[str, Any]:
    """A booking request that nothing speaks against."""
    fields = {
        "user_id": f"user-{number % 7}",
        "device_id": f"device-{number % 7}",
        "card_id": f"card-{number % 7}",
        "listing_id": f"listing-{number % 5}",
        "host_id": f"host-{number % 5}",
        "guest_name": "Ann Good",
        "amount": 12_500,
        "nightly": 6_250,
        "suggested_nightly": 6_000,
        "nights": 2,
        "guests": 2,
        "lead_days": 30,
        "account_age_days": 400,
        "host_age_days": 900,
        "listing_age_days": 300,
        "local_hour": 14,
        "ip_country": "DE",
        "card_country": "DE",
        "home_country": "DE",
        "listing_country": "FR",
        **data,
    }
    return {"id": f"bk-{number}", "type": "booking", "ts": START + number * 60_000_000,
            "data": fields}  # fmt: skip
