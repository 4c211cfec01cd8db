"""Two homes: one owns the history and publishes it, the other decides on what it reads there.

The scorer's log holds its decisions and nothing of the history; its receipts name the owner's log,
and against that they are verified.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from click.testing import CliRunner
from tests.integration.redis_server import RedisServer, needs_redis, redis_server
from tests.integration.served_home import booking, make_home

from assay.app.home import Home
from assay.app.promises import check_decisions, check_features
from assay.app.read_model import open_following
from assay.app.settings import Settings, read_settings
from assay.app.wire import open_platform
from assay.app.workloads import workload_named
from assay.cli.publish import publish
from assay.contracts.event import Event
from assay.core.errors import Invalid, Unavailable
from assay.decisions.record import DecisionRecord
from assay.features.state import FeatureState
from assay.features.view import view_names
from assay.runtime.clock import wall_time
from assay.runtime.fold import fold
from assay.runtime.online import Engine
from assay.runtime.read_model import StatusSeal, Superseded

pytestmark = needs_redis
CHECKOUT = workload_named("checkout")
SECRET = "between us"
SEAL = StatusSeal(SECRET.encode())
PAST = 30  #: bookings the owner knows of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as found:
        yield found


def settings_of(path: Path, server: RedisServer, source: str) -> Settings:
    values: dict[str, object] = {
        "features.source": source, "redis.port": server.port, "redis.timeout": "5s",
        "redis.publish_timeout": "5s", "redis.image_secret": SECRET,
    }  # fmt: skip
    return read_settings(path, {}, values)


@pytest.fixture
def owner(tmp_path: Path, server: RedisServer) -> Settings:
    """A home that took in bookings, and published them."""
    path = tmp_path / "owner"
    make_home(path)
    settings = settings_of(path, server, "memory")
    take_in(settings, 0, PAST)
    follow(settings)
    return settings


@pytest.fixture
def scorer(tmp_path: Path, server: RedisServer, owner: Settings) -> Settings:
    path = tmp_path / "scorer"
    make_home(path)
    return settings_of(path, server, "redis")


def take_in(settings: Settings, first: int, last: int) -> None:
    platform = open_platform(settings)
    try:
        bodies = [json.dumps(booking(n)).encode() for n in range(first, last)]
        platform.engine.ingest(bodies).result(30)
    finally:
        platform.close()


def follow(settings: Settings) -> None:
    """Publish all that the log holds."""
    with open_following(settings) as following:
        following.start()
        while following.publisher.published < following.seq:
            following.step()


def decide(settings: Settings, *numbers: int) -> list[DecisionRecord]:
    platform = open_platform(settings)
    try:
        bodies = [json.dumps(booking(number)).encode() for number in numbers]
        return [platform.engine.decide(body).result(30) for body in bodies]
    finally:
        platform.close()


def test_a_scorer_decides_on_the_owners_features_and_can_prove_it(
    owner: Settings, scorer: Settings
) -> None:
    records = decide(scorer, PAST, PAST + 1, PAST + 2)
    state = FeatureState(CHECKOUT.catalog)
    log = Home(owner.home).open_log()
    for entry in log.entries():
        fold(state, entry)
    log.close()
    for number, record in enumerate(records, start=PAST):
        assert record.receipt.cut == {"main": PAST}
        assert record.degraded == ()
        raw = booking(number)
        request = Event(raw["id"], raw["type"], raw["ts"], raw["data"])
        vector, newest = state.read(request)
        assert record.bits == vector.bits.astype("<i8").tobytes()
        assert record.receipt.newest == newest
        assert newest is not None
    home, owners = Home(scorer.home), {"main": Home(owner.home)}
    report = check_features(home, "checkout", partitions=owners)
    assert (report.mismatches, report.elsewhere) == (0, 3), report.differences
    assert report.compared == 3 * len(CHECKOUT.catalog)
    assert check_decisions(home, "checkout").mismatches == 0
    unproven = check_features(home, "checkout")
    assert unproven.mismatches == 3
    assert "partition main is not at hand" in unproven.differences[0].what


def test_verification_notices_a_partition_log_that_is_another(
    tmp_path: Path, server: RedisServer, owner: Settings, scorer: Settings
) -> None:
    decide(scorer, PAST)
    other = settings_of(tmp_path / "other", server, "memory")
    make_home(other.home)
    take_in(other, 3, PAST + 3)  # as long, and of other bookings
    report = check_features(Home(scorer.home), "checkout", partitions={"main": Home(other.home)})
    assert report.mismatches > 0
    short = settings_of(tmp_path / "short", server, "memory")
    make_home(short.home)
    take_in(short, 0, 5)
    report = check_features(Home(scorer.home), "checkout", partitions={"main": Home(short.home)})
    assert "whose log ends at 5" in report.differences[-1].what


def test_decisions_go_on_without_redis_and_find_back(
    server: RedisServer, owner: Settings, scorer: Settings
) -> None:
    platform = open_platform(scorer)
    numbers = iter(range(PAST, 10_000))

    def ask() -> DecisionRecord:
        return platform.engine.decide(json.dumps(booking(next(numbers))).encode()).result(30)

    try:
        assert ask().degraded == ()
        server.kill()
        record = ask()
        assert record.degraded == ("features_unavailable",)
        assert set(record.receipt.absent.values()) == {"read_model_down"}
        assert record.receipt.cut == {}
        server.start()
        follow(owner)
        for _ in range(200):
            if ask().degraded == ():
                break
            time.sleep(0.05)
        assert ask().receipt.cut == {"main": PAST}
        assert isinstance(platform.engine, Engine)
        absent = platform.engine.stats.freshness.absent
        assert set(absent) <= {"read_model_down", "read_model_empty"}
        assert absent["read_model_down"] >= len(view_names(CHECKOUT.catalog.plan))
    finally:
        platform.close()
    report = check_features(Home(scorer.home), "checkout", partitions={"main": Home(owner.home)})
    assert report.mismatches == 0, report.differences


def test_what_the_owner_learns_is_seen_by_the_next_decision(
    owner: Settings, scorer: Settings
) -> None:
    [before] = decide(scorer, PAST + 9)
    take_in(owner, PAST, PAST + 7)
    follow(owner)
    [after] = decide(scorer, PAST + 16)
    assert after.receipt.cut == {"main": PAST + 7}
    assert np.frombuffer(after.bits, "<i8").sum() != np.frombuffer(before.bits, "<i8").sum()


def test_a_second_publisher_takes_over_and_the_first_stops(owner: Settings) -> None:
    with open_following(owner) as first, open_following(owner) as second:
        first.start()
        second.start()
        assert second.step()
        with pytest.raises(Superseded):
            first.step()


def test_the_command_publishes_once_and_says_what_it_did(
    owner: Settings, server: RedisServer
) -> None:
    with server.client() as client:
        client.flushall()
    environment = {
        "ASSAY_HOME": str(owner.home), "ASSAY_REDIS_PORT": str(server.port),
        "ASSAY_REDIS_PUBLISH_TIMEOUT": "5s",
    }  # fmt: skip
    for complete in (1, 0):
        done = CliRunner().invoke(publish, ["--once", "--json"], env=environment)
        assert done.exit_code == 0, done.output
        told = json.loads(done.stdout)
        assert (told["partition"], told["seq"]) == ("main", PAST)
        assert told["complete_publications"] == complete  # the second goes on from the first
    server.kill()
    done = CliRunner().invoke(publish, ["--once"], env=environment)
    assert isinstance(done.exception, Unavailable)


def test_settings_that_would_mislead_or_leak_are_refused(tmp_path: Path) -> None:
    for values, why in (
        ({"features.partition": "0"}, "the log that the decision itself stands in"),
        ({"redis.host": "cache.example", "redis.password": "hunter2"}, "clear text"),
        ({"redis.tls_ca": "ca.pem"}, "nothing is encrypted"),
    ):
        with pytest.raises(Invalid, match=why) as caught:
            read_settings(tmp_path, {}, values)
        assert "hunter2" not in str(caught.value)
    shown = read_settings(tmp_path, {}, {"redis.password": "hunter2"}).effective()
    assert [row["value"] for row in shown if row["name"] == "redis.password"] == ["***"]


def test_a_scorer_starts_while_redis_is_down(server: RedisServer, scorer: Settings) -> None:
    server.kill()
    [record] = decide(scorer, PAST)
    assert record.degraded == ("features_unavailable",)


def test_the_publisher_outlives_redis_and_ends_when_told(
    owner: Settings, server: RedisServer
) -> None:
    """A process of its own: Redis is killed under it, comes back empty, and is filled again."""
    environment = {**os.environ, "ASSAY_REDIS_PORT": str(server.port)}
    environment |= {"ASSAY_REDIS_PUBLISH_TIMEOUT": "5s", "ASSAY_REDIS_IMAGE_SECRET": SECRET}
    command = [sys.executable, "-m", "assay.cli.main", "publish", "--json", "--home"]
    process = subprocess.Popen(
        [*command, str(owner.home)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        until_published(server)
        server.kill()
        server.start()
        until_published(server)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    answer = json.loads(told)
    assert (answer["seq"], answer["complete_publications"]) == (PAST, 1)
    assert answer["images"] > 0


def until_published(server: RedisServer) -> None:
    """Return once a status that is younger than this call is in the store."""
    since = wall_time()
    with server.client() as client:
        for _ in range(1_200):
            raw = cast("bytes | None", client.get(b"assay:status:main"))
            if raw is not None and SEAL.read("main", raw).published_at > since:
                return
            time.sleep(0.05)
    raise AssertionError("nothing was published within a minute")
