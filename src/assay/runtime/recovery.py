"""How does a process come to know what it knew before it died? It folds the log again."""

import threading
from collections.abc import Callable

from assay.features.catalog import Catalog
from assay.runtime.live import Live
from assay.runtime.ports import Clock, EventLog
from assay.runtime.snapshot import SnapshotStore, fold_log
from assay.runtime.stats import Stats


class Follower:
    """The live state, and how it comes to follow the log (again).

    ``live`` is None while it does not; ``why`` then says why. ``capacity`` is the review capacity
    a rebuilt state gets, ``catalog`` what is kept.

    Args:
        log: what is followed.
        catalog: the features kept.
        clock: moved to the newest accepted event.
        stats: counts rebuilds.
        lookback: microseconds behind the newest event that a request may lie; see `FeatureState`.
        snapshots: where to begin instead of at the first entry.
        memory_max: see `Live.check_room`.
    """

    def __init__(
        self,
        log: EventLog,
        catalog: Catalog,
        clock: Clock,
        stats: Stats,
        lookback: int | None = None,
        *,
        snapshots: SnapshotStore | None = None,
        memory_max: int | None = None,
    ) -> None:
        self._log, self.catalog, self._clock, self._stats = log, catalog, clock, stats
        self.lookback, self._snapshots, self._memory_max = lookback, snapshots, memory_max
        self._stop, self._changing = threading.Event(), threading.Lock()
        self.capacity = 0
        self.live: Live | None = None
        self.why = "the state is being rebuilt from the log"

    def rebuild(self, generation: int) -> None:
        """Fold the log into a new state, from the newest sound snapshot on if there is one.

        The verdict on late events is taken as stored, never derived again. Idempotency needs no
        rebuilding: it is asked of the log itself.

        Raises:
            Corrupt: the log is damaged; names the seq.
        """
        self._stats.rebuilds += 1

        def make() -> Live:
            return Live(
                self.catalog,
                self.capacity,
                generation,
                lookback=self.lookback,
                memory_max=self._memory_max,
            )

        live = fold_log(self._log, make, self._snapshots)
        if live.newest is not None:
            self._clock.observe(live.newest)
        self.live = live

    def start_over(self, error: Exception, generation: int) -> None:
        """Drop the state and rebuild it, however long the log cannot be used.

        Runs in the writer's thread: meanwhile the caller's thread finds no live state.
        """

        def attempt() -> None:
            self._log.probe()
            self.rebuild(generation)

        self.drop(error)
        until_it_works(attempt, wait=self._stop.wait, failed=self.drop)

    def drop(self, error: Exception) -> None:
        """The state can no longer be trusted, or still cannot be rebuilt."""
        with self._changing:
            self.live, self.why = None, f"{type(error).__name__}: {error}"

    def decide_by(self, live: Live, catalog: Catalog) -> bool:
        """From now on ``catalog`` decides, after a rebuild too; whether ``live`` still holds.

        A rebuild reads ``self.catalog`` only after the state was dropped, and here nothing changes
        once it was: so the two can never disagree.
        """
        with self._changing:
            if self.live is not live or catalog.digest not in live.states:
                return False
            self.catalog = catalog
            live.features = live.states[catalog.digest]
            return True

    def close(self) -> None:
        """Give up any rebuilding."""
        self._stop.set()


class Backoff:
    """Waiting times that double from ``first`` to ``last`` seconds.

    Example:
        >>> backoff = Backoff(0.1, 0.3)
        >>> [backoff.next() for _ in range(3)]
        [0.1, 0.2, 0.3]
    """

    def __init__(self, first: float, last: float) -> None:
        self._wait, self._last = first, last

    def next(self) -> float:
        """The next waiting time in seconds."""
        wait = self._wait
        self._wait = min(2 * wait, self._last)
        return wait


def until_it_works(
    attempt: Callable[[], None],
    *,
    wait: Callable[[float], bool],
    failed: Callable[[Exception], None],
    first: float = 0.05,
    last: float = 10.0,
) -> bool:
    """Repeat ``attempt`` with growing pauses until it succeeds; False when told to stop.

    Args:
        attempt: what is tried.
        wait: waits that many seconds and says whether to stop.
        failed: hears why an attempt failed.
        first: seconds before the first attempt.
        last: the longest pause between two.
    """
    backoff = Backoff(first, last)
    while not wait(backoff.next()):
        try:
            attempt()
        except Exception as error:  # noqa: BLE001 - whatever fails, the process stays not ready
            failed(error)
        else:
            return True
    return False
