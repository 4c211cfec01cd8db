"""A process that corrects or erases until it is killed, driven by a test.

``python -m tests.integration.facts_process correct FOLDER`` tells each correction once it is
acknowledged; ``... erase FOLDER N`` kills itself before the N-th statement of an erasure.
"""

import json
import os
import signal
import sys
from pathlib import Path

from assay.adapters.sqlite.log import SqliteLog
from assay.contracts.event import Event
from assay.runtime.ports import Entry
from assay.runtime.tombstones import tombstone

EVENTS = 4


def correct(folder: Path) -> None:
    """Take in an event and correct it, without end."""
    from tests.unit.decisions.small import AT
    from tests.unit.runtime.engines import body, make_engine

    from assay.runtime.reserved import check_free

    log = SqliteLog(folder / "log.db")
    engine = make_engine(log)
    number = log.last_seq()
    while True:
        number += 1
        back = {"id": f"r{number}", "type": "retraction", "ts": AT, "data": {"event": f"b{number}"}}
        taken = engine.ingest([body(f"b{number}", AT + number)])
        pair = body(f"c{number}", AT + number, amount=1), json.dumps(back).encode()
        corrected = engine.correct(*pair, check_free)
        taken.result(30)
        corrected.result(30)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def fill(folder: Path) -> None:
    """The log that is about to be erased from."""
    log = SqliteLog(folder / "log.db")
    log.append([entry(seq) for seq in range(1, EVENTS + 1)])
    log.close()


def entry(seq: int) -> Entry:
    """One entry about the subject."""
    event = Event(f"e{seq}", "login", seq, {"user_id": "subject-to-forget"})
    return Entry(seq=seq, event=event, known_at=seq, accepted=True)


def erase(folder: Path, statement: int) -> None:
    """Erase two entries, but be killed before that statement."""
    log = SqliteLog(folder / "log.db")
    seen = 0

    def count(_sql: str) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    log._file._writer.set_trace_callback(count)
    stones = [tombstone(entry(seq), "erasure_1", b"salt") for seq in (1, 3)]
    receipt = Entry(
        seq=EVENTS + 1,
        event=Event("erasure_1", "erasure", 9, {"erased": [1, 3]}),
        known_at=9,
        accepted=True,
    )
    log.erase(stones, receipt)
    os.kill(os.getpid(), signal.SIGKILL if seen >= statement else signal.SIGTERM)


if __name__ == "__main__":
    if sys.argv[1] == "correct":
        correct(Path(sys.argv[2]))
    else:
        erase(Path(sys.argv[2]), int(sys.argv[3]))
