"""Two workers share a stream; one is killed under load; nothing is lost and nothing counts twice.

A producer says card transactions with ties, repetitions, bodies that are no events, and events
that are taken back. The oracle is one state in this process that was given every valid event once.
"""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition
from tests.integration.kafka_cluster import (
    PARTITIONS,
    WorkerProcess,
    mock_cluster,
    positions,
    until,
)
from tests.integration.redis_server import needs_redis, redis_server

from assay.adapters.kafka.connection import Connection
from assay.adapters.kafka.publisher import KafkaPublisher
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.app.read_model import read_model
from assay.app.settings import read_settings
from assay.app.workloads import workload_named
from assay.contracts.event import Event
from assay.core.time import MINUTE
from assay.features.catalog import Catalog
from assay.features.row_image import ImageCodec
from assay.features.state import FeatureState
from assay.runtime.breaker import Breaker
from assay.runtime.clock import wall_time
from assay.runtime.fold import fold
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of
from assay.runtime.partition_read import Holding, SpreadReader
from assay.runtime.shared_features import SharedFeatures

AT = 1_767_225_600_000_000
EVENTS = 1_500
BOTH = {"customer_id": PARTITIONS, "terminal_id": PARTITIONS}


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    with mock_cluster() as addresses:
        yield addresses


def transactions() -> list[Event]:
    """Few entities and few minutes, so that entities, ties and windows collide."""
    draw = np.random.default_rng(11)
    return [
        Event(
            f"t{number}",
            "transaction",
            AT + int(draw.integers(0, 600)) * MINUTE,
            {
                "customer_id": f"c{draw.integers(0, 40)}",
                "terminal_id": f"m{draw.integers(0, 25)}",
                "amount": int(draw.integers(1, 90_000)),
                "local_time": AT + int(draw.integers(0, 600)) * MINUTE,
            },
        )
        for number in range(EVENTS)
    ]


def wire(event: Event) -> bytes:
    return json.dumps(
        {"id": event.id, "type": event.type, "ts": event.ts, "data": event.payload}
    ).encode()


def stream(events: list[Event], taken_back: list[str]) -> list[bytes]:
    """What the producer says, in order."""
    said: list[bytes] = []
    for number, event in enumerate(events):
        said.append(wire(event))
        if number % 50 == 7:
            said.append(said[number // 2])
        if number % 100 == 31:
            said.append(b'{"id":"x","type":"transaction","data":{}}')
        if number % 60 == 13:
            back = Event(f"r{number}", "retraction", AT, {"event": taken_back[number // 60]})
            said.append(wire(back))
    return said


class Speaking:
    """A producer on a thread of its own: ten messages on ``topic``, a pause, ten messages ..."""

    def __init__(self, brokers: str, topic: str, pause: float = 0.03) -> None:
        self._pause = pause
        self.events = transactions()
        self.taken_back = [self.events[at].id for at in range(5, EVENTS, 47)][: EVENTS // 60]
        self.said = stream(self.events, self.taken_back)
        self.done = threading.Event()
        self._publisher, self._topic = KafkaPublisher(Connection(brokers=brokers)), topic
        self._thread = threading.Thread(target=self._speak)

    @property
    def spoiled(self) -> int:
        """How many messages are no events."""
        return len([raw for raw in self.said if b'"x"' in raw])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)

    def _speak(self) -> None:
        for number, raw in enumerate(self.said):
            # What takes an event back may overtake it: another partition, another router.
            self._publisher.send(Partition(self._topic, number % PARTITIONS), b"", raw)
            if number % 10 == 0:
                self.done.wait(self._pause)
        self._publisher.flush()
        self.done.set()


def check(home: Path, routes: Routes, speaking: Speaking) -> None:
    """Logs, quarantines and values are what one process would have made of what was said."""
    taken_back = speaking.taken_back
    check_logs(home, routes, speaking)
    left = [event for event in speaking.events if event.id not in taken_back]
    check_values(home, routes, workload_named("cards").catalog, left)


def share(routes: Routes, *workers: WorkerProcess) -> None:
    """Wait until the workers follow every partition, and each has some."""

    def shared() -> bool:
        return all_of(routes) == set().union(*(worker.following for worker in workers)) and all(
            worker.following for worker in workers
        )

    until(shared, 60, "the workers to share all partitions")


def test_two_workers_one_killed_nothing_lost_nothing_doubled(brokers: str, tmp_path: Path) -> None:
    routes = Routes("killed", BOTH)
    names = ("--topic", "killed", "--group", "killed")
    with (
        WorkerProcess(tmp_path, brokers, *names) as doomed,
        WorkerProcess(tmp_path, brokers, *names) as survivor,
    ):
        share(routes, doomed, survivor)
        with Speaking(brokers, "killed") as speaking:
            until(lambda: sum(positions(tmp_path).values()) > EVENTS // 3, 30, "some load")
            assert not speaking.done.is_set(), "the worker must die under load"
            doomed.kill()
        share(routes, survivor)
        until(lambda: positions(tmp_path) == ends(brokers, routes), 60, "all to be durable")
        assert survivor.stop() == 0, survivor.errors[-5:]
    check(tmp_path, routes, speaking)


@pytest.mark.slow
def test_partitions_change_hands_under_load_when_a_worker_joins_and_when_one_leaves(
    brokers: str, tmp_path: Path
) -> None:
    routes = Routes("moved", BOTH)
    names = ("--topic", "moved", "--group", "moved")
    with WorkerProcess(tmp_path, brokers, *names) as first:
        share(routes, first)
        with (
            Speaking(brokers, "moved", 0.1) as speaking,
            WorkerProcess(tmp_path, brokers, *names) as second,
        ):
            share(routes, first, second)
            assert first.stop() == 0, first.errors[-5:]
            assert first.stopped is not None
            assert first.stopped["accepted"] > 0
            share(routes, second)
            until(lambda: positions(tmp_path) == ends(brokers, routes), 60, "all to be durable")
            assert speaking.done.is_set()
            assert second.stop() == 0, second.errors[-5:]
            assert second.stopped is not None
            assert second.stopped["accepted"] > 0
    check(tmp_path, routes, speaking)


@pytest.mark.slow
@needs_redis
def test_what_workers_publish_gives_the_vectors_of_one_process(
    brokers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes, events = Routes("shown", BOTH), transactions()[:300]
    with redis_server(tmp_path) as server:
        monkeypatch.setenv("ASSAY_KAFKA_PUBLISH", "true")
        monkeypatch.setenv("ASSAY_REDIS_PORT", str(server.port))
        home, catalog = tmp_path / "home", workload_named("cards").catalog
        with WorkerProcess(home, brokers, "--topic", "shown", "--group", "shown") as worker:
            share(routes, worker)
            publisher = KafkaPublisher(Connection(brokers=brokers))
            for event in events:
                publisher.send(Partition("shown", 0), b"", wire(event))
            publisher.flush()
            until(lambda: sum(positions(home).values()) == 3 * len(events), 60, "durability")
            settings = read_settings(home, {"ASSAY_REDIS_PORT": str(server.port)})
            with read_model(settings.redis, 1_000_000) as model:
                source = SharedFeatures(
                    model,
                    ImageCodec(catalog),
                    routes.owner_of(catalog),
                    breaker=Breaker(time.monotonic_ns),
                    wall=wall_time,
                )
                check_published(source, home, routes, catalog, events)
            assert worker.stop() == 0, worker.errors[-5:]


def check_published(
    source: SharedFeatures, home: Path, routes: Routes, catalog: Catalog, events: list[Event]
) -> None:
    """Once the owners have shown all of their logs, every vector is that of one process."""
    lasts = {}
    for partition in routes.everywhere():
        log = log_of(home, partition)
        lasts[str(partition)] = log.last_seq()
        log.close()
    truth = FeatureState(catalog)
    truth.apply_all(events)
    # A request may lie six hours behind the newest event of a partition; the events span ten.
    for request in [event for event in events if event.ts > AT + 250 * MINUTE][::9]:

        def shown(asked: Event = request) -> bool:
            cut = source.serve(asked).cut
            return len(cut) == 2 and all(lasts[name] == seq for name, seq in cut.items())

        until(shown, 20, "the owners to show their logs")
        served = source.serve(request)
        assert served.absent == {}
        assert served.vector.digest == truth.read(request)[0].digest


def all_of(routes: Routes) -> set[str]:
    return {str(Partition(topic, at)) for topic in routes.topics for at in range(PARTITIONS)}


def ends(brokers: str, routes: Routes) -> dict[str, int]:
    """The offset after the last message of every partition, as the brokers say it."""
    asking = Consumer({"bootstrap.servers": brokers, "group.id": "asking", "log_level": 0})
    found = {}
    for name in all_of(routes):
        topic, _, number = name.partition("/")
        found[name] = asking.get_watermark_offsets(TopicPartition(topic, int(number)), timeout=5)[1]
    asking.close()
    return found


def log_of(home: Path, partition: Partition) -> SqlitePartitionLog:
    path = home / "partitions" / partition.topic / str(partition.number) / "log.db"
    return SqlitePartitionLog(path, create=False)


def check_logs(home: Path, routes: Routes, speaking: Speaking) -> None:
    """Each shard holds each event once, on the partition of its key; refusals are kept once."""
    amounts = {event.id: event.payload["amount"] for event in speaking.events}
    for shard in routes.partitions:
        found: dict[str, int] = {}
        for number in range(PARTITIONS):
            log = log_of(home, Partition(routes.topic_of(shard), number))
            for logged in log.read():
                if logged.event.type == "transaction":
                    assert routes.place(shard, logged.event.payload[shard]).number == number
                    assert logged.event.id not in found
                    found[logged.event.id] = logged.event.payload["amount"]
            backs = [e.event.payload["event"] for e in log.entries() if e.event.id[0] == "r"]
            assert sorted(backs) == sorted(speaking.taken_back)
            assert list(log.spoiled()) == []
            log.close()
        assert found == amounts
    kept = 0
    for number in range(PARTITIONS):
        log = log_of(home, Partition(routes.topic, number))
        offsets = [offset for offset, _ in log.spoiled()]
        assert len(offsets) == len(set(offsets))
        kept += len(offsets)
        log.close()
    assert kept == speaking.spoiled


def check_values(home: Path, routes: Routes, catalog: Catalog, events: list[Event]) -> None:
    """Every value of many requests equals that of one process, bit for bit."""
    shards = {shard.name: shard_catalog(catalog, shard) for shard in shards_of(catalog)}
    holdings: dict[Partition, Holding] = {}
    for partition in routes.everywhere():
        state = FeatureState(shards[routes.shard_of(partition.topic) or ""])
        log = log_of(home, partition)
        for entry in log.entries():
            fold(state, entry)
        holdings[partition] = Holding(state, log.last_seq())
        log.close()
    truth = FeatureState(catalog)
    truth.apply_all(events)
    reader = SpreadReader(catalog, routes, holdings.__getitem__)
    known = 0
    for request in events[::7]:
        vector, newest, cut = reader.read(request)
        wanted, oldest = truth.read(request)
        assert vector.digest == wanted.digest
        assert newest == oldest
        assert len(cut) == 2
        known += int(vector.known.sum())
    assert known > 1_000
