"""The engine decides as decide() does: what is served is what a record makes again.

Each test sends requests through a whole engine (decode, lists, features, rules, model, budget,
record) over an in-memory log, then makes every stored decision again from the log alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.decisions.small import AT, CATALOG, FAST, MODEL, SANCTIONS, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine

from assay.core.errors import Corrupt
from assay.core.time import DAY, SECOND
from assay.decisions.check import PolicyMismatch
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord
from assay.models.score import Score
from assay.rules.lists import ListSnapshot, parse_list, write_list
from assay.rules.rule import Rule
from assay.runtime.memory import MemoryLists, MemoryLog
from assay.runtime.online import Engine
from assay.runtime.replay import verify_decisions, verify_features


def snapshot(name: str, entries: list[str], as_of: int = AT) -> ListSnapshot:
    return parse_list(name, write_list(entries, as_of=as_of))


def lists(*, sanctions: ListSnapshot | None = None) -> MemoryLists:
    found = {"on_trusted": snapshot("on_trusted", ["vip"])}
    if sanctions is not None:
        found["on_sanctions"] = sanctions
    return MemoryLists(found)


class Day:
    """An engine with its log, and a verdict on all it decided."""

    def __init__(self, engine: Engine, log: MemoryLog, policy: CompiledPolicy) -> None:
        self.engine, self.log, self.policy = engine, log, policy

    def ask(self, name: str, ts: int = AT, **data: Any) -> DecisionRecord:
        """The durable record of one request."""
        return self.engine.decide(body(name, ts, **data)).result(timeout=10)

    def holds(self, used: list[ListSnapshot]) -> None:
        """Every stored decision follows from the log, the model and the lists."""
        report = verify_decisions(
            self.log,
            {self.policy.policy.digest: self.policy},
            {MODEL: LinearScorer()},
            {one.digest: one for one in used},
        )
        assert report.differences == ()
        assert report.compared == report.records > 0
        assert verify_features(self.log, {CATALOG.digest: CATALOG}).mismatches == 0


@contextmanager
def day(
    source: MemoryLists, log: MemoryLog | None = None, *, policy: CompiledPolicy | None = None,
    **parts: Any,
) -> Iterator[Day]:  # fmt: skip
    log, policy = log or MemoryLog(), policy or compiled()
    engine = make_engine(log, policy=policy, lists=source, **parts)
    try:
        yield Day(engine, log, policy)
    finally:
        engine.close()


def test_a_missing_sanctions_list_holds_everybody_until_it_is_back() -> None:
    source, clean = lists(), snapshot("on_sanctions", ["Bad Name"])
    with day(source) as today:
        blind = [today.ask(f"bk-{n}", AT + n, user_id="vip") for n in range(3)]
        source.snapshots["on_sanctions"] = clean
        seeing = today.ask("bk-seeing", AT + 10)
        match = today.ask("bk-match", AT + 11, user_id="vip", guest_name="BAD  NÁME")
        today.holds([clean, source.snapshots["on_trusted"]])
    assert {record.outcome for record in blind} == {Outcome.HOLD}
    assert all("list_unavailable" in record.degraded for record in blind)
    assert seeing.outcome is Outcome.APPROVE
    assert (match.outcome, match.reasons[0].held) == (Outcome.HOLD, True)


def test_a_corrupt_list_never_becomes_a_snapshot() -> None:
    raw = bytearray(write_list(["Bad Name"], as_of=AT))
    raw[-3] ^= 1
    with pytest.raises(Corrupt):
        parse_list("on_sanctions", bytes(raw))


def test_a_list_that_grows_old_during_the_day_starts_to_hold() -> None:
    old = snapshot("on_sanctions", ["Bad Name"], as_of=AT - DAY)
    source = lists(sanctions=old)
    with day(source) as today:
        outcomes = [today.ask(f"bk-{n}", AT + n).outcome for n in range(3)]
        today.holds([old, source.snapshots["on_trusted"]])
    assert outcomes == [Outcome.APPROVE, Outcome.HOLD, Outcome.HOLD]


def test_tied_scores_are_reviewed_exactly_to_capacity_each_day_and_across_a_restart() -> None:
    clean = snapshot("on_sanctions", ["Bad Name"], as_of=AT + DAY)
    source, log = lists(sanctions=clean), MemoryLog()
    policy = compiled(
        rules=(SANCTIONS, Rule(name="look", when="amount > 0", then="review")), capacity_per_day=7
    )
    numbers = count()

    def outcomes(today: Day, wanted: int, ts: int) -> list[Outcome]:
        return [
            today.ask(f"bk-{(n := next(numbers))}", ts + n * SECOND, user_id=f"u{n}").outcome
            for _ in range(wanted)
        ]

    with day(source, log, policy=policy) as today:
        first = outcomes(today, 5, AT)
    with day(source, log, policy=policy) as today:
        second = outcomes(today, 20, AT)
        next_day = outcomes(today, 10, AT + DAY)
        today.holds([clean, source.snapshots["on_trusted"]])
    assert (first + second).count(Outcome.REVIEW) == 7
    assert (first + second)[7:] == [Outcome.CHALLENGE] * 18
    assert next_day == [Outcome.REVIEW] * 7 + [Outcome.CHALLENGE] * 3


def test_after_the_deadline_only_rules_decide_and_the_record_says_so() -> None:
    clean = snapshot("on_sanctions", ["Bad Name"])
    source = lists(sanctions=clean)
    ticks = count(0, 60_000_000)  # every look at the clock finds 60 ms gone
    with day(source, monotonic=lambda: next(ticks)) as today:
        record = today.ask("bk-late")
        match = today.ask("bk-match", AT + 1, guest_name="Bad Name")
        today.holds([clean, source.snapshots["on_trusted"]])
    assert record.score == Score(None, None, "deadline_exceeded")
    assert record.outcome is Outcome.REVIEW
    assert {"deadline_exceeded", "features_unavailable"} <= set(record.degraded)
    assert match.outcome is Outcome.HOLD


class Broken(LinearScorer):
    """A model that fails on every request."""

    def score(self, row: NDArray[np.float64]) -> Score:
        """Nothing."""
        raise ZeroDivisionError(f"{row.size} inputs, none of them any good")


def test_a_model_that_fails_asks_for_the_fallback() -> None:
    clean = snapshot("on_sanctions", ["Bad Name"])
    source = lists(sanctions=clean)
    with day(source, scorer=Broken()) as today:
        record = today.ask("bk-1")
        today.holds([clean, source.snapshots["on_trusted"]])
    assert (record.outcome, record.degraded) == (Outcome.REVIEW, ("model_failed",))


def test_one_broken_rule_never_fails_a_decision() -> None:
    clean = snapshot("on_sanctions", ["Bad Name"])
    source = lists(sanctions=clean)
    broken = Rule(name="ratio", when="amount / user_count_1d > 3", then="block")
    with day(source, policy=compiled(rules=(SANCTIONS, broken, FAST))) as today:
        records = [today.ask(f"bk-{n}", AT + n) for n in range(3)]
        today.holds([clean, source.snapshots["on_trusted"]])
    assert [record.rules for record in records] == [(0, -1, 0), (0, 1, 0), (0, 1, 0)]
    assert [record.outcome for record in records] == [
        Outcome.APPROVE, Outcome.BLOCK, Outcome.BLOCK,
    ]  # fmt: skip


def test_outside_the_approved_use_people_decide_within_their_capacity() -> None:
    clean = snapshot("on_sanctions", ["Bad Name"])
    source = lists(sanctions=clean)
    policy = compiled(conditions=("amount <= 50000",), capacity_per_day=1)
    with day(source, policy=policy) as today:
        records = [today.ask(f"bk-{n}", AT + n, amount=50_000 + n) for n in range(3)]
        today.holds([clean, source.snapshots["on_trusted"]])
    assert [r.outcome for r in records] == [Outcome.APPROVE, Outcome.REVIEW, Outcome.HOLD]


class Swapped(LinearScorer):
    """Another model than the policy names."""

    digest = "sha256:" + "1" * 64


def test_a_model_the_policy_does_not_name_never_scores() -> None:
    with pytest.raises(PolicyMismatch, match=f"decides with the model {MODEL}"):
        make_engine(scorer=Swapped())
