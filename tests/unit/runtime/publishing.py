"""Owners of every partition of a small world that publish to one store, and a scorer that reads."""

from collections.abc import Sequence
from pathlib import Path

from tests.property.partitions.small_world import AT, CATALOG, CONTRACTS, PARTITIONS

from assay.adapters.files.snapshots import SnapshotFiles
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.core.time import DAY
from assay.features.row_image import ImageCodec
from assay.runtime.breaker import Breaker
from assay.runtime.keeping import KEEPING, Keeping
from assay.runtime.partition_log import MemoryPartitionLog, Message
from assay.runtime.partition_owner import Owner
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of
from assay.runtime.partition_publish import Published
from assay.runtime.publisher import Publisher
from assay.runtime.read_model import Claim, Flush, MemoryReadModel
from assay.runtime.shared_features import SharedFeatures
from assay.runtime.stats import Stats

ROUTES = Routes("events", PARTITIONS)


class Store(MemoryReadModel):
    """A read model that does not answer while ``down``."""

    down = False

    def claim(self, partition: str, at: int) -> Claim:
        """See the port."""
        self._check()
        return super().claim(partition, at)

    def publish(self, flush: Flush) -> None:
        """See the port."""
        self._check()
        super().publish(flush)

    def fetch(self, names: Sequence[bytes]) -> list[bytes | None]:
        """See the port."""
        self._check()
        return super().fetch(names)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("the store does not answer")


class Owners:
    """Every partition of every shard, each publishing to one store."""

    def __init__(
        self, store: Store, snapshots: Path | None = None, keeping: Keeping = KEEPING
    ) -> None:
        self.now, self._snapshots, self._keeping = 0.0, snapshots, keeping
        self.published: dict[Partition, Published] = {}
        self.owners: dict[Partition, Owner] = {}
        self.logs = {partition: MemoryPartitionLog() for partition in ROUTES.everywhere()}
        self.store = store
        for partition, log in self.logs.items():
            log.begin(0)
            self.start(partition)

    def start(self, partition: Partition) -> None:
        """A process takes the partition over."""
        shard = next(s for s in shards_of(CATALOG) if s.name == ROUTES.shard_of(partition.topic))
        catalog = shard_catalog(CATALOG, shard)
        publisher = Publisher(
            self.store, ImageCodec(catalog), str(partition), wall=lambda: AT, live=False
        )
        self.published[partition] = Published(publisher, lambda: self.now)
        owner = self.owners[partition] = Owner(
            name=str(partition),
            log=self.logs[partition],
            contracts=CONTRACTS,
            catalog=catalog,
            horizon=DAY,
            known_at=lambda event: event.ts,
            stats=Stats(),
            onlooker=self.published[partition],
            snapshots=None
            if self._snapshots is None
            else SnapshotFiles(self._snapshots / str(partition)),
            keeping=self._keeping,
        )
        while not owner.rebuild():
            pass

    def say(self, event: Event) -> None:
        """A router says an event to every shard whose key it knows."""
        for partition, _ in ROUTES.of(event):
            position = self.logs[partition].position()
            assert position is not None
            self.owners[partition].take([Message(position.next, encode_event(event))])

    def rest(self) -> None:
        """Everybody has time."""
        self.now += 10
        for owner in self.owners.values():
            while owner.rest():
                pass


def events(first: int, count: int) -> list[Event]:
    """Payments of few users on few devices, many at the same time."""
    names = "abcd"
    return [
        Event(
            f"e{at}",
            "paid",
            AT + at % 7,
            {"user": names[at % 4], "device": names[at % 3], "host": names[at % 2], "cents": at},
        )
        for at in range(first, first + count)
    ]


def scorer(owners: Owners) -> SharedFeatures:
    """A process that owns nothing."""
    return SharedFeatures(
        owners.store,
        ImageCodec(CATALOG),
        ROUTES.owner_of(CATALOG),
        breaker=Breaker(lambda: 0),
        wall=lambda: AT,
    )
