"""Two workers over topics in memory, whose partitions a test moves, kills, fills and silences."""

from collections.abc import Sequence
from functools import partial

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.core.errors import HomeLocked, Unavailable
from assay.core.time import DAY
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Feature, Where
from assay.runtime.clock import LogClock
from assay.runtime.keeping import Keeping
from assay.runtime.live import Live
from assay.runtime.partition_log import MemoryPartitionLog, Spoiled
from assay.runtime.partition_memory import MemoryFeed, MemoryTopics
from assay.runtime.partition_owner import SEEN_BITS, Owner, Part
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of
from assay.runtime.partition_read import Holding
from assay.runtime.partition_router import Router
from assay.runtime.partition_worker import Worker
from assay.runtime.ports import Entry
from assay.runtime.snapshot import Kept, Snapshot, take
from assay.runtime.worker_stats import WorkerStats

AT = 1_700_000_000_000_000
PAID = EventContract(
    type="paid",
    version=1,
    fields=(
        *(Field(name=name, kind="text", required=False) for name in ("user", "device", "host")),
        Field(name="cents", kind="money", unit="EUR", required=False),
    ),
    keys=("user", "device"),
)
CONTRACTS = ContractSet([PAID])


def _feature(name: str, key: str, aggregate: str, **more: object) -> Feature:
    fields = {"source": "paid", "key": tuple(key.split()), "window": LIFETIME, **more}
    return Feature(name=name, aggregate=aggregate, **fields)  # type: ignore[arg-type]


#: Three shards (user, device, and none for the pair, which lies with the user); one table is asked
#: by another field of the request than the one that fills it.
CATALOG = Catalog(
    request=PAID,
    contracts=CONTRACTS,
    features=[
        _feature("user_count", "user", "count", window=4),
        _feature("device_sum", "device", "sum", of="cents"),
        _feature("user_last", "user", "last", of="cents", where=(Where("cents", ">", 1),)),
        _feature("pair_mean", "host user", "mean", of="cents", window=5),
        _feature("as_host_std", "user", "std", of="cents", request_key=("host",)),
        _feature("device_users", "device", "distinct", of="user", window=3),
    ],
)
PARTITIONS = {"user": 3, "device": 2}
REQUESTS = [
    Event("asked", "paid", AT + at, payload)
    for at in (0, 3, 7)
    for payload in (
        {"user": "a", "device": "b", "host": "c", "cents": 1},
        {"user": "b", "device": "a", "host": "a", "cents": 1},
        {"user": "d", "host": "b"},
        {"device": "c"},
    )
]


class MemorySnapshots:
    """See `SnapshotStore`."""

    def __init__(self) -> None:
        self._all: dict[int, Snapshot] = {}

    def save(self, snapshot: Snapshot) -> None:
        """See the port."""
        copied = {name: part.copy() for name, part in snapshot.parts.items()}
        self._all[snapshot.seq] = Snapshot(snapshot.seq, snapshot.meta, copied)
        for seq in self.seqs()[2:]:
            self.remove(seq)

    def seqs(self) -> list[int]:
        """See the port."""
        return sorted(self._all, reverse=True)

    def newest(self) -> Kept | None:
        """See the port."""
        return Kept(self.seqs()[0], 1, 1) if self._all else None

    def load(self, seq: int) -> Snapshot:
        """See the port."""
        return self._all[seq]

    def remove(self, seq: int) -> None:
        """See the port."""
        self._all.pop(seq, None)


class FaultyLog(MemoryPartitionLog):
    """Refuses every group while ``full``; every other time only after it was written."""

    full, _turn = False, 1

    def take(self, entries: Sequence[Entry], spoiled: Sequence[Spoiled], until: int) -> None:
        """See the port."""
        if self.full:
            self._turn += 1
            if self._turn % 2:
                super().take(entries, spoiled, until)
            raise Unavailable("no space left on device")
        super().take(entries, spoiled, until)


class Cluster:
    """What survives a process (topics, logs), and two processes."""

    def __init__(self) -> None:
        self.topics, self.routes = MemoryTopics(), Routes("events", PARTITIONS)
        self._logs: dict[Partition, FaultyLog] = {}
        self._snapshots: dict[Partition, MemorySnapshots] = {}
        self._locks: dict[Partition, object] = {}
        self._now = 0.0
        self.all = [Partition("events", 0), *self.routes.everywhere()]
        self._workers: list[tuple[MemoryFeed, Worker]] = []
        self._start()
        self._start()
        self._workers[0][0].assign(*self.all)

    def say(self, raw: bytes) -> None:
        """A producer sends a message, and again until it arrives."""
        before, self.topics.refusing = self.topics.refusing, False
        self.topics.send(Partition("events", 0), b"", raw)
        self.topics.refusing = before

    def do(self, what: str, how: int | bool) -> None:
        """One act of the test."""
        if what == "step":
            self._now += 1
            self._workers[int(how)][1].step()
        elif what == "move":
            self._move(self.all[int(how) % len(self.all)])
        elif what == "kill":
            self._kill(int(how))
        elif what == "keep":
            self.keep()
        elif what == "outage":
            self.topics.refusing = bool(how)
        elif what == "full disk":
            for partition in self.all:
                self.log(partition).full = bool(how)

    def settle(self) -> None:
        """All faults end, and everything that was said is dealt with."""
        self.do("outage", how=False)
        self.do("full disk", how=False)
        for _ in range(40):
            self._now += 10
            if not sum([worker.step() for _, worker in self._workers]) and not any(
                worker.waiting for _, worker in self._workers
            ):
                return
        raise AssertionError("the workers never finished")

    def log(self, partition: Partition) -> FaultyLog:
        """The durable log of a partition: it survives its owners."""
        return self._logs.setdefault(partition, FaultyLog())

    def keep(self) -> None:
        """Every owned partition gets a snapshot of all that its log holds."""
        for shard in shards_of(CATALOG):
            made = shard_catalog(CATALOG, shard)
            for partition, log in self._logs.items():
                if self.routes.shard_of(partition.topic) == shard.name:
                    take(log, partial(Live, made, 0, 0, SEEN_BITS), self._kept(partition))

    def _kept(self, partition: Partition) -> "MemorySnapshots":
        return self._snapshots.setdefault(partition, MemorySnapshots())

    def end(self, partition: Partition) -> int:
        """The offset after the last message of a partition."""
        return len(self.topics.messages.get(partition, []))

    def holding(self, partition: Partition) -> Holding:
        """The live state of a partition, from whoever owns it."""
        for _, worker in self._workers:
            part = worker.held.get(partition)
            if isinstance(part, Owner):
                return Holding(part.live.features, part.live.seq)
        raise Unavailable(f"nobody holds {partition}")

    def seq(self, name: str) -> int:
        """The last ``seq`` in the log of a partition, by its name in a receipt."""
        topic, _, number = name.partition("/")
        return self.log(Partition(topic, int(number))).last_seq()

    def spoiled(self) -> int:
        """How many messages are in any quarantine."""
        return sum(len(list(log.spoiled())) for log in self._logs.values())

    def _start(self) -> None:
        feed, me = MemoryFeed(self.topics, at_once=2, again=1), object()

        def opened(partition: Partition) -> Part:
            if self._locks.get(partition, me) is not me:
                raise HomeLocked(f"{partition} is held by another process")
            self._locks[partition] = me
            return self._part(partition)

        worker = Worker(feed, opened, monotonic=lambda: self._now, stats=WorkerStats())
        feed.listener = worker
        self._workers.append((feed, worker))

    def _part(self, partition: Partition) -> Part:
        stats, log = WorkerStats().events, self.log(partition)
        shard = self.routes.shard_of(partition.topic)
        if shard is None:
            clock = LogClock(DAY)
            return Router(
                log=log,
                contracts=CONTRACTS,
                routes=self.routes,
                publisher=self.topics,
                clock=clock,
                stats=stats,
            )
        held = next(s for s in shards_of(CATALOG) if s.name == shard)
        owner = Owner(
            name=str(partition),
            log=log,
            contracts=CONTRACTS,
            catalog=shard_catalog(CATALOG, held),
            horizon=DAY,
            known_at=lambda event: event.ts,
            stats=stats,
            snapshots=self._kept(partition),
            keeping=Keeping(every=0),
        )
        owner.close = lambda: self._released(partition)  # type: ignore[method-assign]
        return owner

    def _released(self, partition: Partition) -> None:
        self._locks.pop(partition, None)

    def _move(self, partition: Partition) -> None:
        for at, (feed, worker) in enumerate(self._workers):
            if partition in worker.held or partition in worker.waiting:
                feed.revoke(partition)
                self._locks.pop(partition, None)
                self._workers[1 - at][0].assign(partition)
                return

    def _kill(self, at: int) -> None:
        """Kill -9: no callback runs, no offset is committed; the system drops the locks."""
        _, dead = self._workers.pop(at)
        lost = [*dead.held, *dead.waiting]
        for partition in lost:
            self._locks.pop(partition, None)
        self._start()
        if at == 0:
            self._workers.reverse()
        self._workers[1 - at][0].assign(*lost)
