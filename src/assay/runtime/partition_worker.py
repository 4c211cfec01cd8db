"""Who owns which partition now, and what is done with what it says? One worker of a group.

The broker assigns partitions to the workers of a group and takes them away again, also under load.
A worker opens an assigned partition from its durable log, reads on from the place that log names,
and lets go of a revoked one only between two groups of messages: nothing is ever half done.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from assay.core.errors import AssayError, Unavailable
from assay.runtime.partition_log import Message
from assay.runtime.partition_owner import Part
from assay.runtime.partition_plan import Partition
from assay.runtime.recovery import Backoff
from assay.runtime.worker_stats import WorkerStats

#: Seconds between two notes to the broker of how far we are; they only tell its tools our lag.
_COMMIT_EVERY = 1.0
#: Seconds until a partition that cannot be used is tried again.
_RETRY_FIRST, _RETRY_LAST = 0.05, 5.0

_log = logging.getLogger("assay.worker")


class Feed(Protocol):
    """The partitions assigned to this worker, as a stream of messages.

    A newly assigned partition stays silent until `start`. ``listener`` hears of assignments from
    within `poll` and `close`.
    """

    def poll(self, timeout: float) -> Mapping[Partition, list[Message]]:
        """Messages that have come, in order of offset, after at most ``timeout`` seconds."""

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """The lowest offset the broker still has, and the one the next message will get.

        Raises:
            Unavailable: the broker does not say.
        """

    def start(self, partition: Partition, offset: int) -> None:
        """Let a partition speak, from this offset on.

        Raises:
            Unavailable: not now; try again.
        """

    def pause(self, partition: Partition) -> None:
        """Silence a partition until `start`."""

    def commit(self, positions: Mapping[Partition, int], *, wait: bool) -> None:
        """Tell the broker how far we are: for its lag, and for nothing that we rely on."""

    def close(self) -> None:
        """Leave the group; what was assigned is revoked first."""


class _Held:
    """A partition assigned to this worker; ``part`` is None while it cannot be opened."""

    __slots__ = ("backoff", "part", "retry_at", "speaking", "why")

    def __init__(self) -> None:
        self.part: Part | None = None
        self.speaking = False
        self.retry_at, self.backoff, self.why = 0.0, Backoff(_RETRY_FIRST, _RETRY_LAST), ""


class Worker:
    """Holds what the group assigns to it, on one thread.

    Args:
        feed: where messages come from; its listener must call `assigned` and `revoked`.
        open_part: locks and opens a partition; raises HomeLocked while another process has it.
        monotonic: seconds, never going back.
        stats: counts and delays of this worker.
    """

    def __init__(
        self,
        feed: Feed,
        open_part: Callable[[Partition], Part],
        *,
        monotonic: Callable[[], float],
        stats: WorkerStats,
    ) -> None:
        self._feed, self._open_part = feed, open_part
        self._monotonic, self.stats = monotonic, stats
        self._held: dict[Partition, _Held] = {}
        self._moved: dict[Partition, int] = {}
        self._commit_at = 0.0

    @property
    def held(self) -> dict[Partition, Part]:
        """The partitions that are open and followed."""
        return {
            partition: held.part
            for partition, held in self._held.items()
            if held.part is not None and held.speaking
        }

    @property
    def waiting(self) -> dict[Partition, str]:
        """The partitions that are assigned and cannot be followed yet, and why."""
        return {p: held.why for p, held in self._held.items() if not held.speaking}

    def run(self, stop: Callable[[], bool]) -> None:
        """Work until told to stop, then finish, tell the broker, and leave the group."""
        try:
            while not stop():
                self.step(0.2)
        finally:
            self.close()

    def step(self, timeout: float = 0.0) -> int:
        """One round: open what waits, then deal with what has come; how many messages that was."""
        busy = self._prepare()
        for part in self.held.values():
            busy = part.rest() or busy
        taken = 0
        for partition, messages in self._feed.poll(0.0 if busy else timeout).items():
            held = self._held.get(partition)
            # What was revoked in the same call belongs to the next owner, who has not seen it.
            if held is not None and held.part is not None and held.speaking:
                self._take(partition, held, held.part, messages)
                taken += len(messages)
        self._commit(wait=False)
        return taken

    def close(self) -> None:
        """Leave the group; whatever was taken is durable already."""
        try:
            self._commit(wait=True)
        finally:
            self._feed.close()
            self.revoked(list(self._held), lost=True)

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These are ours now; they are opened in the next step."""
        self.stats.rebalances += 1
        for partition in partitions:
            self._held.setdefault(partition, _Held())

    def revoked(self, partitions: Iterable[Partition], *, lost: bool) -> None:
        """These are no longer ours; ``lost`` says that somebody may have them already."""
        gone = [partition for partition in partitions if partition in self._held]
        if not lost:
            self._commit(wait=True)
        for partition in gone:
            held = self._held.pop(partition)
            self._moved.pop(partition, None)
            if held.part is not None:
                held.part.close()

    def _prepare(self) -> bool:
        """Bring assigned partitions forward; whether some of them are being rebuilt."""
        busy = False
        for partition, held in self._held.items():
            if held.speaking or held.retry_at > self._monotonic():
                continue
            try:
                held.speaking = self._advance(partition, held)
                busy = busy or not held.speaking
            except AssayError as error:
                self._put_off(partition, held, error)
        return busy

    def _advance(self, partition: Partition, held: _Held) -> bool:
        if held.part is None:
            held.why = "it is being opened"
            held.part = self._open_part(partition)
        if not held.part.rebuild():
            held.why = "its state is being rebuilt from its log"
            return False
        self._feed.start(partition, self._place(partition, held.part))
        held.backoff, held.why = Backoff(_RETRY_FIRST, _RETRY_LAST), ""
        return True

    def _place(self, partition: Partition, part: Part) -> int:
        """Where to read on: where the durable log stands, if the broker still has all after that.

        Raises:
            Unavailable: messages are missing between the two.
        """
        low, high = self._feed.bounds(partition)
        position = part.position()
        if position is None:
            part.begin(low)
            return low
        if not low <= position.next <= high:
            raise Unavailable(
                f"the log of {partition} reaches up to offset {position.next}, the broker has "
                f"{low} to {high}: "
                + (
                    "messages were dropped before they were read. Restore the log of another copy, "
                    "or fold the lost part in from an archive; nothing is read meanwhile"
                    if position.next < low
                    else "the topic was cut or made anew. Restore it, or move the log away to "
                    "start over; nothing is read meanwhile"
                )
            )
        return position.next

    def _take(self, partition: Partition, held: _Held, part: Part, messages: list[Message]) -> None:
        try:
            part.take(messages)
        except AssayError as error:
            self._feed.pause(partition)
            self._put_off(partition, held, error)
            return
        self._moved[partition] = messages[-1].offset + 1
        self.stats.taken(partition, messages)

    def _put_off(self, partition: Partition, held: _Held, error: AssayError) -> None:
        wait = held.backoff.next()
        if held.why != str(error):
            _log.warning("partition %s is not followed: %s", partition, error)
        held.speaking, held.why = False, str(error)
        held.retry_at = self._monotonic() + wait
        self.stats.failures += 1

    def _commit(self, *, wait: bool) -> None:
        now = self._monotonic()
        if self._moved and (wait or now >= self._commit_at):
            self._feed.commit(self._moved, wait=wait)
            self._moved.clear()
            self._commit_at = now + _COMMIT_EVERY
