"""How do scorers elsewhere see what the owner of a partition knows? It publishes as it goes.

The store may be slow, down or restarted: the owner goes on, and once the store answers again it
shows everything anew.
"""

import logging
from collections.abc import Callable, Mapping

from assay.contracts.reserved import ERASURE_TYPE
from assay.core.errors import Unavailable
from assay.features.state import FeatureState
from assay.runtime.ports import Entry
from assay.runtime.publisher import Publisher
from assay.runtime.read_model import Status, Superseded
from assay.runtime.recovery import Backoff

_ALIVE = 1.0  #: seconds between two signs of life
_RETRY_FIRST, _RETRY_LAST = 0.05, 5.0  #: seconds until a store that failed is tried again

_log = logging.getLogger("assay.worker")


class Published:
    """An onlooker that keeps a partition's rows in a read model.

    Args:
        publisher: of the partition.
        monotonic: seconds, never going back.
    """

    def __init__(self, publisher: Publisher, monotonic: Callable[[], float]) -> None:
        self._publisher, self._monotonic = publisher, monotonic
        self._claimed = self._stopped = False
        self._status: Status | None = None
        self._told, self._retry_at = float("-inf"), 0.0
        self._backoff = Backoff(_RETRY_FIRST, _RETRY_LAST)
        self.failures = 0

    def starts(self, last: Entry | None, newest_of: Mapping[str, int]) -> None:
        """See `Onlooker.starts`: go on from what is shown already, if it is of this log.

        What is shown of a place before ``last`` is shown anew as a whole: nobody says which rows
        were touched in between.
        """
        self._status, self._claimed = None, False
        self._publisher.begins(newest_of)
        try:
            self._claim()
        except Unavailable as error:
            self._failed(error)
        if last is not None:
            self.folded(last)

    def folded(self, entry: Entry) -> None:
        """See `Onlooker.folded`."""
        if entry.event.type == ERASURE_TYPE:
            self._publisher.all_again()  # what it shows may hold what was erased
        self._publisher.note(entry)
        if self._status is not None and entry.seq == self._status.seq:
            self._publisher.went_on(self._status)

    def rest(self, state: FeatureState) -> bool:
        """See `Onlooker.rest`: publishes what was touched, or a part of everything."""
        now = self._monotonic()
        if self._stopped or now < self._retry_at:
            return False
        try:
            if not self._claimed:
                self._claim()
                self._status = None  # too late to go on from it: all is shown anew
            return self._flush(state, now)
        except Superseded as error:
            _log.warning(
                "partition %s is no longer published: %s", self._publisher.partition, error
            )
            self._stopped = True
        except Unavailable as error:
            self._failed(error)
        return False

    def _claim(self) -> None:
        self._status = self._publisher.claim()
        self._claimed = True
        if self._status is not None and self._status.seq == 0:
            self._publisher.went_on(self._status)

    def _flush(self, state: FeatureState, now: float) -> bool:
        publisher = self._publisher
        due = publisher.waiting or publisher.published < 0 or now - self._told >= _ALIVE
        if not due:
            return False
        done = publisher.flush(state)
        if done:
            self._told = now
        self._backoff = Backoff(_RETRY_FIRST, _RETRY_LAST)
        return not done

    def _failed(self, error: Unavailable) -> None:
        if not self.failures:
            _log.warning("partition %s cannot be published: %s", self._publisher.partition, error)
        self.failures += 1
        self._retry_at = self._monotonic() + self._backoff.next()
