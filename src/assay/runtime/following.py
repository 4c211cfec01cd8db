"""How does a log get into a read model? Its follower folds it and publishes what changed.

A process beside the one that writes the log: what is published is durable, and deciding never waits
for the store. It costs the memory of a second state.
"""

import time
from collections.abc import Callable

from assay.contracts.reserved import ERASURE_TYPE
from assay.core.errors import Unavailable
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.runtime.fold import fold, fold_all, grouped
from assay.runtime.ports import Entry, EventLog
from assay.runtime.publisher import Publisher
from assay.runtime.read_model import Status
from assay.runtime.recovery import Backoff

#: Entries between two flushes at most: a flush is one script, and the store does nothing else.
_GROUP = 256
_POLL, _ALIVE = 0.005, 1.0  #: seconds between two looks at the log; between two signs of life


class Following:
    """Follows one log. One thread calls it.

    Args:
        log: read only.
        catalog: what is kept and published.
        publisher: of the log's partition.
        lookback: microseconds behind the newest event that a request may lie; see `FeatureState`.
        monotonic: seconds, never going back.
    """

    def __init__(
        self,
        log: EventLog,
        catalog: Catalog,
        publisher: Publisher,
        lookback: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._catalog, self.publisher = log, catalog, publisher
        self._monotonic, self._told = monotonic, float("-inf")
        self._lookback = lookback
        self._state, self.seq = FeatureState(catalog, lookback=lookback), 0
        self.failures = 0

    def start(self) -> None:
        """Own the partition, and fold the log as far as it goes.

        Raises:
            Unavailable: the store does not answer.
            Corrupt: the log is damaged; names the seq.
        """
        status = self.publisher.claim()
        if status is not None and status.seq == 0:
            self.publisher.went_on(status)
        for entry in self._log.entries():
            self._take(entry, status)

    def step(self) -> bool:
        """Publish the next group, or a sign of life if it is time; False when nothing was due.

        Raises:
            Superseded: another process owns the partition: stop.
            Unavailable: the store does not answer; nothing is lost: step again later.
            Corrupt: the log is damaged; names the seq.
        """
        fresh = self._log.last_seq() > self.seq
        if fresh:
            for entry in self._log.entries(self.seq, self.seq + _GROUP):
                self._take(entry, None)
        publisher = self.publisher
        unshown = fresh or publisher.waiting > 0 or publisher.published < 0
        if not (unshown or publisher.sweeping or self._monotonic() - self._told >= _ALIVE):
            return False
        if publisher.flush(self._state):
            self._told = self._monotonic()
        return True

    def run(self, wait: Callable[[float], bool]) -> None:
        """Follow until ``wait`` (seconds; says whether to stop) says so, whatever the store does.

        Raises:
            Superseded: another process owns the partition now.
            Corrupt: the log is damaged; names the seq.
        """
        backoff = Backoff(_POLL, 1.0)
        stop = False
        while not stop:
            try:
                stop = wait(0.0 if self.step() else _POLL)
                backoff = Backoff(_POLL, 1.0)
            except Unavailable as error:
                if type(error) is not Unavailable:
                    raise  # a damaged log, or a store that will never do
                self.failures += 1
                stop = wait(backoff.next())

    def _take(self, entry: Entry, status: Status | None) -> None:
        if entry.event.type == ERASURE_TYPE:
            self._begin_again(entry.seq)
        fold(self._state, entry)
        self.publisher.note(entry)
        self.seq = entry.seq
        if status is not None and entry.seq == status.seq:
            self.publisher.went_on(status)

    def _begin_again(self, seq: int) -> None:
        """What was erased is no longer in the log: the state without it is published whole."""
        self._state = FeatureState(self._catalog, lookback=self._lookback)
        for group in grouped(self._log.entries(0, seq - 1)):
            fold_all(self._state, group)
        self.publisher.all_again()
