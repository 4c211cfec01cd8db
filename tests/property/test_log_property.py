"""Whatever comes, however late, and wherever the process ends: verdicts and values by an oracle.

The oracle keeps one list of what counts and knows three rules: an event counts unless it is older
than the newest by more than the horizon; what was taken back counts no more; a window is [T-w, T).
"""

from dataclasses import dataclass, field
from time import sleep

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.decisions.small import AT, CATALOG, CONTRACTS, LinearScorer, make_policy
from tests.unit.runtime.engines import body, make_engine
from tests.unit.runtime.failing import FailingLog

from assay.core.time import DAY, HOUR
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.runtime.intake import Ack
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine
from assay.runtime.replay import verify_features

HORIZON = HOUR
#: How far behind the newest event: at the edges of the horizon and of the window, and between.
BEHIND = st.sampled_from(
    [
        0,
        0,
        1,
        7,
        HORIZON - 1,
        HORIZON,
        HORIZON + 1,
        2 * HORIZON,
        -1,
        -HOUR,
        -DAY,
        -DAY + 1,
        -DAY - 1,
    ]
)


@dataclass
class Oracle:
    """What counts, as (ts, id, user, amount)."""

    counting: list[tuple[int, str, str, int]] = field(default_factory=list)
    newest: int | None = None

    def verdict(self, ts: int) -> bool:
        """Whether an event of that time counts now."""
        return self.newest is None or self.newest - ts <= HORIZON

    def take(self, ts: int, name: str, user: str, amount: int) -> None:
        """An event arrives."""
        if self.verdict(ts):
            self.counting.append((ts, name, user, amount))
            self.newest = ts if self.newest is None else max(self.newest, ts)

    def values(self, ts: int, user: str) -> tuple[int, float | None]:
        """Count and mean of the day before."""
        seen = [a for t, _, u, a in self.counting if u == user and t < ts and ts - t <= DAY]
        return len(seen), sum(seen) / len(seen) if seen else None


def served(record: DecisionRecord) -> tuple[int, float | None]:
    bits = np.frombuffer(record.bits, "<i8")
    return int(bits[0]), float(bits[1:2].view("<f8")[0]) if record.known[1] else None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["decide", "decide", "ingest", "ingest", "retract", "again", "restart"]),
        BEHIND,
        st.sampled_from(["u1", "u2"]),
        st.integers(1, 500),
    ),
    max_size=24,
)


def opened(log: MemoryLog) -> Engine:
    return make_engine(log, horizon=HORIZON, request_age_max=40 * DAY)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS)
def test_verdicts_and_values_are_the_oracles_over_restarts(
    steps: list[tuple[str, int, str, int]],
) -> None:
    log, oracle, sent = MemoryLog(), Oracle(), dict[str, bytes]()
    engine = opened(log)
    for number, (step, behind, user, amount) in enumerate(steps):
        name, ts = f"e{number % 3}-{number}", (oracle.newest or AT) - behind
        raw = body(name, ts, user_id=user, amount=amount)
        if step == "restart":
            engine.close()
            engine = opened(log)
        elif step == "decide":
            record = engine.decide(raw).result(5)
            assert served(record) == oracle.values(ts, user)
            assert record.receipt.cut == {"0": len(list(log.entries())) - 1}
            sent[name] = raw
            oracle.take(ts, name, user, amount)
        elif step == "ingest":
            (ack,) = engine.ingest([raw]).result(5)
            assert isinstance(ack, Ack)
            assert ack.accepted == oracle.verdict(ts)
            sent[name] = raw
            oracle.take(ts, name, user, amount)
        elif step == "again" and sent:
            (ack,) = engine.ingest([sent[sorted(sent)[amount % len(sent)]]]).result(5)
            assert isinstance(ack, Ack)
            assert ack.duplicate
        elif step == "retract" and sent:
            gone = sorted(sent)[amount % len(sent)]
            take_back(engine, gone, name, ts)
            oracle.counting = [one for one in oracle.counting if one[1] != gone]
    engine.close()
    assert verify_features(log, {CATALOG.digest: CATALOG}).mismatches == 0


@settings(deadline=None, max_examples=25)
@given(steps=STEPS, after=st.integers(0, 24))
def test_a_version_attached_at_any_cut_counts_every_entry_once(
    steps: list[tuple[str, int, str, int]], after: int
) -> None:
    log, oracle = MemoryLog(), Oracle()
    engine = opened(log)
    other = Catalog(
        request=CATALOG.request, contracts=CATALOG.contracts,
        features=CATALOG.features[::-1], derived=CATALOG.derived,
    )  # fmt: skip
    policy = CompiledPolicy(make_policy(catalog=other.digest), other, CONTRACTS)
    for number, (_, behind, user, amount) in enumerate(steps):
        if number == after:
            engine.versions.prepare(other, rest=0.0)
        engine.versions.advance()
        ts = (oracle.newest or AT) - behind
        engine.ingest([body(f"e{number}", ts, user_id=user, amount=amount)])
        oracle.take(ts, f"e{number}", user, amount)
    attached(engine, other)
    engine.versions.use(policy, LinearScorer())
    ts = (oracle.newest or AT) + 1
    record = engine.decide(body("asked", ts, user_id="u1")).result(5)
    bits = np.frombuffer(record.bits, "<i8")
    mean = float(bits[:1].view("<f8")[0]) if record.known[0] else None
    assert (int(bits[1]), mean) == oracle.values(ts, "u1")
    engine.close()
    catalogs = {one.digest: one for one in (CATALOG, other)}
    assert verify_features(log, catalogs).mismatches == 0


@pytest.mark.parametrize("behind", [HORIZON - 1, HORIZON, HORIZON + 1, 2 * HORIZON])
def test_the_verdict_at_the_edge_of_the_horizon_decides_what_counts(behind: int) -> None:
    log = MemoryLog()
    engine = opened(log)
    engine.ingest([body("newest", AT)]).result(5)
    (ack,) = engine.ingest([body("late", AT - behind)]).result(5)
    assert isinstance(ack, Ack)
    assert ack.accepted == (behind <= HORIZON)
    counted = 2 if behind <= HORIZON else 1
    assert served(engine.decide(body("asked", AT + 1)).result(5))[0] == counted
    engine.close()
    again = opened(log)
    assert served(again.decide(body("again", AT + 2)).result(5))[0] == counted + 1
    again.close()


def test_a_version_attached_while_entries_wait_for_the_disk_counts_each_of_them() -> None:
    log = FailingLog()
    engine = make_engine(log, horizon=HORIZON, request_age_max=40 * DAY)
    log.gate.clear()
    for number in range(3):
        engine.ingest([body(f"waits-{number}", AT + number)])
    other = Catalog(
        request=CATALOG.request, contracts=CATALOG.contracts,
        features=CATALOG.features[::-1], derived=CATALOG.derived,
    )  # fmt: skip
    attached(engine, other)
    assert log.last_seq() < 3, "they still wait"
    log.gate.set()
    policy = CompiledPolicy(make_policy(catalog=other.digest), other, CONTRACTS)
    engine.versions.use(policy, LinearScorer())
    record = engine.decide(body("asked", AT + 9)).result(5)
    assert int(np.frombuffer(record.bits, "<i8")[1]) == 3
    engine.close()


def attached(engine: Engine, catalog: Catalog) -> None:
    """Wait, not for ever, until a version is kept beside the one that decides."""
    engine.versions.prepare(catalog, rest=0.0)
    for _ in range(5_000):
        engine.versions.advance()
        if engine.versions.ready(catalog.digest):
            return
        sleep(0.001)
    pytest.fail(f"never ready: {engine.versions.status()}")


def take_back(engine: Engine, gone: str, name: str, ts: int) -> None:
    raw = body(name, ts)
    said = raw.replace(b'"type": "booking"', b'"type": "retraction"')
    data = b'{"event": "' + gone.encode() + b'"}'
    start = said.index(b'"data": ') + len(b'"data": ')
    (ack,) = engine.ingest([said[:start] + data + b"}"]).result(5)
    assert isinstance(ack, Ack)
