"""How fast do leaders change? Arbitrary deltas, the top ten asked after every thousand updates."""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from assay.bench import leaderboard_peer
from assay.bench.peers import SORTED, ask, missing
from assay.bench.report import Timing, report, row, summarised
from assay.core.errors import AssayError, Unavailable
from assay.features.leaderboard import Leaderboard

Ints = NDArray[np.int64]
_EVERY, _TOP = 1_000, 10


class Differs(AssayError):
    """The peer found other leaders, so its time says nothing."""

    code = "bench_differs"


def run(
    seed: int, *, updates: int = 1_000_000, accounts: int = 50_000, repeats: int = 3
) -> dict[str, object]:
    """Measure updates a second, beside a sorted list of (total, account) kept up to date.

    Raises:
        Differs: the two do not agree on all leaders.
    """
    rng = np.random.default_rng(seed)
    skewed = np.minimum(rng.pareto(0.8, updates) * 20, accounts - 1).astype(np.int64)
    deltas = rng.integers(-10_000, 12_000, updates)
    moves = list(zip(skewed.tolist(), deltas.tolist(), strict=True))
    seconds, checksum = [], 0
    for _ in range(repeats):
        taken, checksum = _played(Leaderboard[int](), moves)
        seconds.append(taken)
    ours = _rate(seconds, updates)
    theirs, why = _peer(skewed, deltas, checksum, repeats)
    name = f"{updates:,} updates of {accounts:,} accounts, top {_TOP} every {_EVERY:,}"
    rows = [row(name, ours, "updates/s", SORTED.name, theirs, why=why)]
    return report("leaderboard", seed=seed, rows=rows)


def _played(board: Leaderboard[int], moves: list[tuple[int, int]]) -> tuple[float, int]:
    checksum, update = 0, board.update
    start = time.perf_counter()
    for place, (account, delta) in enumerate(moves, start=1):
        update(account, delta)
        if place % _EVERY == 0:
            checksum += sum(account * 31 + total for account, total in board.top_k(_TOP))
    return time.perf_counter() - start, checksum


def _peer(accounts: Ints, deltas: Ints, checksum: int, repeats: int) -> tuple[Timing | None, str]:
    why = missing(SORTED)
    if why:
        return None, why
    with TemporaryDirectory() as folder:
        inputs = Path(folder)
        np.savez(inputs / "moves.npz", accounts=accounts, deltas=deltas)
        job = {"every": _EVERY, "top": _TOP, "repeats": repeats}
        (inputs / "job.json").write_text(json.dumps(job), encoding="utf-8")
        try:
            answer = ask(SORTED, Path(leaderboard_peer.__file__), inputs)
        except Unavailable as error:
            return None, str(error)
    if answer["checksum"] != checksum:
        raise Differs(f"checksum of the leaders: ours {checksum}, theirs {answer['checksum']}")
    return _rate(answer["seconds"], len(deltas)), ""


def _rate(seconds: list[float], updates: int) -> Timing:
    return summarised([updates / taken for taken in seconds])
