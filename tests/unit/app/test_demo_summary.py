"""The demo's figures, worked out by hand on five requests."""

import pytest

from assay.app.demo.summary import summarise
from assay.app.demo.traffic import Played
from assay.decisions.policy import Costs

COSTS = Costs(
    currency="EUR", fraud_share=1.0, fraud_fixed=1_500, block_share=0.1, block_fixed=500,
    review_fixed=400, reviewer_error=0.05,
)  # fmt: skip
OUTCOMES = {"a": "approve", "b": "block", "c": "review", "d": "hold", "e": "challenge"}
FRAUDS = {"a": True, "b": True, "c": True, "d": False, "e": False, "elsewhere": True}
AMOUNTS = {"a": 10_000, "b": 20_000, "c": 30_000, "d": 40_000, "e": 50_000}


def figures(verdicts: dict[str, bool]) -> dict[str, object]:
    played = Played(
        decisions={name: {"outcome": out, "degraded": []} for name, out in OUTCOMES.items()},
        latency_us=[1_000.0, 2_000.0, 3_000.0, 4_000.0, 5_000.0],
        events=7,
        seconds=2.0,
    )
    return summarise(played, FRAUDS, AMOUNTS, verdicts, COSTS)


def test_counts_shares_and_speed() -> None:
    found = figures({"c": True, "d": False})
    assert {name: found[name] for name in ("approve", "challenge", "review", "hold", "block")} == {
        "approve": 1, "challenge": 1, "review": 1, "hold": 1, "block": 1,
    }  # fmt: skip
    assert found["frauds"] == 3
    assert found["precision"] == pytest.approx(2 / 3)  # b and c of b, c, d
    assert found["recall"] == pytest.approx(2 / 3)  # b and c of a, b, c
    assert found["precision_after_review"] == 1.0  # d was let go
    assert found["recall_after_review"] == pytest.approx(2 / 3)
    assert found["fraud_value_stopped"] == 500.0
    assert found["latency_p50_ms"] == 3.0
    assert found["requests_per_second"] == 2.5


def test_the_saving_counts_what_reviewers_really_said() -> None:
    unguarded = (10_000 + 1_500) + (20_000 + 1_500) + (30_000 + 1_500)
    right = (10_000 + 1_500) + 400 + 400  # a goes through; c and d cost a review each
    assert figures({"c": True, "d": False})["net_saving"] == (unguarded - right) / 100
    wrong = right + (30_000 + 1_500) + (0.1 * 40_000 + 500)  # c let go, d stopped
    assert figures({"c": False, "d": True})["net_saving"] == (unguarded - wrong) / 100


def test_nothing_stopped_has_no_precision() -> None:
    played = Played(
        decisions={"a": {"outcome": "approve", "degraded": []}}, latency_us=[1.0], seconds=1.0
    )
    found = summarise(played, {"a": False}, AMOUNTS, {}, COSTS)
    assert found["precision"] is None
    assert found["recall"] is None
    assert found["net_saving"] == 0.0
