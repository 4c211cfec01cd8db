"""What must one partition remember, in one transaction? Its entries, its refusals, its position.

Messages may come again after a crash or a rebalance. The position, written with the effects of the
messages before it, tells which of them have been dealt with: nothing is lost and nothing counts
twice, whatever the broker believes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from assay.contracts.quarantine import Refusal
from assay.core.errors import Conflict
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry, EventLog


class Message(NamedTuple):
    """What was said to a partition, and its place there; ``at`` is the broker's time of it (us)."""

    offset: int
    value: bytes
    at: int = 0


class Spoiled(NamedTuple):
    """A message that was refused, and its place in the partition."""

    offset: int
    refusal: Refusal


class Start(msgspec.Struct, frozen=True):
    """The offset of the first message that was ever asked for, and of the next one to ask for."""

    first: int
    next: int


class PartitionLog(EventLog, Protocol):
    """The durable history of one partition, with the place in the topic up to which it reaches."""

    def position(self) -> Start | None:
        """Where reading goes on; None for a partition that has read nothing."""

    def take(self, entries: Sequence[Entry], spoiled: Sequence[Spoiled], until: int) -> None:
        """Write the effects of the messages before offset ``until``, all or nothing.

        The first call may begin anywhere; from then on ``until`` only grows.

        Raises:
            Conflict: an id was used before, ``seq`` does not continue, or ``until`` goes back;
                nothing was written.
            Unavailable: it could not be made durable.
        """

    def begin(self, first: int) -> None:
        """Say durably from which offset on this history knows its partition.

        Raises:
            Conflict: it has begun already.
        """

    def spoiled(self, after: int = 0) -> Iterator[Spoiled]:
        """What was refused, with ``refusal.id > after``, in order."""


class MemoryPartitionLog(MemoryLog):
    """A partition's history that lives as long as the process: the port's executable meaning."""

    def __init__(self) -> None:
        super().__init__()
        self._position: Start | None = None
        self._offsets: dict[int, int] = {}

    def position(self) -> Start | None:
        """See `PartitionLog.position`."""
        return self._position

    def begin(self, first: int) -> None:
        """See `PartitionLog.begin`."""
        if self._position is not None:
            raise Conflict(f"the partition's history began at offset {self._position.first}")
        self._position = Start(first, first)

    def take(self, entries: Sequence[Entry], spoiled: Sequence[Spoiled], until: int) -> None:
        """See `PartitionLog.take`."""
        following = moved(self._position, until)
        self.append(entries)
        # Equal messages at two offsets are two: each has its place in the topic.
        self._offsets.update({self._keep(refusal): offset for offset, refusal in spoiled})
        self._position = following

    def spoiled(self, after: int = 0) -> Iterator[Spoiled]:
        """See `PartitionLog.spoiled`."""
        for refusal in self.refusals(after):
            assert refusal.id is not None
            yield Spoiled(self._offsets[refusal.id], refusal)


def moved(position: Start | None, until: int) -> Start:
    """The position after all before offset ``until`` has been dealt with.

    Raises:
        Conflict: it would not move forward, or reading never began.

    Example:
        >>> moved(Start(5, 7), 9)
        Start(first=5, next=9)
    """
    if position is None or until <= position.next:
        stands = "has not begun" if position is None else f"stands at offset {position.next}"
        raise Conflict(f"the partition {stands} and cannot move to {until}")
    return Start(position.first, until)
