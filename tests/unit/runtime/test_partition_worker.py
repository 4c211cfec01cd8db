"""What a worker does when a partition cannot be followed: it says why, waits, and tries again."""

from collections.abc import Callable

from tests.property.partitions.small_world import AT, CATALOG, CONTRACTS

from assay.core.errors import HomeLocked
from assay.core.time import DAY
from assay.runtime.partition_log import MemoryPartitionLog
from assay.runtime.partition_memory import MemoryFeed, MemoryTopics
from assay.runtime.partition_owner import Owner, Part
from assay.runtime.partition_plan import Partition, shard_catalog, shards_of
from assay.runtime.partition_worker import Worker
from assay.runtime.worker_stats import WorkerStats

HERE = Partition("events-user", 0)
USER = next(shard for shard in shards_of(CATALOG) if shard.name == "user")


class World:
    """One worker, one partition, and a clock that a test moves."""

    def __init__(self, opened: Callable[[Partition], Part] | None = None) -> None:
        self.topics, self.log, self.now = MemoryTopics(), MemoryPartitionLog(), 0.0
        self.feed = MemoryFeed(self.topics)
        self.worker = Worker(
            self.feed, opened or self.owner, monotonic=lambda: self.now, stats=WorkerStats()
        )
        self.feed.listener = self.worker

    def owner(self, partition: Partition) -> Owner:
        """The partition, opened."""
        return Owner(
            name=str(partition),
            log=self.log,
            contracts=CONTRACTS,
            catalog=shard_catalog(CATALOG, USER),
            horizon=DAY,
            known_at=lambda _event: AT,
            stats=self.worker.stats.events,
        )

    def say(self, *bodies: bytes) -> None:
        """A router says something to it."""
        for raw in bodies:
            self.topics.send(HERE, b"", raw)


def paid(name: str, user: str = "a") -> bytes:
    return b'{"id":"%s","type":"paid","ts":%d,"data":{"user":"%s"}}' % (
        name.encode(),
        AT,
        user.encode(),
    )


def test_a_partition_that_another_process_holds_is_waited_for() -> None:
    held = [True]

    def opened(partition: Partition) -> Part:
        if held:
            raise HomeLocked(f"{partition} is in use by process 7")
        return world.owner(partition)

    world = World(opened)
    world.say(paid("e1"))
    world.feed.assign(HERE)
    assert world.worker.step() == 0
    assert "in use by process 7" in world.worker.waiting[HERE]
    held.clear()
    assert world.worker.step() == 0, "not at once: it waits a little longer each time"
    world.now += 1
    assert world.worker.step() == 1
    assert (world.log.last_seq(), world.worker.waiting) == (1, {})


def test_messages_that_the_broker_dropped_unread_stop_the_partition_and_say_so() -> None:
    world = World()
    world.log.begin(0)
    world.say(paid("e1"), paid("e2"))
    world.topics.dropped[HERE] = 1
    world.feed.assign(HERE)
    world.worker.step()
    assert "reaches up to offset 0, the broker has 1 to 2" in world.worker.waiting[HERE]
    assert world.log.last_seq() == 0


def test_a_topic_that_was_made_anew_stops_the_partition_and_says_so() -> None:
    world = World()
    world.log.begin(0)
    world.log.take([], [], 5)
    world.say(paid("e1"))
    world.feed.assign(HERE)
    world.worker.step()
    assert "was cut or made anew" in world.worker.waiting[HERE]


def test_a_history_without_a_beginning_begins_with_what_the_broker_still_has() -> None:
    world = World()
    world.say(paid("e1"), paid("e2"), paid("e3"))
    world.topics.dropped[HERE] = 1
    world.feed.assign(HERE)
    world.worker.step()
    assert [entry.event.id for entry in world.log.entries()] == ["e2", "e3"]
    position = world.log.position()
    assert position is not None
    assert (position.first, position.next) == (1, 3)


def test_one_bad_message_is_kept_with_its_offset_and_stops_nothing() -> None:
    world = World()
    world.say(paid("e1"), b"\xff", paid("e1", user="b"), paid("e2"))
    world.feed.assign(HERE)
    assert world.worker.step() == 4
    assert [entry.event.id for entry in world.log.entries()] == ["e1", "e2"]
    kept = list(world.log.spoiled())
    assert [(offset, refusal.code) for offset, refusal in kept] == [
        (1, "contract_violation"),
        (2, "conflict"),
    ]


def test_the_broker_hears_of_offsets_only_after_they_are_durable() -> None:
    world = World()
    world.say(paid("e1"), paid("e2"))
    world.feed.assign(HERE)
    world.worker.step()
    assert world.topics.committed == {HERE: 2}
    world.say(paid("e3"))
    world.worker.step()
    assert world.topics.committed == {HERE: 2}, "once a second is enough"
    world.feed.revoke(HERE)
    assert world.topics.committed == {HERE: 3}
    assert world.worker.held == {}


def test_a_state_is_rebuilt_in_steps_between_which_the_group_is_answered() -> None:
    world = World()
    world.say(*(paid(f"e{number}") for number in range(12_000)))
    world.feed.assign(HERE)
    while world.worker.step():
        pass
    again = World()
    again.log = world.log
    again.topics.messages = world.topics.messages
    again.feed.assign(HERE)
    again.worker.step()
    assert "rebuilt from its log" in again.worker.waiting[HERE]
    again.worker.step()
    part = again.worker.held[HERE]
    assert isinstance(part, Owner)
    assert part.live.seq == 12_000
