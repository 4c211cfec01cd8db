"""How fast does a history on Kafka become durable state? Broker in front, disk behind, one process.

The brokers are those that the client library brings for tests: real sockets and the real protocol,
no disk and no replication, in the same process. So this measures the worker, not a cluster. The
peer is the client alone: it reads the same messages and commits, and keeps nothing.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from assay.adapters.kafka.connection import Connection, library
from assay.adapters.kafka.feed import KafkaFeed
from assay.adapters.kafka.publisher import KafkaPublisher
from assay.adapters.kafka.topics import ensure_topics
from assay.app.settings import read_settings
from assay.app.worker import Parts
from assay.bench.log import card_events
from assay.bench.report import Row, report, row, summarised
from assay.contracts.decode import encode_event
from assay.core.errors import Unavailable
from assay.runtime.partition_plan import Partition, Routes
from assay.runtime.partition_worker import Worker
from assay.runtime.worker_stats import WorkerStats
from assay.workloads.cards.workload import CARDS

_PARTITIONS = 4  # the mock brokers make no other number
_SECONDS = 120.0


def run(seed: int, *, events: int = 6_000, repeats: int = 3) -> dict[str, object]:
    """Measure the owners alone, and the whole way through the routers.

    The mock brokers keep about 2 MB a partition, so there are few events; each repeat reads them
    again as another group into another home.

    Raises:
        Unavailable: the extra is missing, or a run did not finish.
    """
    bodies = [encode_event(event) for event in card_events(seed, events)]
    with _cluster() as brokers:
        bench = _Bench(Connection(brokers=brokers), events)
        bench.fill(bodies)
        rates: dict[str, list[float]] = {"owned": [], "routed": [], "floor": []}
        for repeat in range(repeats + 1):  # the first one warms up
            took = {
                "owned": bench.owned(f"owned-{repeat}"),
                "routed": bench.routed(f"routed-{repeat}", bodies),
                "floor": bench.floor(f"floor-{repeat}"),
            }
            for name, rate in took.items():
                rates[name] += [rate] if repeat else []
    return report("kafka", seed=seed, rows=_rows(rates), packages=("confluent-kafka",))


def _rows(rates: dict[str, list[float]]) -> list[Row]:
    floor = summarised(rates["floor"])
    alone = "the client alone: read and commit, keep nothing"
    return [
        row(
            "one shard, broker to durable log and state",
            summarised(rates["owned"]),
            "events/s",
            alone,
            floor,
        ),
        row(
            "two shards, broker to router to broker to durable log and state",
            summarised(rates["routed"]),
            "events/s",
            alone,
            floor,
        ),
    ]


class _Bench:
    """One cluster with the events on the topic of one shard."""

    def __init__(self, connection: Connection, events: int) -> None:
        self._connection, self._events = connection, events
        self._settings = read_settings(Path("none"), {}, {"workload": "cards", "time.clock": "log"})
        self._partitions = {"customer_id": _PARTITIONS, "terminal_id": _PARTITIONS}

    def fill(self, bodies: list[bytes]) -> None:
        """Say every event to the shard of the customers."""
        routes = Routes("filled", self._partitions)
        publisher = KafkaPublisher(self._connection)
        for raw in bodies:
            customer = msgspec.json.decode(raw)["data"]["customer_id"]
            publisher.send(routes.place("customer_id", customer), b"", raw)
        publisher.flush()
        publisher.close()

    def owned(self, group: str) -> float:
        """Events a second from the shard's topic to durable."""
        routes = Routes("filled", self._partitions)
        with self._worker(routes, group, (routes.topic_of("customer_id"),)) as worker:
            return self._timed(worker, 1)

    def routed(self, name: str, bodies: list[bytes]) -> float:
        """Events a second from the topic of incoming events to durable in both shards."""
        routes = Routes(name, self._partitions)
        wanted = dict.fromkeys(routes.topics, _PARTITIONS)
        ensure_topics(self._connection, wanted, create=False, replication=1)
        publisher = KafkaPublisher(self._connection)
        for at, raw in enumerate(bodies):
            publisher.send(Partition(name, at % _PARTITIONS), b"", raw)
        publisher.flush()
        publisher.close()
        with self._worker(routes, name, routes.topics) as worker:
            return self._timed(worker, len(self._partitions))

    def floor(self, group: str) -> float:
        """Messages a second that the client reads and commits."""
        topic = Routes("filled", self._partitions).topic_of("customer_id")
        feed, joined = KafkaFeed(self._connection, group=group, topics=[topic]), _Joined()
        feed.join(joined)
        _until(lambda: bool(feed.poll(0.1)) or len(joined.partitions) == _PARTITIONS)
        start, got = time.perf_counter(), 0
        for partition in joined.partitions:
            feed.start(partition, 0)
        while got < self._events:
            for partition, messages in feed.poll(0.1).items():
                got += len(messages)
                feed.commit({partition: messages[-1].offset + 1}, wait=False)
        taken = time.perf_counter() - start
        feed.close()
        return self._events / taken

    @contextmanager
    def _worker(self, routes: Routes, group: str, topics: tuple[str, ...]) -> Iterator[Worker]:
        stats, publisher = WorkerStats(), KafkaPublisher(self._connection)
        with TemporaryDirectory(prefix="assay-bench-") as folder:
            parts = Parts(Path(folder), self._settings, CARDS, routes, publisher, stats)
            feed = KafkaFeed(self._connection, group=group, topics=topics)
            worker = Worker(feed, parts.open, monotonic=time.monotonic, stats=stats)
            feed.join(worker)
            try:
                yield worker
            finally:
                worker.close()
                publisher.close()

    def _timed(self, worker: Worker, copies: int) -> float:
        """From the first message that is taken until every copy of every event is durable."""
        wanted = self._events * copies
        _until(lambda: worker.step(0.1) > 0)
        start = time.perf_counter()
        first = worker.stats.events.accepted
        _until(lambda: worker.step(0.1) < 0 or worker.stats.events.accepted >= wanted)
        return (wanted - first) / copies / (time.perf_counter() - start)


class _Joined:
    """Remembers what the group assigned."""

    def __init__(self) -> None:
        self.partitions: list[Partition] = []

    def assigned(self, partitions: list[Partition]) -> None:
        """See `Listener`."""
        self.partitions += partitions

    def revoked(self, partitions: list[Partition], *, lost: bool) -> None:  # noqa: ARG002
        """See `Listener`."""
        self.partitions = [kept for kept in self.partitions if kept not in partitions]


@contextmanager
def _cluster() -> Iterator[str]:
    producer: Any = library().Producer
    host = producer({"bootstrap.servers": "none:1", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = host.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    host.purge()


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not holds():
        if time.monotonic() > end:
            raise Unavailable(f"the run did not finish in {_SECONDS:.0f} seconds")
