"""How does an event reach every shard that must know it? The router says it again, once a key.

What comes in is checked here once: a message that is no event stays in this partition's quarantine,
with its offset. The position moves only after the broker has confirmed every copy, so a crash makes
copies come twice, never less than once; the owners know an event by its id and count it once.
"""

from collections.abc import Sequence
from typing import Protocol

from assay.contracts.contract import ContractSet
from assay.contracts.event import Event
from assay.contracts.retraction import RETRACTION_TYPE
from assay.core.errors import Invalid
from assay.runtime.intake import Intake
from assay.runtime.partition_log import Message, PartitionLog, Spoiled, Start
from assay.runtime.partition_owner import not_yet_taken, spoilt
from assay.runtime.partition_plan import Partition, Routes
from assay.runtime.ports import Clock
from assay.runtime.reserved import check_free
from assay.runtime.stats import Stats


class Publisher(Protocol):
    """Says things to partitions."""

    def send(self, partition: Partition, key: bytes, value: bytes) -> None:
        """Put a message on its way, in the order of the calls for each partition.

        Raises:
            Unavailable: the broker does not take it.
        """

    def flush(self) -> None:
        """Return once the broker has confirmed everything sent.

        Raises:
            Unavailable: something was not confirmed in time: send it all again.
        """


class Router:
    """One partition of the topic of incoming events.

    Args:
        log: keeps its position and what it refused; closed with the router.
        contracts: the event types taken in.
        routes: where each event belongs.
        publisher: how it gets there.
        clock: what ``ts`` of events is compared with.
        stats: counts what is refused.
    """

    def __init__(
        self,
        *,
        log: PartitionLog,
        contracts: ContractSet,
        routes: Routes,
        publisher: Publisher,
        clock: Clock,
        stats: Stats,
    ) -> None:
        self.log, self._routes, self._publisher = log, routes, publisher
        self._clock, self._stats = clock, stats
        self._intake = Intake(contracts, log, clock, 0, stats)

    def position(self) -> Start | None:
        """See `Part.position`."""
        return self.log.position()

    def begin(self, first: int) -> None:
        """See `Part.begin`."""
        self.log.begin(first)

    def rebuild(self) -> bool:
        """See `Part.rebuild`: a router keeps nothing that would need it."""
        return True

    def take(self, messages: Sequence[Message]) -> None:
        """See `Part.take`: one confirmation of the broker and one transaction for all of them."""
        fresh = not_yet_taken(messages, self.log.position())
        if not fresh:
            return
        spoiled: list[Spoiled] = []
        for message in fresh:
            try:
                event = self._event(message.value)
            except Invalid as error:
                spoiled.append(spoilt(self._intake, message, error))
            else:
                for partition, key in self._places(event):
                    self._publisher.send(partition, key, message.value)
        self._publisher.flush()
        self.log.take([], spoiled, fresh[-1].offset + 1)

    def rest(self) -> bool:
        """See `Part.rest`: nothing can wait here."""
        return False

    def close(self) -> None:
        """See `Part.close`."""
        self.log.close()

    def _places(self, event: Event) -> list[tuple[Partition, bytes]]:
        """A retraction names an event and no entity, so every partition must hear of it."""
        if event.type != RETRACTION_TYPE:
            return self._routes.of(event)
        key = event.id.encode()
        return [(partition, key) for partition in self._routes.everywhere()]

    def _event(self, raw: bytes) -> Event:
        event = check_free(self._intake.decode(raw))
        self._intake.check_recent(event)
        self._clock.observe(event.ts)
        return event
