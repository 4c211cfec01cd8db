"""A new catalog is folded beside the one that serves, takes over between two requests, goes back.

No vector ever mixes two versions: every record is checked against its own catalog from the log
alone, after a hundred switches under load, from other threads too.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from tests.unit.decisions.small import AT, BOOKING, CATALOG, CONTRACTS, LinearScorer, make_policy
from tests.unit.runtime.engines import body, make_engine

from assay.core.errors import Invalid, Unavailable, Unknown
from assay.core.time import DAY, HOUR, SECOND
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.features.definition import Feature
from assay.runtime.memory import MemoryLog
from assay.runtime.online import Engine
from assay.runtime.ports import Entry
from assay.runtime.replay import verify_decisions, verify_features

#: The same names over other windows: what mixes versions shows in every value.
OTHER = Catalog(
    request=BOOKING,
    contracts=CONTRACTS,
    features=[
        Feature(
            name="user_count_1d", source="booking", key=("user_id",), aggregate="count", window=HOUR
        ),
        Feature(
            name="user_mean_1d", source="booking", key=("user_id",), aggregate="mean", of="amount",
            window=3 * DAY,
        ),
    ],
    derived=CATALOG.derived,
)  # fmt: skip
CATALOGS = {CATALOG.digest: CATALOG, OTHER.digest: OTHER}
POLICIES = {
    catalog.digest: CompiledPolicy(make_policy(catalog=catalog.digest), catalog, CONTRACTS)
    for catalog in (CATALOG, OTHER)
}


def request(number: int) -> bytes:
    """One of a stream over seven users, a minute apart."""
    return body(
        f"bk-{number:06d}", AT + number * 60 * SECOND, user_id=f"u{number % 7}",
        amount=1_000 + number,
    )  # fmt: skip


def prepared(engine: Engine, catalog: Catalog = OTHER) -> None:
    """Wait until the version is kept beside the other."""
    engine.versions.prepare(catalog, rest=0.0)
    for _ in range(500):
        engine.versions.advance()
        if engine.versions.ready(catalog.digest):
            return
        threading.Event().wait(0.01)
    pytest.fail(f"not ready: {engine.versions.status()}")


def switch(engine: Engine, catalog: Catalog) -> None:
    engine.versions.use(POLICIES[catalog.digest], LinearScorer())


def holds(log: MemoryLog, records: int) -> set[str]:
    """Check every record by its own catalog; returns the catalogs that decided."""
    report = verify_features(log, CATALOGS)
    assert (report.mismatches, report.records) == (0, records), report.differences
    policies = {one.policy.digest: one for one in POLICIES.values()}
    again = verify_decisions(log, policies, {LinearScorer.digest: LinearScorer()})
    assert again.mismatches == 0, again.differences
    made = list(log.decisions())
    assert all(policies[one.policy].policy.catalog == one.receipt.catalog for one in made)
    assert not any(one.degraded for one in made)
    return {one.receipt.catalog for one in made}


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def engine(log: MemoryLog) -> Iterator[Engine]:
    made = make_engine(log, waiting_max=100_000)
    yield made
    made.close()


def test_a_hundred_switches_between_requests_that_never_stop_mix_nothing(
    engine: Engine, log: MemoryLog
) -> None:
    for number in range(200):
        engine.decide(request(number)).result(10)

    async def serve() -> int:
        engine.versions.prepare(OTHER, rest=0.0)
        sent, switched = 200, 0
        waiting: set[asyncio.Future[DecisionRecord]] = set()
        while switched < 100:
            for _ in range(5):
                waiting.add(asyncio.wrap_future(engine.decide(request(sent))))
                sent += 1
            engine.versions.advance()
            if engine.versions.ready(OTHER.digest):
                switch(engine, (OTHER, CATALOG)[switched % 2])
                switched += 1
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        return sent

    assert holds(log, asyncio.run(serve())) == set(CATALOGS)


def test_even_a_switch_from_another_thread_in_the_middle_of_a_decision_mixes_nothing(
    engine: Engine, log: MemoryLog
) -> None:
    prepared(engine)
    done, switched = threading.Event(), 0

    def switching() -> None:
        nonlocal switched
        while not done.is_set() and switched < 10_000:
            switch(engine, (OTHER, CATALOG)[switched % 2])
            switched += 1

    thread = threading.Thread(target=switching)
    thread.start()
    futures: list[Future[DecisionRecord]] = []
    while switched < 100 or len(futures) < 1_000:
        futures.append(engine.decide(request(len(futures))))
    done.set()
    thread.join()
    for future in futures:
        future.result(10)
    assert holds(log, len(futures)) == set(CATALOGS)


def test_going_back_is_the_same_step_until_the_version_before_is_retired(
    engine: Engine, log: MemoryLog
) -> None:
    for number in range(50):
        engine.decide(request(number)).result(10)
    prepared(engine)
    switch(engine, OTHER)
    after = [engine.decide(request(number)).result(10) for number in range(50, 60)]
    switch(engine, CATALOG)
    back = [engine.decide(request(number)).result(10) for number in range(60, 70)]
    assert {one.receipt.catalog for one in after} == {OTHER.digest}
    assert {one.receipt.catalog for one in back} == {CATALOG.digest}
    holds(log, 70)
    with pytest.raises(Invalid, match="switch to another before"):
        engine.versions.retire(CATALOG.digest)
    both = engine.state_bytes
    engine.versions.retire(OTHER.digest)
    assert engine.state_bytes < both
    with pytest.raises(Invalid, match="prepare that catalog first"):
        switch(engine, OTHER)
    with pytest.raises(Unknown):
        engine.versions.retire(OTHER.digest)


class Torn(MemoryLog):
    """A log that another reader than the engine's own start cannot read."""

    torn = False

    def entries(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """See `EventLog.entries`; fails half-way when torn."""
        for entry in super().entries(after, until):
            if self.torn and entry.seq > 300:
                raise Unavailable("the disk is gone")
            yield entry


def test_a_backfill_that_fails_leaves_the_old_version_serving_and_can_be_repeated() -> None:
    log = Torn()
    engine = make_engine(log)
    try:
        for number in range(600):
            engine.decide(request(number)).result(10)
        log.torn = True
        engine.versions.prepare(OTHER, rest=0.0)
        for _ in range(500):
            engine.versions.advance()
            (failed,) = [one for one in engine.versions.status() if not one.decides]
            if failed.phase == "failed":
                break
            threading.Event().wait(0.01)
        assert failed.phase == "failed"
        assert 0 < failed.seq <= 300, "whole groups of what could be read"
        assert "the disk is gone" in failed.why
        assert engine.decide(request(600)).result(10).receipt.catalog == CATALOG.digest
        log.torn = False
        prepared(engine)
        switch(engine, OTHER)
        assert engine.decide(request(601)).result(10).receipt.catalog == OTHER.digest
        holds(log, 602)
    finally:
        engine.close()


def test_a_version_that_does_not_fit_beside_the_other_is_given_up_before_an_event_is_refused() -> (
    None
):
    log = MemoryLog()
    engine = make_engine(log, memory_max=1 << 40)
    try:
        for number in range(600):
            engine.decide(request(number)).result(10)
        live = engine._follower.live
        assert live is not None
        live.memory_max = live.bytes_used + 1_000
        engine.versions.prepare(OTHER, rest=0.0)
        for _ in range(500):
            engine.versions.advance()
            (failed,) = [one for one in engine.versions.status() if not one.decides]
            if failed.phase == "failed":
                break
            threading.Event().wait(0.01)
        assert failed.phase == "failed"
        assert "features.memory_max" in failed.why
        with pytest.raises(Invalid, match="prepare that catalog first"):
            switch(engine, OTHER)
        assert engine.decide(request(600)).result(10).receipt.catalog == CATALOG.digest
        engine.versions.prepare(OTHER, rest=0.0)
        (again,) = [one for one in engine.versions.status() if not one.decides]
        assert again.phase == "failed", "with as little room it is not folded in vain"
        live.memory_max = 1 << 40
        prepared(engine)
        switch(engine, OTHER)
        assert engine.decide(request(601)).result(10).receipt.catalog == OTHER.digest
        holds(log, 602)
    finally:
        engine.close()


class Stumbling(MemoryLog):
    """A log whose next append fails once."""

    stumbles = False

    def append(self, entries: "tuple[Entry, ...] | list[Entry]") -> None:  # type: ignore[override]
        """See `EventLog.append`."""
        if self.stumbles and entries:
            self.stumbles = False
            raise Unavailable("the disk hiccuped")
        super().append(entries)


def test_after_a_failed_commit_what_decides_is_rebuilt_and_the_other_prepared_again() -> None:
    log = Stumbling()
    engine = make_engine(log)
    try:
        for number in range(20):
            engine.decide(request(number)).result(10)
        prepared(engine)
        switch(engine, OTHER)
        log.stumbles = True
        with pytest.raises(Unavailable):
            engine.decide(request(20)).result(10)
        for _ in range(500):
            if engine.ready:
                break
            threading.Event().wait(0.01)
        assert engine.decide(request(21)).result(10).receipt.catalog == OTHER.digest
        assert not engine.versions.ready(CATALOG.digest)
        prepared(engine, CATALOG)
        switch(engine, CATALOG)
        assert engine.decide(request(22)).result(10).receipt.catalog == CATALOG.digest
        holds(log, 22)
    finally:
        engine.close()
