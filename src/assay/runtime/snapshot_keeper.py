"""When is a snapshot taken of a state that goes on changing, and who waits for it?

Requests wait for one thing, the copy of the state: into memory that a thread made ready before, so
that no page of it has to be found first. The same thread then waits until everything in the copy is
durable, writes it down and saves it. Whatever fails is told, and tried again later: the log can do
without snapshots, and nobody who wants a decision ever hears of it.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import msgspec
import numpy as np

from assay.core.errors import AssayError, Unavailable
from assay.features.image import Ahead
from assay.features.layout import Ints
from assay.runtime.clock import wall_time
from assay.runtime.keeping import Keeping, SnapshotView
from assay.runtime.live import Live
from assay.runtime.ports import EventLog
from assay.runtime.recovery import Backoff
from assay.runtime.snapshot import Kept, Moment, SnapshotStore, dump, hold, seal

#: Fewer new entries than these are folded again in less time than a snapshot takes.
SAVED_FROM = 1_000
_RETRY_LAST = 600.0  #: seconds until one that failed again and again is tried again
_SLACK = 16  #: memory is made ready for a state that grows by so little until it is copied
_TOUCHED = 1 << 21  #: words cleared in one go
_BREATH = 0.0005  #: seconds in which other threads get their turn
#: Seconds until what was applied is on disk, however slow it is; then the snapshot is given up.
_DURABLE = 60.0

_log = logging.getLogger("assay.snapshot")

#: Gives a future that resolves once everything applied to a live state is durable.
Durable = Callable[[Live], "Future[object]"]


class SnapshotKeeper:
    """Keeps one state. `follow` and `close` belong to the thread that changes the state.

    Args:
        log: which the state is folded from.
        store: where snapshots go; None to keep none.
        keeping: how often.
        name: of the state, for messages to people; empty where there is only one.
        monotonic: seconds, never going back.
    """

    def __init__(
        self,
        log: EventLog,
        store: SnapshotStore | None,
        keeping: Keeping,
        *,
        name: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._store, self._keeping = log, store, keeping
        self._of = f" of {name}" if name else ""
        self._monotonic = monotonic
        self._due = 0 if store is not None and keeping.every else 2**62
        self._backoff, self._retry_at = Backoff(keeping.retry, _RETRY_LAST), float("-inf")
        self._taking: _Taking | None = None
        self._view = _told(SnapshotView(), None if store is None else store.newest())

    @property
    def view(self) -> SnapshotView:
        """How things stand; any thread may ask."""
        taking = self._taking
        return self._view if taking is None or not taking.done else self._after(taking)

    def follow(self, live: Live, durable: Durable) -> None:
        """Entries were applied: take a step if a snapshot is due. It never raises.

        Args:
            live: the state after them.
            durable: says when all of it is on disk.
        """
        if live.seq >= self._due:
            try:
                self._step(live, durable)
            except Exception as error:  # noqa: BLE001 - memory, most likely: decisions go on
                self._failed(error)

    def close(self, live: Live | None) -> None:
        """Finish, and keep a last snapshot if all is durable and it is worth its while.

        A failure is a warning.
        """
        if self._taking is not None:
            self._taking.join()
            self._settle(self._taking)
        if self._store is None or live is None or live.pending or live.seq != self._log.last_seq():
            return
        if live.seq - self._newest(self._store, live) < SAVED_FROM:
            return
        try:
            self._store.save(dump(live, self._log))
        except (AssayError, OSError, MemoryError) as error:
            self._failed(error)

    def _step(self, live: Live, durable: Durable) -> None:
        taking, store = self._taking, self._store
        if taking is None:
            if store is None or self._monotonic() < self._retry_at:
                return
            # Another process (`assay snapshot`) may have kept one meanwhile.
            self._due = self._newest(store, live) + self._keeping.every
            if live.seq >= self._due:
                self._begin(live, store)
        elif taking.done:
            self._settle(taking)
        elif taking.ready:
            taking.take(live, durable(live))

    def _begin(self, live: Live, store: SnapshotStore) -> None:
        # The filters of what was seen are copied too; they never grow.
        filters = {"ids_seen": live.seen_ids.words.size, "keys_seen": live.seen_keys.words.size}
        ahead = live.features.ahead()
        nbytes = 8 * sum((ahead.sizes | filters).values())
        if nbytes > self._keeping.copy_max:
            ahead.close()
            raise Unavailable(
                f"the state has {nbytes:,} bytes, at most {self._keeping.copy_max:,} are copied "
                "while requests wait (snapshots.copy_max). Allow more, or set "
                "snapshots.every_events = 0 and run `assay snapshot` from a timer"
            )
        self._taking = _Taking(self._log, store, ahead, filters)

    def _settle(self, taking: "_Taking") -> None:
        self._view, self._taking = self._after(taking), None
        taking.close()
        if taking.error is not None:
            self._put_off(taking.error)
        elif taking.seq:
            self._due = taking.seq + self._keeping.every
            self._backoff = Backoff(self._keeping.retry, _RETRY_LAST)

    def _after(self, taking: "_Taking") -> SnapshotView:
        view, store = self._view, self._store
        if taking.pause_us:
            longest = max(view.pause_max_us, taking.pause_us)
            view = msgspec.structs.replace(view, pause_us=taking.pause_us, pause_max_us=longest)
        if taking.error is not None:
            return _told_failed(view, taking.error)
        if taking.seq and store is not None:
            more = msgspec.structs.replace(view, taken=view.taken + 1, why="")
            return _told(more, store.newest())
        return view

    def _failed(self, error: Exception) -> None:
        self._view = _told_failed(self._view, error)
        self._put_off(error)

    def _put_off(self, error: Exception) -> None:
        wait = self._backoff.next()
        self._retry_at = self._monotonic() + wait
        _log.error(
            "no snapshot%s was kept, it is tried again in %.0f s: %s", self._of, wait, _why(error)
        )

    def _newest(self, store: SnapshotStore, live: Live) -> int:
        # Those ahead are of a log that was longer before it was restored.
        return max((seq for seq in store.seqs() if seq <= live.seq), default=0)


class _Taking:
    """One snapshot on its way, on a thread of its own.

    ``ready`` says that it waits for `take`, ``done`` that it ended; then ``error`` says how.
    """

    def __init__(
        self, log: EventLog, store: SnapshotStore, ahead: Ahead, filters: dict[str, int]
    ) -> None:
        self._log, self._store = log, store
        self._ahead, self._sizes = ahead, ahead.sizes | filters
        self._room: dict[str, Ints] = {}
        self._moment: Moment | None = None
        self._durable: Future[object] | None = None
        self._given = threading.Event()
        self.ready = self.done = False
        self.error: Exception | None = None
        self.seq = self.pause_us = 0
        self._thread = threading.Thread(target=self._run, name="assay-snapshot", daemon=True)
        self._thread.start()

    def take(self, live: Live, durable: "Future[object]") -> None:
        """Copy the state: what requests wait for."""
        self.ready = False
        started = time.perf_counter_ns()
        try:
            self._moment, self._durable = hold(live, self._copied, self._ahead), durable
        finally:
            self.pause_us = max((time.perf_counter_ns() - started) // 1_000, 1)
            self._given.set()

    def join(self) -> None:
        """Give up what was not copied yet, and wait until what was is kept."""
        self._given.set()
        self._thread.join()

    def close(self) -> None:
        """Whatever was begun and not used is given up."""
        self._ahead.close()

    def _run(self) -> None:
        try:
            for name, size in self._sizes.items():
                self._room[name] = _made_ready(size + size // _SLACK + 1)
            self._ahead.copy_names(_breathe)
            self.ready = True
            self._given.wait()
            self.ready = False
            if self._moment is not None and self._durable is not None:
                self._durable.result(_DURABLE)
                self._store.save(seal(self._moment, self._log, _breathe))
                self.seq = self._moment.seq
        except Exception as error:  # noqa: BLE001 - whatever it is, decisions go on without it
            self.error = error
        finally:
            self._moment = None
            self._room.clear()
            self.done = True

    def _copied(self, name: str, words: Ints) -> Ints:
        room = self._room.pop(name, None)
        if room is None or room.size < words.size:
            return words.copy()  # it grew a lot meanwhile
        copy = room[: words.size].reshape(words.shape)
        np.copyto(copy, words)
        return copy


def _made_ready(size: int) -> Ints:
    """Memory of which every page is there already."""
    words = np.empty(size, np.int64)
    for start in range(0, size, _TOUCHED):
        words[start : start + _TOUCHED] = 0
    return words


def _breathe() -> None:
    time.sleep(_BREATH)


def _told(view: SnapshotView, newest: Kept | None) -> SnapshotView:
    if newest is None:
        return view
    return msgspec.structs.replace(
        view, seq=newest.seq, bytes_used=newest.nbytes, at=newest.at or wall_time()
    )


def _told_failed(view: SnapshotView, error: Exception) -> SnapshotView:
    return msgspec.structs.replace(view, failures=view.failures + 1, why=_why(error))


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
