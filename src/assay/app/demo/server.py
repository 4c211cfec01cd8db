"""How does the demo run the server its users would run? As a process of its own, over HTTP."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.core.errors import Unavailable

READY_WITHIN_S = 300.0
_STOP_WITHIN_S = 30.0


@contextmanager
def serving(home: Path, *, log: Path) -> Iterator[tuple[str, int]]:
    """Run ``assay serve`` on a free port until the block ends; yields host and port when ready.

    Raises:
        Unavailable: it ended, or was not ready in time; the message holds its last words.
    """
    host, port = "127.0.0.1", _free_port()
    command = [sys.executable, "-m", "assay.cli.main", "serve", "--home", str(home)]
    command += ["--host", host, "--port", str(port)]
    with log.open("wb") as out:
        environment = {**os.environ, "ASSAY_SERVER_ACCESS_LOG": "false"}
        process = subprocess.Popen(  # noqa: S603 - our own command on our own folder
            command, stdout=out, stderr=out, env=environment
        )
    try:
        _wait_ready(process, host, port, log)
        yield host, port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Unavailable(f"the server did not stop in {_STOP_WITHIN_S:.0f} s") from None


def _wait_ready(process: "subprocess.Popen[bytes]", host: str, port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Unavailable(f"the server ended with code {process.returncode}: {_tail(log)}")
        if _ready(host, port):
            return
        time.sleep(0.1)
    raise Unavailable(f"the server was not ready in {READY_WITHIN_S:.0f} s: {_tail(log)}")


def _ready(host: str, port: int) -> bool:
    line = http.client.HTTPConnection(host, port, timeout=2)
    try:
        line.request("GET", "/readyz")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False  # not listening yet: asked again until the deadline
    finally:
        line.close()


def fetch(host: str, port: int, path: str, token: str) -> dict[str, object]:
    """GET a JSON document.

    Raises:
        Unavailable: any answer but success.
    """
    return _call("GET", host, port, path, token, None)


def post(host: str, port: int, path: str, token: str, body: object) -> dict[str, object]:
    """POST a JSON document and read the answer.

    Raises:
        Unavailable: any answer but success.
    """
    return _call("POST", host, port, path, token, json.dumps(body).encode())


def _call(
    method: str, host: str, port: int, path: str, token: str, body: bytes | None
) -> dict[str, object]:
    line = http.client.HTTPConnection(host, port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        line.request(method, path, body, headers)
        response = line.getresponse()
        data = response.read()
    finally:
        line.close()
    if response.status >= 300:
        raise Unavailable(f"{method} {path} answered {response.status}: {data[:500]!r}")
    found = json.loads(data)
    assert isinstance(found, dict)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2_000:]
