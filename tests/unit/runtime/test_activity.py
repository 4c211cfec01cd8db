"""The compact view of decisions against the plain one, computed from the records themselves."""

from collections.abc import Iterator

import numpy as np
import pytest

from assay.core.time import DAY, HOUR
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord
from assay.features.vector import Receipt
from assay.models.score import Score
from assay.runtime.activity import OUTCOMES, Activity, Wanted
from assay.runtime.telemetry import Telemetry

NOON = 1_767_268_800_000_000


def record(seq: int, at: int, outcome: Outcome, probability: float | None) -> DecisionRecord:
    return DecisionRecord(
        id=f"d-{seq}", event=f"e-{seq}", seq=seq, at=at, policy="p", model=None,
        receipt=Receipt("c", at, {}, "v", None), bits=b"", known=b"", memberships={},
        snapshots={}, rules=(), score=Score(None, probability), contributions=(), slots_left=0,
        reasons=(), outcome=outcome, degraded=("x",) if seq % 7 == 0 else (), decided_at=0,
    )  # fmt: skip


class Log:
    """Decisions in a list."""

    def __init__(self) -> None:
        self.records: list[DecisionRecord] = []

    def decisions(self, after: int = 0, until: int | None = None) -> Iterator[DecisionRecord]:
        """Those after a place."""
        assert until is None
        return (r for r in self.records if r.seq > after)


@pytest.fixture(scope="module")
def log() -> Log:
    made, chance = Log(), np.random.Generator(np.random.PCG64(7))
    for seq in range(1, 10_001):
        probability = None if chance.random() < 0.1 else float(chance.random())
        outcome = OUTCOMES[int(chance.integers(len(OUTCOMES)))]
        made.records.append(
            record(seq * 2, NOON + int(chance.integers(30 * DAY)), outcome, probability)
        )
    return made


WANTED = [
    Wanted(),
    Wanted(outcome=Outcome.HOLD),
    Wanted(degraded=True),
    Wanted(low=0.5),
    Wanted(start=NOON + DAY, end=NOON + 2 * DAY),
    Wanted(outcome=Outcome.REVIEW, degraded=False, low=0.9, start=NOON + 10 * DAY),
]


def plain(log: Log, wanted: Wanted) -> list[DecisionRecord]:
    return [
        r
        for r in log.records
        if (wanted.outcome is None or r.outcome is wanted.outcome)
        and (wanted.degraded is None or bool(r.degraded) == wanted.degraded)
        and (
            wanted.low is None
            or (r.score.probability is not None and r.score.probability >= wanted.low)
        )
        and (wanted.start is None or r.at >= wanted.start)
        and (wanted.end is None or r.at < wanted.end)
    ]


@pytest.mark.parametrize("wanted", WANTED)
def test_pages_counts_and_volumes_agree_with_the_records(log: Log, wanted: Wanted) -> None:
    activity = Activity(log)
    assert activity.follow() == len(log.records)
    expected = plain(log, wanted)
    places, total = activity.page(wanted, skip=20, size=50)
    assert total == len(expected)
    assert places == [r.seq for r in reversed(expected)][20:70]
    counts = activity.counts(wanted)
    assert counts == {o: sum(r.outcome is o for r in expected) for o in OUTCOMES}
    assert activity.degraded(wanted) == sum(bool(r.degraded) for r in expected)
    volumes = activity.volumes(wanted, HOUR)
    assert sum(map(sum, volumes.counts)) == len(expected)
    for start, row in zip(volumes.starts, volumes.counts, strict=True):
        inside = [r for r in expected if start <= r.at < start + HOUR]
        assert row == tuple(sum(r.outcome is o for r in inside) for o in OUTCOMES)
        if len(volumes.starts) > 100:
            break


def test_the_view_follows_the_log() -> None:
    log = Log()
    activity = Activity(log)
    assert activity.follow() == 0
    assert activity.span() is None
    assert activity.volumes(Wanted(), HOUR).starts == ()
    log.records.append(record(1, NOON, Outcome.APPROVE, None))
    assert activity.follow() == 1
    log.records.append(record(5, NOON + DAY, Outcome.BLOCK, 0.9))
    assert activity.follow() == 2
    assert activity.span() == (NOON, NOON + DAY)
    assert activity.page(Wanted(), skip=0, size=9) == ([5, 1], 2)
    assert len(activity.volumes(Wanted(), HOUR).starts) == 25


def test_telemetry_keeps_the_newest_latencies() -> None:
    telemetry = Telemetry(window=10)
    assert telemetry.quantiles((0.5,)) == ()
    for number in range(100):
        telemetry.decided("approve", degraded=number % 2 == 0, seconds=float(number))
    assert telemetry.quantiles((0.0, 1.0)) == (90.0, 99.0)
    assert (telemetry.decisions, telemetry.degraded) == (100, 50)
    assert telemetry.outcomes == {"approve": 100}
