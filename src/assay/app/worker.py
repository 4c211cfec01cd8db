"""What stands behind a worker of a home? Kafka in front, one folder a partition behind.

``partitions/TOPIC/NUMBER/`` holds the log of a partition and the lock of the process that has it.
Workers on one machine share the home; a partition moves between machines with its folder.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from assay.adapters.files.home import HomeLock
from assay.adapters.files.snapshots import SnapshotFiles
from assay.adapters.kafka.connection import Connection, library
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.app.home import Home
from assay.app.kafka_settings import KafkaSettings
from assay.app.kinds import Secret
from assay.app.layout import SNAPSHOTS, check_layout, folder_of, root_of
from assay.app.read_model import publisher_of, read_model
from assay.app.routes import routes_of
from assay.app.settings import Settings
from assay.app.wire import clock_of
from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.catalog import Catalog
from assay.runtime.clock import wall_time
from assay.runtime.partition_owner import Owner, Part
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of
from assay.runtime.partition_publish import Published
from assay.runtime.partition_router import Publisher, Router
from assay.runtime.partition_worker import Worker
from assay.runtime.read_model import ReadModel
from assay.runtime.worker_stats import WorkerStats
from assay.workloads.workload import Workload


@contextmanager
def open_worker(
    settings: Settings, workload: Workload, *, monotonic: Callable[[], float]
) -> Iterator[tuple[Worker, Routes]]:
    """A worker that has joined its group; leaving the block leaves the group.

    Raises:
        Invalid: no brokers are named, a topic has another number of partitions, or the home's
            histories were laid out otherwise.
        Unavailable: the extra is missing, or the cluster does not answer.
    """
    kafka = settings.kafka
    if kafka.brokers is None:
        raise Invalid("kafka.brokers is not set: name the cluster in assay.toml or by --brokers")
    library()
    from assay.adapters.kafka.feed import KafkaFeed
    from assay.adapters.kafka.publisher import KafkaPublisher
    from assay.adapters.kafka.topics import ensure_topics

    routes = routes_of(kafka, workload.catalog)
    root = root_of(settings.home)
    check_layout(root, routes)
    connection = connection_of(kafka)
    wanted: dict[str, int | None] = {routes.topic: None}
    wanted |= {routes.topic_of(name): count for name, count in routes.partitions.items()}
    ensure_topics(connection, wanted, create=kafka.create_topics, replication=kafka.replication)
    with ExitStack() as opened:
        opened.enter_context(Home(settings.home).filling(settings.workload))
        publisher = KafkaPublisher(connection)
        opened.callback(publisher.close)
        feed = KafkaFeed(
            connection, group=kafka.group, topics=routes.topics, session_ms=kafka.session // 1_000
        )
        stats = WorkerStats()
        model = None
        if kafka.publish:
            timeout = settings.redis.publish_timeout
            model = opened.enter_context(read_model(settings.redis, timeout))
        parts = Parts(root, settings, workload, routes, publisher, stats, model=model)
        worker = Worker(feed, parts.open, monotonic=monotonic, stats=stats)
        opened.callback(worker.close)
        feed.join(worker)
        yield worker, routes


class Parts:
    """Opens the partitions of a home.

    Args:
        root: the folder of all partitions.
        settings: of the home.
        workload: its definitions.
        routes: where entities live.
        publisher: what routers say events by.
        stats: counts what becomes of events.
        model: where owners publish what they know, None to keep it to themselves.
    """

    def __init__(
        self,
        root: Path,
        settings: Settings,
        workload: Workload,
        routes: Routes,
        publisher: Publisher,
        stats: WorkerStats,
        *,
        model: ReadModel | None = None,
    ) -> None:
        self._root, self._settings, self._workload = root, settings, workload
        self._routes, self._publisher, self._stats = routes, publisher, stats
        self._model = model
        self._catalogs = {
            shard.name: shard_catalog(workload.catalog, shard)
            for shard in shards_of(workload.catalog)
        }

    def open(self, partition: Partition) -> Part:
        """Lock and open a partition.

        Raises:
            HomeLocked: another process has it.
            Corrupt: its log is damaged.
            Unavailable: it cannot be opened.
        """
        folder = folder_of(self._root, partition)
        folder.mkdir(parents=True, exist_ok=True)
        lock = HomeLock(folder)
        try:
            log = _LockedLog(folder / "log.db", lock)
        except BaseException:
            lock.release()
            raise
        shard = self._routes.shard_of(partition.topic)
        if shard is None:
            return Router(
                log=log,
                contracts=self._workload.contracts,
                routes=self._routes,
                publisher=self._publisher,
                clock=clock_of(self._settings),
                stats=self._stats.events,
            )
        return Owner(
            name=str(partition),
            log=log,
            contracts=self._workload.contracts,
            catalog=self._catalogs[shard],
            horizon=self._settings.time.horizon,
            known_at=_happened if self._settings.time.clock == "log" else _now,
            stats=self._stats.events,
            lookback=self._settings.time.request_age,
            onlooker=self._published(partition, self._catalogs[shard]),
            snapshots=SnapshotFiles(folder / SNAPSHOTS),
            keeping=self._settings.snapshots.keeping,
        )

    def _published(self, partition: Partition, catalog: Catalog) -> Published | None:
        if self._model is None:
            return None
        publisher = publisher_of(self._settings, self._model, catalog, str(partition))
        return Published(publisher, time.monotonic)


class _LockedLog(SqlitePartitionLog):
    """A partition's log that gives the folder up when it is closed, and not before."""

    def __init__(self, path: Path, lock: HomeLock) -> None:
        super().__init__(path)
        self._lock = lock

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._lock.release()


def connection_of(kafka: KafkaSettings) -> Connection:
    """The cluster of the settings; the secrets are revealed to the client alone."""
    return Connection(
        brokers=kafka.brokers or "",
        security=kafka.security,
        ca_file=kafka.ca_file,
        certificate=kafka.certificate,
        key=kafka.key,
        key_password=_revealed(kafka.key_password),
        mechanism=kafka.mechanism,
        username=kafka.username,
        password=_revealed(kafka.password),
    )


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _now(_event: Event) -> int:
    return wall_time()


def _happened(event: Event) -> int:
    return event.ts
