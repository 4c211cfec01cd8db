"""How fast is a sorted list of totals kept? Run by the peer's own Python: imports nothing of ours.

Usage: ``python leaderboard_peer.py FOLDER`` with FOLDER/moves.npz (accounts, deltas) and
FOLDER/job.json (every, top, repeats).
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def played(moves: list[tuple[int, int]], every: int, top: int) -> tuple[float, int]:
    """Seconds for all moves, and the checksum of all leaders on the way."""
    ranked = import_module("sortedcontainers").SortedList()
    totals: dict[int, int] = {}
    checksum = 0
    start = time.perf_counter()
    for place, (account, delta) in enumerate(moves, start=1):
        total = totals.get(account)
        if total is None:
            total = 0
        else:
            ranked.remove((-total, account))
        totals[account] = total = total + delta
        ranked.add((-total, account))
        if place % every == 0:
            checksum += sum(account * 31 - negated for negated, account in ranked[:top])
    return time.perf_counter() - start, checksum


def main(folder: Path) -> dict[str, Any]:
    """Seconds of every repeat and the checksum."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with np.load(folder / "moves.npz") as held:
        moves = list(zip(held["accounts"].tolist(), held["deltas"].tolist(), strict=True))
    results = [played(moves, job["every"], job["top"]) for _ in range(job["repeats"])]
    return {"seconds": [taken for taken, _ in results], "checksum": results[0][1]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
