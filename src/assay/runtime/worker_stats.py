"""How is a worker doing? What it took, how far behind the broker's time, how often it was moved."""

from bisect import bisect_left
from collections.abc import Sequence

from assay.runtime.clock import wall_time
from assay.runtime.partition_log import Message
from assay.runtime.partition_plan import Partition
from assay.runtime.stats import Stats

#: Upper edges in microseconds of the histogram of delays: 1 ms, then doubling up to 131 s.
DELAY_EDGES = tuple(1_000 << power for power in range(18))


class WorkerStats:
    """Counters with one writing thread; ``events`` counts what became of events.

    Example:
        >>> stats = WorkerStats()
        >>> stats.delayed(3_500)
        >>> stats.delays[:4]
        [0, 0, 1, 0]
    """

    def __init__(self) -> None:
        self.events = Stats()
        self.messages: dict[Partition, int] = {}
        self.rebalances = self.failures = 0
        self.delays = [0] * (len(DELAY_EDGES) + 1)
        self.delay_total = 0

    def taken(self, partition: Partition, messages: Sequence[Message]) -> None:
        """These messages of a partition have had their effect, durably."""
        self.messages[partition] = self.messages.get(partition, 0) + len(messages)
        if messages[0].at:
            self.delayed(max(wall_time() - messages[0].at, 0))

    def delayed(self, us: int) -> None:
        """A group was durable so long after the broker got its oldest message (microseconds)."""
        self.delays[bisect_left(DELAY_EDGES, us)] += 1
        self.delay_total += us
