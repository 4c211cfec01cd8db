"""A process with an engine on a home folder, driven by tests through its arguments and output.

``python -m tests.integration.engine_process MODE FOLDER [NUMBER]``; every line of output is JSON.
"""

import json
import resource
import sys
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tests.unit.decisions.small import AT
from tests.unit.runtime.engines import body, make_engine

from assay.adapters.sqlite.log import SqliteLog
from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.core.time import DAY, SECOND
from assay.runtime.online import Engine
from assay.runtime.ports import Entry

_PENDING = 32


def open_engine(folder: Path) -> tuple[SqliteLog, Engine]:
    """The engine of the decisions' tests on a real log."""
    log = SqliteLog(folder / "log.db")
    return log, make_engine(log, horizon=DAY)


def load(folder: Path, first: int) -> None:
    """Decide and take in events without end; print each acknowledgement once it is given."""
    log, engine = open_engine(folder)
    tell({"last": log.last_seq()})
    waiting: deque[tuple[str, Future[Any]]] = deque()
    number = first
    while True:
        name = f"b{number}"
        # Every fifth one lies a little back in time; users repeat, so that values depend on all.
        ts = AT + number * SECOND - (40 * SECOND if number % 5 == 0 else 0)
        raw = body(name, ts, user_id=f"u{number % 7}", amount=1 + number % 900)
        if number % 3 == 0:
            waiting.append((name, engine.ingest([raw])))
        else:
            waiting.append((name, engine.decide(raw, key=f"k{number}")))
        number += 1
        if len(waiting) >= _PENDING:
            name, future = waiting.popleft()
            answer = future.result(60)
            record = None if isinstance(answer, list) else answer
            tell({"event": name, "decision": record and record.id, "bits": _hex(record)})


def fill(folder: Path, limit: int) -> None:
    """Decide until files may not grow beyond ``limit`` bytes, then again without the limit."""
    log, engine = open_engine(folder)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    acknowledged = until_full(engine)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    recover(log, engine, acknowledged)


def fill_disk(folder: Path, _number: int) -> None:
    """Decide until the file system is full, then again after a ballast file is gone."""
    ballast = folder / "ballast"
    log, engine = open_engine(folder)
    acknowledged = until_full(engine)
    ballast.unlink()
    recover(log, engine, acknowledged)


def until_full(engine: Engine) -> list[str]:
    """Decide until the disk says no; what was acknowledged before."""
    acknowledged: list[str] = []
    for number in range(20_000):
        try:
            record = engine.decide(body(f"b{number}", AT + number, user_id="u")).result(60)
        except Unavailable as error:
            tell({"failed": f"b{number}", "error": str(error), "ready": engine.ready})
            return acknowledged
        acknowledged.append(record.event)
    raise AssertionError("the disk never filled up")


def recover(log: SqliteLog, engine: Engine, acknowledged: list[str]) -> None:
    """Wait until the engine is ready again, decide once more, and tell how things stand."""
    end = time.monotonic() + 60
    while not engine.ready and time.monotonic() < end:
        time.sleep(0.01)
    record = engine.decide(body("after", AT + DAY // 2, user_id="u")).result(60)
    stored = [logged.event.id for logged in log.read()]
    tell(
        {
            "acknowledged": acknowledged,
            "stored": stored,
            "counted": int.from_bytes(record.bits[:8], "little"),
            "rebuilds": engine.stats.rebuilds,
        }
    )
    engine.close()
    log.close()


def append(folder: Path, groups: int) -> None:
    """Append that many groups of three and print after each: what strace watches."""
    log = SqliteLog(folder / "log.db")
    for group in range(groups):
        log.append(
            [
                Entry(
                    seq=3 * group + place,
                    event=Event(f"e{group}-{place}", "login", AT, {"user": "u"}),
                    known_at=AT,
                    accepted=True,
                )
                for place in (1, 2, 3)
            ]
        )
        tell({"durable": group})
    log.close()


def tell(line: dict[str, Any]) -> None:
    """One line of output, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _hex(record: Any) -> str | None:
    return None if record is None else (record.bits + record.known).hex()


if __name__ == "__main__":
    modes = {"load": load, "fill": fill, "fill-disk": fill_disk, "append": append}
    modes[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
