"""A Kafka cluster for tests: the client library's own mock brokers, reached over real sockets.

It knows groups, rebalances, offsets and idempotent producers. It has no transactions, no fencing,
no retention and no CreateTopics: a topic comes into being, with four partitions, when asked for.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Producer

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4
SESSION = "4s"


@contextmanager
def mock_cluster(brokers: int = 3) -> Iterator[str]:
    """The addresses of a cluster that lives as long as the block."""
    # The producer that hosts the brokers; its own address is never used.
    host = Producer(
        {"bootstrap.servers": "none:1", "test.mock.num.brokers": brokers, "log_level": 0}
    )
    found = host.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    host.purge()


class WorkerProcess:
    """``assay worker`` in a process of its own, and what it has said so far."""

    def __init__(self, home: Path, brokers: str, *arguments: str) -> None:
        environment = {
            **os.environ,
            "ASSAY_KAFKA_PARTITIONS": str(PARTITIONS),
            "ASSAY_KAFKA_SESSION": SESSION,
        }
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "assay.cli.main", "worker"),
                *("--home", str(home), "--brokers", brokers, "--json", "--clock", "log"),
                *("--workload", "cards", *arguments),
            ],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.following: set[str] = set()
        self.stopped: dict[str, int] | None = None
        self.errors: list[str] = []
        streams = ((self._process.stdout, self._hear), (self._process.stderr, self._err))
        self._readers = [threading.Thread(target=self._read, args=pair) for pair in streams]
        for reader in self._readers:
            reader.start()

    def kill(self) -> None:
        """Kill -9: at a moment it could not choose."""
        self._process.kill()
        self._process.wait(10)
        self.following = set()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30)
        until(lambda: self.stopped is not None or code != 0, 5, "the last line")
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        for reader in self._readers:
            reader.join(10)

    def _hear(self, line: str) -> None:
        said = json.loads(line)
        if "following" in said:
            self.following = set(said["following"])
        self.stopped = said.get("stopped", self.stopped)

    def _err(self, line: str) -> None:
        self.errors.append(line)

    @staticmethod
    def _read(stream: Any, take: Callable[[str], None]) -> None:
        with stream:
            for line in stream:
                take(line)


def until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not in time.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def positions(home: Path) -> dict[str, int]:
    """The durable position of every partition of a home, read beside whoever has it."""
    found = {}
    for path in sorted((home / "partitions").glob("*/*/log.db")):
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                rows = connection.execute("SELECT next FROM position").fetchall()
        except sqlite3.OperationalError:  # it is being made
            rows = []
        found[f"{path.parent.parent.name}/{path.parent.name}"] = rows[0][0] if rows else 0
    return found
