"""What do a broker and its client mean to a worker? Topics in memory, for tests and tutorials."""

from collections.abc import Mapping
from typing import Protocol

from assay.core.errors import Unavailable
from assay.runtime.partition_log import Message
from assay.runtime.partition_plan import Partition


class Listener(Protocol):
    """Who hears of assignments: a worker."""

    def assigned(self, partitions: list[Partition]) -> None:
        """These are yours."""

    def revoked(self, partitions: list[Partition], *, lost: bool) -> None:
        """These are no longer yours."""


class MemoryTopics:
    """Partitions of messages, which may be told to fail.

    While ``refusing``, as in an outage, every other message arrives, and nobody is told which.
    ``dropped`` says how many of the oldest of a partition are no longer there, as retention does.

    Example:
        >>> topics = MemoryTopics()
        >>> topics.send(Partition("events", 0), b"u1", b"hello")
        >>> topics.messages[Partition("events", 0)]
        [Message(offset=0, value=b'hello', at=0)]
    """

    def __init__(self) -> None:
        self.messages: dict[Partition, list[Message]] = {}
        self.committed: dict[Partition, int] = {}
        self.dropped: dict[Partition, int] = {}
        self.refusing, self._lost = False, False

    def send(self, partition: Partition, key: bytes, value: bytes) -> None:  # noqa: ARG002 - the port's
        """See `Publisher.send`."""
        self._lost = self.refusing and not self._lost
        if self._lost:
            return
        kept = self.messages.setdefault(partition, [])
        kept.append(Message(len(kept), value))

    def flush(self) -> None:
        """See `Publisher.flush`.

        Raises:
            Unavailable: told to refuse; what was sent may have arrived all the same.
        """
        if self.refusing:
            raise Unavailable("the broker confirms nothing")


class MemoryFeed:
    """One worker's view of the topics; a test moves partitions by `assign` and `revoke`.

    ``at_once`` is how many messages of a partition one `poll` gives, ``again`` how many from before
    the place asked for come again at a `start`: delivery is at least once.
    """

    def __init__(self, topics: MemoryTopics, at_once: int = 100, again: int = 0) -> None:
        self._topics, self._at_once, self._again = topics, at_once, again
        self._places: dict[Partition, int | None] = {}
        self.listener: Listener | None = None

    def assign(self, *partitions: Partition) -> None:
        """The group gives these to this worker."""
        self._places.update(dict.fromkeys(partitions))
        if self.listener is not None:
            self.listener.assigned(list(partitions))

    def revoke(self, *partitions: Partition, lost: bool = False) -> None:
        """The group takes these away."""
        for partition in partitions:
            self._places.pop(partition, None)
        if self.listener is not None:
            self.listener.revoked(list(partitions), lost=lost)

    def poll(self, timeout: float) -> Mapping[Partition, list[Message]]:  # noqa: ARG002 - the port's
        """See `Feed.poll`."""
        found: dict[Partition, list[Message]] = {}
        for partition, place in self._places.items():
            if place is None:
                continue
            following = self._topics.messages.get(partition, [])[place : place + self._at_once]
            if following:
                found[partition] = following
                self._places[partition] = place + len(following)
        return found

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Feed.bounds`."""
        low = self._topics.dropped.get(partition, 0)
        return low, len(self._topics.messages.get(partition, []))

    def start(self, partition: Partition, offset: int) -> None:
        """See `Feed.start`."""
        self._places[partition] = max(offset - self._again, 0)

    def pause(self, partition: Partition) -> None:
        """See `Feed.pause`."""
        self._places[partition] = None

    def commit(self, positions: Mapping[Partition, int], *, wait: bool) -> None:  # noqa: ARG002
        """See `Feed.commit`."""
        self._topics.committed.update(positions)

    def close(self) -> None:
        """See `Feed.close`."""
        self.revoke(*list(self._places))
