"""When is something durable? When the group it was committed with is; one thread sees to that.

While a commit waits for the disk, the next group gathers: under load groups grow by themselves and
nobody ever waits for a timer. When a commit fails, everything that waits fails with it, and the
owner is asked to rebuild its state from the log: state may have run ahead, the log never does.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from assay.contracts.quarantine import Refusal
from assay.core.errors import Unavailable
from assay.runtime.ports import Entry, EventLog, Quarantine

_GROUP_MAX = 2_000  #: entries in one transaction: about 20 ms of writing


class Overloaded(Unavailable):
    """Too much waits for the disk: send it again a little later."""

    code = "overloaded"

    def __init__(self, waiting: int, most: int) -> None:
        super().__init__(
            f"{waiting} entries wait for the disk, at most {most} may: send it again a little later"
        )


class Work:
    """Entries and refusals that are acknowledged together.

    ``answer`` gets the quarantine's ids of the refusals and gives the result of ``future``; an
    exception that it returns becomes the future's. ``settle`` is called once the entries are
    durable, before the future resolves.
    """

    __slots__ = ("answer", "broken", "entries", "future", "generation", "refusals", "settle")

    def __init__(
        self,
        generation: int,
        entries: tuple[Entry, ...],
        *,
        future: Future[Any],
        answer: Callable[[Sequence[int]], object],
        refusals: tuple[Refusal, ...] = (),
        settle: Callable[[tuple[Entry, ...]], None] | None = None,
    ) -> None:
        self.generation, self.entries, self.refusals = generation, entries, refusals
        self.future, self.answer, self.settle = future, answer, settle
        self.broken: Exception | None = None


class GroupWriter:
    """The one thread that writes the log.

    Args:
        log: where entries go.
        quarantine: where refusals go.
        broken: called in the writer's thread when a commit failed, with the reason and the next
            generation; returns once the owner's state follows the log again, or when it stops.
    """

    def __init__(
        self, log: EventLog, quarantine: Quarantine, broken: Callable[[Exception, int], None]
    ) -> None:
        self._log, self.quarantine, self._broken = log, quarantine, broken
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self.generation = 0
        # Two counters with one writer each, so that their difference needs no lock.
        self._given = self._taken = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="assay-log-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Entries given and not yet durable."""
        return self._given - self._taken

    def give(self, work: Work) -> None:
        """Queue work in order; its future resolves when it and all before it are durable.

        One thread calls this. Work of a generation that has failed fails at once.
        """
        work.future.set_running_or_notify_cancel()  # from here on nobody can cancel it
        if self._closed or work.generation != self.generation:
            work.future.set_exception(Unavailable("the log is closed or being recovered"))
            return
        self._given += len(work.entries)
        self._queue.put(work)

    def durable(self, generation: int) -> "Future[Any]":
        """A future that resolves once everything given so far is durable, and fails with it.

        Args:
            generation: of the state that what was given was applied to.
        """
        future: Future[Any] = Future()
        self.give(Work(generation, (), future=future, answer=lambda _ids: None))
        return future

    def discard(self, error: Exception) -> None:
        """Have the owner's state rebuilt once everything given so far is durable."""
        marker = Work(self.generation, (), future=Future(), answer=lambda _ids: None)
        marker.broken = error
        self._queue.put(marker)

    def close(self) -> None:
        """Finish what was given, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, stop = self._more([first])
            self._commit(group)
            if stop:
                return

    def _more(self, group: list[Work]) -> tuple[list[Work], bool]:
        size = sum(len(work.entries) for work in group)
        while size < _GROUP_MAX:
            try:
                work = self._queue.get_nowait()
            except Empty:
                break
            if work is None:
                return group, True
            group.append(work)
            size += len(work.entries)
        return group, False

    def _commit(self, group: list[Work]) -> None:
        stale = [work for work in group if work.generation != self.generation]
        if stale:
            self._fail(stale, Unavailable("the state this was decided on was discarded"))
            group = [work for work in group if work.generation == self.generation]
        try:
            self._log.append([entry for work in group for entry in work.entries])
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is known to be durable
            self._fail(group, _not_durable(error))
            self._start_over(error)
            return
        for work in group:
            if work.settle is not None:
                work.settle(work.entries)
        self._acknowledge(group)
        for work in group:
            if work.broken is not None:
                self._start_over(work.broken)

    def _start_over(self, error: Exception) -> None:
        self.generation += 1
        self._fail_queued(_not_durable(error))
        self._broken(error, self.generation)

    def _fail_queued(self, error: Exception) -> None:
        """Fail everything that is queued; called in the writer's thread."""
        while True:
            group, stop = self._more([])
            self._fail(group, error)
            if stop:
                self._queue.put(None)  # still to be obeyed
            if stop or not group:
                return

    def _acknowledge(self, group: list[Work]) -> None:
        refusals = [refusal for work in group for refusal in work.refusals]
        ids: list[int] = []
        if refusals:
            try:
                ids = self.quarantine.put(refusals)
            except Exception as error:  # noqa: BLE001 - the refusal is not kept: say so to its sender
                self._fail([work for work in group if work.refusals], _not_durable(error))
                group = [work for work in group if not work.refusals]
        at = 0
        for work in group:
            self._taken += len(work.entries)
            answer = work.answer(ids[at : at + len(work.refusals)])
            at += len(work.refusals)
            if isinstance(answer, BaseException):
                work.future.set_exception(answer)
            else:
                work.future.set_result(answer)

    def _fail(self, group: list[Work], error: Exception) -> None:
        for work in group:
            self._taken += len(work.entries)
            work.future.set_exception(error)


def _not_durable(error: Exception) -> Unavailable:
    reason = Unavailable(
        f"it could not be made durable, so it is not acknowledged: {error}. Send it again later"
    )
    reason.__cause__ = error
    return reason
