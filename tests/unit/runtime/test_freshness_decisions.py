"""A policy with a freshness target: what a miss does to a decision, and that replay finds it again.

The newest booking is ten minutes old at every second request; the target is five.
"""

from typing import Any

import msgspec
import pytest
from tests.unit.decisions.small import AT, CATALOG, MODEL, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine

from assay.core.time import MINUTE
from assay.decisions.freshness import FEATURES_STALE, Missed, ViewTarget
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord
from assay.features.view import view_names
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.replay import verify_decisions, verify_features

[VIEW] = view_names(CATALOG.plan)
COUNT = CATALOG.index("user_count_1d")


def decided(missed: Missed) -> tuple[MemoryLog, list[DecisionRecord]]:
    """A fresh and a stale decision after one booking, and the log they stand in."""
    target = ViewTarget(view=VIEW, age_max=5 * MINUTE, missed=missed)
    log = MemoryLog()
    engine = make_engine(log, policy=compiled(freshness=(target,)))
    engine.ingest([body("b0", AT - 10 * MINUTE)]).result(5)
    stale = engine.decide(body("b1", AT, user_id="u1")).result(5)
    fresh = engine.decide(body("b2", AT + MINUTE, user_id="u1")).result(5)
    assert engine.stats.freshness.views[VIEW].stale == 1
    assert engine.stats.freshness.newest_age.count == (2 if missed == "serve" else 1)
    engine.close()
    return log, [fresh, stale]


def check(log: MemoryLog, missed: Missed) -> tuple[int, int]:
    """The mismatches that both promises find."""
    policy = compiled(freshness=(ViewTarget(view=VIEW, age_max=5 * MINUTE, missed=missed),))
    decisions = verify_decisions(log, {policy.policy.digest: policy}, {MODEL: LinearScorer()})
    return verify_features(log, {CATALOG.digest: CATALOG}).mismatches, decisions.mismatches


@pytest.mark.parametrize("missed", ["serve", "not_known", "no_score"])
def test_a_miss_stands_on_the_record_and_a_replay_finds_the_same(missed: Missed) -> None:
    log, [fresh, stale] = decided(missed)
    assert fresh.degraded == ()
    assert fresh.receipt.seen == {VIEW: AT}
    assert stale.receipt.seen == {VIEW: AT - 10 * MINUTE}
    assert FEATURES_STALE in stale.degraded
    assert stale.receipt.absent == ({} if missed == "serve" else {VIEW: FEATURES_STALE})
    assert stale.known[COUNT] == (missed == "serve")
    assert check(log, missed) == (0, 0)


def test_without_a_score_the_policys_fallback_speaks() -> None:
    _, [fresh, stale] = decided("no_score")
    assert fresh.score.probability is not None
    assert (stale.score.probability, stale.score.why) == (None, FEATURES_STALE)
    assert stale.outcome is Outcome.REVIEW  # ``if_no_score``
    assert any(r.code == FEATURES_STALE and r.asks is Outcome.REVIEW for r in stale.reasons)


@pytest.mark.parametrize(
    ("receipt", "record"),
    [
        ({"seen": {VIEW: AT}}, {}),  # it was not stale
        ({}, {"degraded": ()}),  # nobody said so
        ({"absent": {}}, {}),  # it was served all the same
        ({"seen": {}}, {}),
    ],
)
def test_a_record_that_tells_another_story_does_not_hold(
    receipt: dict[str, Any], record: dict[str, Any]
) -> None:
    log, [_, stale] = decided("not_known")
    entries: list[Entry] = []
    for entry in log.entries():
        if entry.record is not None and entry.record.id == stale.id:
            told = msgspec.structs.replace(entry.record.receipt, **receipt)
            changed = msgspec.structs.replace(entry.record, receipt=told, **record)
            entries.append(msgspec.structs.replace(entry, record=changed))
        else:
            entries.append(entry)
    assert check(log, "not_known") == (0, 0)
    assert sum(check(MemoryLog(entries), "not_known")) > 0
