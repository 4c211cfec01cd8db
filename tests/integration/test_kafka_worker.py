"""Two workers share a stream; one is killed under load; nothing is lost and nothing counts twice.

A producer says card transactions with ties, repetitions, bodies that are no events, and events
that are taken back. The oracle is one state in this process that was given every valid event once.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

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

from assay.adapters.kafka.connection import Connection
from assay.adapters.kafka.publisher import KafkaPublisher
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.app.workloads import workload_named
from assay.contracts.event import Event
from assay.core.time import MINUTE
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.runtime.fold import fold
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of
from assay.runtime.partition_read import Holding, SpreadReader

AT = 1_767_225_600_000_000
EVENTS = 1_500
ROUTES = Routes("events", {"customer_id": PARTITIONS, "terminal_id": PARTITIONS})
ALL = {str(Partition(topic, number)) for topic in ROUTES.topics for number in range(PARTITIONS)}


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


def test_two_workers_one_killed_nothing_lost_nothing_doubled(brokers: str, tmp_path: Path) -> None:
    events = transactions()
    taken_back = [events[number].id for number in range(5, EVENTS, 47)][: EVENTS // 60]
    said = stream(events, taken_back)
    publisher = KafkaPublisher(Connection(brokers=brokers))
    spoken = threading.Event()

    def speak() -> None:
        for number, raw in enumerate(said):
            # What takes an event back may overtake it: another partition, another router.
            publisher.send(Partition("events", number % PARTITIONS), b"", raw)
            if number % 10 == 0:
                spoken.wait(0.03)
        publisher.flush()
        spoken.set()

    with WorkerProcess(tmp_path, brokers) as doomed, WorkerProcess(tmp_path, brokers) as survivor:
        until(
            lambda: (
                doomed.following | survivor.following == ALL
                and bool(doomed.following)
                and bool(survivor.following)
            ),
            60,
            "both workers to share all partitions",
        )
        threading.Thread(target=speak, daemon=True).start()
        until(lambda: sum(positions(tmp_path).values()) > len(said) // 3, 30, "some load")
        assert not spoken.is_set(), "the worker must die under load"
        doomed.kill()
        until(spoken.is_set, 60, "the producer")
        until(lambda: survivor.following == ALL, 60, "the survivor to take over everything")
        until(lambda: positions(tmp_path) == ends(brokers), 60, "everything to be durable")
        assert survivor.stop() == 0, survivor.errors[-5:]
    catalog = workload_named("cards").catalog
    check_logs(tmp_path, events, taken_back, len([raw for raw in said if b'"x"' in raw]))
    check_values(tmp_path, catalog, [event for event in events if event.id not in taken_back])


def ends(brokers: str) -> dict[str, int]:
    """The offset after the last message of every partition, as the brokers say it."""
    asking = Consumer({"bootstrap.servers": brokers, "group.id": "asking", "log_level": 0})
    found = {}
    for name in ALL:
        topic, _, number = name.partition("/")
        found[name] = asking.get_watermark_offsets(TopicPartition(topic, int(number)), timeout=5)[1]
    asking.close()
    return found


def log_of(home: Path, partition: Partition) -> SqlitePartitionLog:
    path = home / "partitions" / partition.topic / str(partition.number) / "log.db"
    return SqlitePartitionLog(path, create=False)


def check_logs(home: Path, events: list[Event], taken_back: list[str], spoiled: int) -> None:
    """Each shard holds each event once, on the partition of its key; refusals are kept once."""
    amounts = {event.id: event.payload["amount"] for event in events}
    for shard in ROUTES.partitions:
        found: dict[str, int] = {}
        for number in range(PARTITIONS):
            log = log_of(home, Partition(ROUTES.topic_of(shard), number))
            for logged in log.read():
                if logged.event.type == "transaction":
                    assert ROUTES.place(shard, logged.event.payload[shard]).number == number
                    assert logged.event.id not in found
                    found[logged.event.id] = logged.event.payload["amount"]
            backs = [e.event.payload["event"] for e in log.entries() if e.event.id[0] == "r"]
            assert sorted(backs) == sorted(taken_back)
            assert list(log.spoiled()) == []
            log.close()
        assert found == amounts
    kept = 0
    for number in range(PARTITIONS):
        log = log_of(home, Partition("events", number))
        offsets = [offset for offset, _ in log.spoiled()]
        assert len(offsets) == len(set(offsets))
        kept += len(offsets)
        log.close()
    assert kept == spoiled


def check_values(home: Path, catalog: Catalog, events: list[Event]) -> None:
    """Every value of many requests equals that of one process, bit for bit."""
    shards = {shard.name: shard_catalog(catalog, shard) for shard in shards_of(catalog)}
    holdings: dict[Partition, Holding] = {}
    for partition in ROUTES.everywhere():
        state = FeatureState(shards[ROUTES.shard_of(partition.topic) or ""])
        log = log_of(home, partition)
        for entry in log.entries():
            fold(state, entry)
        holdings[partition] = Holding(state, log.last_seq())
        log.close()
    truth = FeatureState(catalog)
    truth.apply_all(events)
    reader = SpreadReader(catalog, ROUTES, holdings.__getitem__)
    known = 0
    for request in events[::7]:
        vector, newest, cut = reader.read(request)
        wanted, oldest = truth.read(request)
        assert vector.digest == wanted.digest
        assert newest == oldest
        assert len(cut) == 2
        known += int(vector.known.sum())
    assert known > 1_000
