"""How fast are features read, updated and backfilled, beside those who do the same?"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from assay.bench import features_peers
from assay.bench.features_backfill import Answer, backfill_rows
from assay.bench.features_deques import update_all
from assay.bench.features_reads import read_rows
from assay.bench.features_world import WINDOWS, Payments, by_card, payments
from assay.bench.peers import DUCKDB, RIVER, Peer, ask, missing
from assay.bench.report import Row, Timing, per_second, report, row, summarised, timed
from assay.core.errors import Unavailable
from assay.features.columns import Columns
from assay.features.state import FeatureState
from assay.runtime.cores import over_cores

#: Events that enter together, and how they enter.
GROUP = 1_000
_WAYS = (
    "one event a call",
    f"groups of {GROUP:,} events",
    f"columns of {GROUP:,} events",
    "columns of all at once",
)


def run(
    seed: int,
    *,
    events: int = 1_000_000,
    updates: int = 100_000,
    reads: int = 5_000,
    repeats: int = 3,
) -> dict[str, object]:
    """Measure and report; see the rows' names for what is done.

    Args:
        seed: of the simulated payments.
        events: backfilled at once.
        updates: applied one by one, and present when reading.
        reads: requests answered one by one, all different.
        repeats: of everything but reads, after one warm-up.
    """
    made = payments(seed, max(events, updates + reads))
    with TemporaryDirectory() as folder, over_cores() as spread:
        asked = _Asked(Path(folder), made, events, updates, repeats)
        rows = [
            *read_rows(made, updates, reads),
            *_update_rows(made, updates, repeats, asked),
            *backfill_rows(made, events, repeats, spread, asked.duckdb()),
        ]
    return report("features", seed=seed, rows=rows, packages=("numba", "numpy", "polars"))


class _Asked:
    """The peers that live in environments of their own, asked once each."""

    def __init__(
        self, folder: Path, made: Payments, events: int, updates: int, repeats: int
    ) -> None:
        self._folder, self._answers = folder, dict[str, dict[str, list[float]]]()
        self._job = {"repeats": repeats, "windows": WINDOWS, "updates": updates}
        np.savez(
            folder / "events.npz",
            ts=made.ts[:events],
            card=made.card[:events],
            cents=made.cents[:events],
            shop=made.shop[:events],
        )

    def timing(self, peer: Peer, measured: str) -> tuple[Timing | None, str]:
        """The peer's seconds, or None and why not."""
        why = missing(peer)
        if why:
            return None, why
        if peer.name not in self._answers:
            job = json.dumps({**self._job, "peer": peer.name})
            (self._folder / "job.json").write_text(job, encoding="utf-8")
            try:
                script = Path(features_peers.__file__)
                self._answers[peer.name] = ask(peer, script, self._folder)
            except Unavailable as error:
                return None, str(error)
        return summarised(self._answers[peer.name][measured]), ""

    def duckdb(self) -> dict[str, Answer]:
        """Its seconds and totals with and without distinct."""
        found: dict[str, Answer] = {}
        for measured in ("all", "plain"):
            timing, why = self.timing(DUCKDB, measured)
            answers = self._answers.get(DUCKDB.name, {})
            found[measured] = timing, answers.get(f"{measured}_totals", ()), why
        return found


def _update_rows(made: Payments, updates: int, repeats: int, asked: _Asked) -> list[Row]:
    """One event a call and many, beside river and deques one a call; ours takes late ones too."""
    catalog, history = by_card(distinct=True), list(made.events(updates))
    plain = [(e.ts, e.payload["card"], e.payload["cents"], e.payload["shop"]) for e in history]

    groups = [history[at : at + GROUP] for at in range(0, updates, GROUP)]
    columns = made.columns_of_groups(updates, GROUP)
    whole = made.columns_of_groups(updates, updates)

    def one_by_one() -> None:
        state = FeatureState(catalog)
        for event in history:
            state.apply(event)

    def in_groups() -> None:
        state = FeatureState(catalog)
        for group in groups:
            state.apply_batch(group)

    def as_columns(cut: list[Columns]) -> None:
        state = FeatureState(catalog)
        for group in cut:
            state.apply_columns("paid", group)

    *ours, deques = timed(
        one_by_one,
        in_groups,
        lambda: as_columns(columns),
        lambda: as_columns(whole),
        lambda: update_all(plain, WINDOWS),
        repeats=repeats,
    )
    theirs, why = asked.timing(RIVER, "updates")
    river = None if theirs is None else per_second(theirs, updates)
    rows: list[Row] = []
    for timing, how in zip(ours, _WAYS, strict=True):
        rate, what = per_second(timing, updates), f"live update, {how}, 15 features"
        rows += [
            row(f"{what} (river: 9)", rate, "events/s", "river", river, why=why),
            row(what, rate, "events/s", "deques in Python", per_second(deques, updates)),
        ]
    return rows
