"""Whatever is late, taken back, put right or erased, in any order: served values are the oracle's.

The world of lists says what every decision must see, how many values depended on who was erased,
and what each training mode must give; the engine, its restarts and the checks must agree.
"""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.facts.world import World
from tests.unit.decisions.small import AT, CATALOG, CONTRACTS, LinearScorer, make_policy
from tests.unit.runtime.engines import body, make_lists

from assay.adapters.sqlite.log import SqliteLog
from assay.core.time import DAY, HOUR
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.features.definition import Feature
from assay.features.values import as_values
from assay.features.vector import Vector
from assay.runtime.clock import LogClock
from assay.runtime.erasure import erase, find
from assay.runtime.intake import Ack
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine
from assay.runtime.replay import verify_decisions, verify_features
from assay.runtime.reserved import check_free
from assay.runtime.subject import Subject
from assay.runtime.train_modes import training_frame

HORIZON = 20 * HOUR
BOTH = Catalog(
    request=CATALOG.request,
    contracts=CONTRACTS,
    features=[
        *CATALOG.features,
        Feature(
            name="guest_count_1d",
            source="booking",
            key=("guest_name",),
            aggregate="count",
            window=DAY,
        ),
    ],
    derived=CATALOG.derived,
)
POLICY = CompiledPolicy(make_policy(catalog=BOTH.digest), BOTH, CONTRACTS)
LOGS: dict[str, Callable[[Path], Any]] = {
    "memory": lambda _folder: MemoryLog(),
    "sqlite": lambda folder: SqliteLog(folder / "log.db"),
}

users = st.sampled_from(["ann", "bob", "eve"])
guests = st.sampled_from(["G1", "G2"])
hours = st.integers(-30, 12)
amounts = st.sampled_from([1, 2, 5_000, 200_000])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), users, guests, amounts, hours),
        st.tuples(st.just("decide"), users, guests, amounts, st.integers(-5, 12)),
        st.tuples(st.just("retract"), st.integers(0, 30)),
        st.tuples(st.just("correct"), st.integers(0, 30), amounts, hours),
        st.tuples(st.just("erase"), users),
        st.tuples(st.just("restart")),
    ),
    min_size=4,
    max_size=30,
)


class Run:
    """One engine beside one world."""

    def __init__(self, log: Any) -> None:
        self.log, self.world, self.count = log, World(HORIZON), 0
        self.start()

    def start(self) -> None:
        """Fold the log into a new engine."""
        self.engine = Engine.recover(
            contracts=CONTRACTS,
            catalog=BOTH,
            policy=POLICY,
            scorer=LinearScorer(),
            lists=make_lists(),
            log=self.log,
            quarantine=self.log,
            clock=LogClock(),
            horizon=HORIZON,
            request_age_max=10 * DAY,
            monotonic=lambda: 0,
        )

    def at(self, hours: int) -> int:
        """An instant that many hours from the newest."""
        newest = self.world.newest
        self.count += 1
        # Every third one shares its instant with another, so that ties are there.
        return (AT if newest is None else newest) + hours * HOUR + (self.count % 3 == 0)

    def restart(self) -> None:
        """Stop and start."""
        self.engine.close()
        self.start()

    def event(self, user: str, guest: str, amount: int, hours: int) -> None:
        """Take in an event."""
        ts = self.at(hours)
        name = f"e{self.count}"
        said = self.world.say(name, user, guest, amount, ts)
        (ack,) = self.engine.ingest([raw(name, ts, user, guest, amount)], check_free).result(10)
        assert isinstance(ack, Ack)
        assert ack == Ack(name, said.seq, said.accepted, duplicate=False, late=ack.late)

    def decide(self, user: str, guest: str, amount: int, hours: int) -> None:
        """Ask for a decision; what it sees is what the world says."""
        ts = self.at(hours)
        name = f"q{self.count}"
        expected = self.world.values(user, guest, amount, ts, self.world.seq + 1)
        record = self.engine.decide(raw(name, ts, user, guest, amount)).result(10)
        assert served(record) == expected
        self.world.say(name, user, guest, amount, ts).decided = expected

    def retract(self, place: int) -> None:
        """Take back some event."""
        target = self.target(place)
        if target is None:
            return
        new = self.world.take_back(target.name)
        (ack,) = self.engine.ingest([back(target.name)], check_free).result(10)
        assert isinstance(ack, Ack)
        assert ack.duplicate is not new

    def correct(self, place: int, amount: int, hours: int) -> None:
        """Put some event right, unless it would be too late to count."""
        target = self.target(place)
        if target is None or target.back is not None:
            return
        ts = self.at(hours)
        name = f"c{self.count}"
        pair = (raw(name, ts, target.user, target.guest, amount), back(target.name))
        before = self.log.last_seq()
        if not self.world.accepts(ts):
            with pytest.raises(ValueError, match="horizon"):
                self.engine.correct(*pair, check_free).result(10)
            assert self.log.last_seq() == before
            return
        self.world.say(name, target.user, target.guest, amount, ts)
        self.world.take_back(target.name)
        self.engine.correct(*pair, check_free).result(10)
        assert self.log.last_seq() == before + 2

    def erase(self, user: str) -> None:
        """Forget a user."""
        if not any(s.user == user and not s.erased for s in self.world.said):
            return
        self.engine.close()
        found = find(self.log, self.log, {BOTH.digest: BOTH}, Subject("user_id", user))
        erase(self.log, found, by="ada", at=AT, salt=b"0123456789abcdef", more={})
        self.world.forget(user)
        self.start()

    def target(self, place: int) -> Any:
        """Some event with content, if there is one."""
        kept = [s for s in self.world.said if not s.erased]
        return kept[place % len(kept)] if kept else None

    def check(self) -> None:
        """Everything that can be checked afterwards."""
        self.engine.close()
        world = self.world
        report = verify_features(self.log, {BOTH.digest: BOTH})
        kept = [s for s in world.said if s.decided and not s.erased]
        now = [world.values(s.user, s.guest, s.amount, s.ts, s.seq) for s in kept]
        differ = sum(
            one != other
            for s, again in zip(kept, now, strict=True)
            for one, other in zip(s.decided or (), again, strict=True)
        )
        lost = sum(1 for s in world.said if s.decided and s.erased)
        assert (report.mismatches, report.records) == (0, len(kept)), report.differences
        assert report.dependent == differ
        assert report.erased == lost * len(BOTH)
        scorer = LinearScorer()
        policies, scorers = {POLICY.policy.digest: POLICY}, {scorer.digest: scorer}
        checked = verify_decisions(self.log, policies, scorers)
        assert (checked.mismatches, checked.erased) == (0, lost), checked.differences
        # What saw an erased subject is not learned from.
        sound = [s for s, again in zip(kept, now, strict=True) if s.decided == again]
        self.check_modes(sound)

    def check_modes(self, sound: list[Any]) -> None:
        """Every row of every mode: nothing that was taken back or erased is one."""
        world = self.world
        rows = {s.name: s for s in world.said if s.accepted and s.back is None and not s.erased}
        if not rows:
            return
        corrected = training_frame(self.log, BOTH, "as_corrected").frame
        assert {str(name) for name in corrected.event_ids} == set(rows)
        for row, name in enumerate(corrected.event_ids):
            s = rows[str(name)]
            found = told(corrected.vector(row))
            assert found == world.values(s.user, s.guest, s.amount, s.ts, world.seq + 1)
        if any(s.name in rows for s in sound):
            as_served = training_frame(self.log, BOTH, "as_served")
            assert as_served.from_receipts is not None
            for row in np.flatnonzero(as_served.from_receipts.all(axis=1)).tolist():
                s = rows[str(as_served.frame.event_ids[row])]
                assert told(as_served.frame.vector(row)) == s.decided
            assert as_served.lift.served == sum(s.name in rows for s in sound)


def raw(name: str, ts: int, user: str, guest: str, amount: int) -> bytes:
    return body(name, ts, user_id=user, guest_name=guest, amount=amount)


def back(name: str) -> bytes:
    said = {"id": f"r-{name}", "type": "retraction", "ts": AT, "data": {"event": name}}
    return json.dumps(said).encode()


def told(vector: Vector) -> tuple[object, ...]:
    return tuple(as_values(vector, BOTH).values())


def served(record: DecisionRecord) -> tuple[object, ...]:
    bits, known = np.frombuffer(record.bits, "<i8"), np.frombuffer(record.known, np.uint8)
    return told(Vector(bits, known))


@pytest.mark.parametrize("kind", sorted(LOGS))
@given(steps=steps)
@settings(max_examples=20, deadline=None)
def test_every_served_value_is_that_of_the_world(kind: str, steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        log = LOGS[kind](Path(folder))
        run = Run(log)
        try:
            for act, *given_ in steps:
                getattr(run, act)(*given_)
            run.check()
        finally:
            run.engine.close()
            log.close()
