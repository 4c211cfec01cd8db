"""What becomes of the messages of one partition? They are in its log and its state, exactly once.

An owner is the one process that holds a partition: its durable log, the feature state folded from
it, and the place in the topic up to which both reach. Everything here happens on one thread.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from assay.contracts.contract import ContractSet
from assay.contracts.event import Event
from assay.core.errors import Invalid, Unavailable
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.runtime.clock import LogClock
from assay.runtime.intake import Ack, Intake
from assay.runtime.keeping import KEEPING, Keeping
from assay.runtime.live import Live
from assay.runtime.partition_log import Message, PartitionLog, Spoiled, Start
from assay.runtime.ports import Entry
from assay.runtime.snapshot import Folding, SnapshotStore
from assay.runtime.snapshot_keeper import SnapshotKeeper
from assay.runtime.stats import Stats

#: Entries folded in one step of a rebuild: a tenth of a second, far below any session timeout.
_FOLDED_AT_ONCE = 10_000
#: 1 MiB a partition; at a million events of one partition a fifth of new ids are looked up in vain.
SEEN_BITS = 23

Known = Callable[[Event], int]


class Onlooker(Protocol):
    """Follows what an owner knows, entry by entry: it shows the state to others, say.

    It never raises: an owner goes on without it.
    """

    def starts(self, last: Entry | None, newest_of: Mapping[str, int]) -> None:
        """A new fold begins; the entries of the log that come after ``last`` follow.

        Those up to it are in the state already (it began at a snapshot): none is told of again.

        Args:
            last: what the state saw last; None when it saw nothing.
            newest_of: the newest accepted ``ts`` of each event type in it.
        """

    def folded(self, entry: Entry) -> None:
        """An entry is durable and in the state."""

    def rest(self, state: FeatureState) -> bool:
        """The state holds exactly what was folded; whether there is more to do at once."""


class NoOnlooker:
    """Nobody looks on."""

    def starts(self, last: Entry | None, newest_of: Mapping[str, int]) -> None:
        """See `Onlooker.starts`."""

    def folded(self, entry: Entry) -> None:
        """See `Onlooker.folded`."""

    def rest(self, state: FeatureState) -> bool:  # noqa: ARG002 - the port's
        """See `Onlooker.rest`."""
        return False


class Part(Protocol):
    """What a worker holds a partition by."""

    def position(self) -> Start | None:
        """The place up to which the partition's messages have had their effect."""

    def begin(self, first: int) -> None:
        """Start a history that has none, at this offset."""

    def rebuild(self) -> bool:
        """Take one bounded step towards being able to take messages; whether that is reached."""

    def take(self, messages: Sequence[Message]) -> None:
        """Give messages their effect, durably; those that had it before are passed over.

        Raises:
            Unavailable: it could not be made durable: `rebuild`, then take them again.
        """

    def rest(self) -> bool:
        """Do what can wait, a bounded step of it; whether there is more to do at once."""

    def close(self) -> None:
        """Release what is held; everything taken stays."""


class Owner:
    """One partition of a shard.

    Args:
        name: of the partition, for messages to people.
        log: its history; closed with the owner.
        contracts: the event types taken in.
        catalog: the features kept: those of the shard.
        horizon: microseconds; an event older than the partition's newest by more does not count.
        known_at: when the platform learned of an event that is taken in now (microseconds).
        stats: counts what becomes of events.
        lookback: microseconds behind its newest event that a request may lie; see `FeatureState`.
        onlooker: follows what it knows.
        snapshots: of its state: where a fold begins, and what is kept as it goes on.
        keeping: how often.
    """

    def __init__(
        self,
        *,
        name: str,
        log: PartitionLog,
        contracts: ContractSet,
        catalog: Catalog,
        horizon: int,
        known_at: Known,
        stats: Stats,
        lookback: int | None = None,
        onlooker: Onlooker | None = None,
        snapshots: SnapshotStore | None = None,
        keeping: Keeping = KEEPING,
    ) -> None:
        self.name, self.log, self._catalog = name, log, catalog
        self._known_at, self._stats, self._lookback = known_at, stats, lookback
        self._onlooker = onlooker or NoOnlooker()
        # Whether its time is possible was asked where the event came in, once for all shards.
        self._intake = Intake(contracts, log, LogClock(), horizon, stats, any_order=True)
        self._live: Live | None = None
        self._folding: Folding | None = None
        self._snapshots = snapshots
        self.keeper = SnapshotKeeper(log, snapshots, keeping, name=name)

    @property
    def live(self) -> Live:
        """The state, when it follows the log.

        Raises:
            Unavailable: it does not yet, or no longer.
        """
        if self._live is None:
            raise Unavailable(f"partition {self.name} is being rebuilt from its log")
        return self._live

    def position(self) -> Start | None:
        """See `Part.position`."""
        return self.log.position()

    def begin(self, first: int) -> None:
        """See `Part.begin`."""
        self.log.begin(first)

    def rebuild(self) -> bool:
        """See `Part.rebuild`: begins at a snapshot if one is sound, or folds some of the log.

        Raises:
            Corrupt: the log is damaged; names the seq.
        """
        if self._live is not None:
            return True
        if self._folding is None:
            self._stats.rebuilds += 1
            self._folding = Folding(self.log, self._empty, self._snapshots, self._begins)
        folded = self._folding.step(_FOLDED_AT_ONCE, self._onlooker.folded)
        if folded < _FOLDED_AT_ONCE:
            self._live, self._folding = self._folding.live, None
        return self._live is not None

    def take(self, messages: Sequence[Message]) -> None:
        """See `Part.take`: one transaction for all of them."""
        live = self.live
        fresh = not_yet_taken(messages, self.log.position())
        if not fresh:
            return
        future: Future[Any] = Future()
        try:
            entries, spoiled = self._effects(live, fresh, future)
            self.log.take(entries, spoiled, fresh[-1].offset + 1)
        except BaseException:
            self._live = None  # it ran ahead of the log
            raise
        live.settle(tuple(entries))
        for entry in entries:
            self._onlooker.folded(entry)
        self.keeper.follow(live, _at_once)

    def rest(self) -> bool:
        """See `Part.rest`."""
        if self._live is None:
            return False
        self.keeper.follow(self._live, _at_once)
        return self._onlooker.rest(self._live.features)

    def close(self) -> None:
        """See `Part.close`; the state is kept if that is worth its while."""
        try:
            self.keeper.close(self._live)
        finally:
            self._live = self._folding = None
            self.log.close()

    def _empty(self) -> Live:
        return Live(self._catalog, 0, 0, SEEN_BITS, lookback=self._lookback)

    def _begins(self, live: Live) -> None:
        last = next(self.log.entries(live.seq - 1, live.seq)) if live.seq else None
        self._onlooker.starts(last, live.newest_of)

    def _effects(
        self, live: Live, messages: Sequence[Message], future: Future[Any]
    ) -> tuple[list[Entry], list[Spoiled]]:
        events: list[Event] = []
        came: list[Message] = []
        spoiled: list[Spoiled] = []
        for message in messages:
            try:
                events.append(self._intake.decode(message.value))
                came.append(message)
            except Invalid as error:
                spoiled.append(spoilt(self._intake, message, error))
        entries, results = self._intake.take(live, events, future, self._known_at)
        for message, result in zip(came, results, strict=True):
            if not isinstance(result, Ack):
                spoiled.append(spoilt(self._intake, message, result))
        return entries, sorted(spoiled, key=lambda kept: kept.offset)


def _at_once(_live: Live) -> "Future[object]":
    """Between two groups, everything that an owner knows is durable."""
    done: Future[object] = Future()
    done.set_result(None)
    return done


def not_yet_taken(messages: Sequence[Message], position: Start | None) -> Sequence[Message]:
    """Those at or after the position: the others came again.

    Raises:
        Unavailable: the partition's history has not begun.
    """
    if position is None:
        raise Unavailable("the history of the partition has not begun: nothing can be taken")
    if messages and messages[0].offset >= position.next:
        return messages
    return [message for message in messages if message.offset >= position.next]


def spoilt(intake: Intake, message: Message, error: Invalid) -> Spoiled:
    """What is kept of a message that is refused."""
    return Spoiled(message.offset, intake.refusal(message.value, error))
