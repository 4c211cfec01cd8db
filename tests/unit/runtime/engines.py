"""A small engine for tests: the policy of the decisions' tests over an in-memory log."""

import json
from collections.abc import Callable
from typing import Any

from tests.unit.decisions.small import AT, CATALOG, CONTRACTS, LinearScorer, compiled

from assay.core.time import DAY
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.redecide import Scorer
from assay.rules.lists import ListSnapshot
from assay.runtime.clock import LogClock
from assay.runtime.intake import REQUEST_AGE_MAX
from assay.runtime.keeping import KEEPING, Keeping
from assay.runtime.memory import MemoryLists, MemoryLog
from assay.runtime.online import Engine
from assay.runtime.ports import Clock, ListSource
from assay.runtime.snapshot import SnapshotStore


def make_lists() -> MemoryLists:
    """A sanctions list with one name and an empty list of trusted users."""
    return MemoryLists(
        {
            "on_sanctions": ListSnapshot("on_sanctions", "sha256:s", AT, frozenset({"Bad Name"})),
            "on_trusted": ListSnapshot("on_trusted", "sha256:t", AT + DAY, frozenset({"vip"})),
        }
    )


def make_engine(
    log: Any = None,
    *,
    policy: CompiledPolicy | None = None,
    decides: bool = True,
    scorer: Scorer | None = None,
    lists: ListSource | None = None,
    clock: Clock | None = None,
    horizon: int = 2 * DAY,
    request_age_max: int = REQUEST_AGE_MAX,
    monotonic: Callable[[], int] = lambda: 0,
    waiting_max: int = 1_000,
    snapshots: SnapshotStore | None = None,
    keeping: Keeping = KEEPING,
    memory_max: int | None = None,
) -> Engine:
    """An engine on ``log`` (in memory by default) whose monotonic clock stands still."""
    kept = MemoryLog() if log is None else log
    return Engine.recover(
        contracts=CONTRACTS,
        catalog=CATALOG,
        policy=(policy or compiled()) if decides else None,
        scorer=LinearScorer() if scorer is None else scorer,
        lists=make_lists() if lists is None else lists,
        log=kept,
        quarantine=kept,
        clock=clock or LogClock(),
        horizon=horizon,
        request_age_max=request_age_max,
        monotonic=monotonic,
        waiting_max=waiting_max,
        snapshots=snapshots,
        keeping=keeping,
        memory_max=memory_max,
    )


def body(name: str, ts: int = AT, **data: Any) -> bytes:
    """A booking as JSON."""
    payload = {"user_id": "u1", "guest_name": "Ann", "amount": 5_000, "distance": 1.0, **data}
    return json.dumps({"id": name, "type": "booking", "ts": ts, "data": payload}).encode()
