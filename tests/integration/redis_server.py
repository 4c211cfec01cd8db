"""A real ``redis-server`` on a free port in a temporary folder, to be killed, paused, restarted."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from assay.adapters.redis.client import Address, connect

BINARY = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(
    BINARY is None, reason="no redis-server here: .ci/run installs Debian's package `redis-server`"
)
#: Generous: the suite shares its machine. What a missed one leads to has tests of its own.
PATIENT_MS = 5_000


class RedisServer:
    """One server that keeps nothing on disk; ``password`` is asked of everybody if given."""

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self._folder, self._password = folder, password
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start with nothing in memory, and wait until it answers."""
        command = [
            str(BINARY), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", str(self._folder), "--maxmemory", "64mb",
            "--maxmemory-policy", "noeviction",
        ]  # fmt: skip
        if self._password is not None:
            command += ["--requirepass", self._password]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with suppress(RedisError), self.client() as client:
                client.ping()
                return
            time.sleep(0.05)
        raise AssertionError("redis-server did not answer within 10 seconds")

    def address(self, timeout_ms: int = PATIENT_MS) -> Address:
        """Where it is, with its password."""
        return Address(
            host="127.0.0.1", port=self.port, password=self._password, timeout_ms=timeout_ms
        )

    def client(self, timeout_ms: int = PATIENT_MS) -> Redis:
        """A client of our own making."""
        return connect(self.address(timeout_ms))

    def kill(self) -> None:
        """As if the machine were gone: what it held is lost."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def pause(self) -> None:
        """It accepts connections (the system does) and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on where it was paused."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """Stop it, paused or not."""
        assert self._process is not None
        if self._process.poll() is None:
            self.resume()
            self.kill()


@contextmanager
def redis_server(folder: Path, password: str | None = None) -> Iterator[RedisServer]:
    """A server for as long as the block lasts."""
    server = RedisServer(folder, password)
    try:
        yield server
    finally:
        server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
