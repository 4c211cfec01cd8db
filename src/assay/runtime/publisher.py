"""What does the owner of a partition publish, and when? The newest image of every touched row.

A row touched a hundred times between two flushes is published once. The owner calls `note` for each
entry it has folded and `flush` whenever it likes; nothing here waits or starts a thread.
"""

import hashlib
from collections.abc import Callable, Mapping

from assay.contracts.retraction import RETRACTION_TYPE, told_of
from assay.core.errors import Corrupt
from assay.features.row_image import Asked, ImageCodec
from assay.features.state import FeatureState
from assay.runtime.latency import Latency
from assay.runtime.ports import Entry
from assay.runtime.read_model import (
    UNKEYED,
    Flush,
    Lost,
    ReadModel,
    RowWrite,
    Status,
    StatusSeal,
    row_name,
)

#: Rows in one part of a complete publication: about 2 MB, some milliseconds of the store's time.
PART_MAX = 1_000
#: How long a row outlives the last window over it in the store, in milliseconds: a request may be
#: hours old, and the clocks of two machines differ.
GRACE_MS = 2 * 24 * 3_600_000
_MS = 1_000


class Publisher:
    """The one publisher of a partition. One thread calls it.

    Args:
        model: where images go.
        codec: makes them.
        partition: its name, as receipts will call it.
        wall: microseconds UTC, for the age of what is published.
        live: whether events are dated by the clock that the store lives by. Then rows may expire
            once no window sees them, and delays mean something.
        seal: of statuses.
    """

    def __init__(
        self,
        model: ReadModel,
        codec: ImageCodec,
        partition: str,
        *,
        wall: Callable[[], int],
        live: bool = True,
        seal: StatusSeal = UNKEYED,
    ) -> None:
        self._seal = seal
        self._model, self._codec, self.partition, self._wall = model, codec, partition, wall
        retentions = [codec.retention(table) for table in range(len(codec.tables))]
        self._keep_ms = [
            None if kept is None or not live else kept // _MS + GRACE_MS for kept in retentions
        ]
        self._live = live
        self._touched: dict[bytes, Asked] = {}
        self._backlog: list[Asked] | None = None
        self._sent = 0
        self._cursor: int | None = None
        self._newest: dict[str, int] = {}
        self._epoch = self._generation = 0
        self._published, self._seq, self._mark = -1, 0, b""
        self._known_at: list[int] = []
        self.latency = Latency()
        self.images = self.complete_publications = 0

    @property
    def published(self) -> int:
        """The place in the log that the store shows; -1 while it shows none."""
        return self._published

    @property
    def waiting(self) -> int:
        """Rows touched and not yet published."""
        return len(self._touched)

    @property
    def sweeping(self) -> bool:
        """Whether images of an earlier publication may still be in the store; flush again then."""
        return self._cursor is not None

    def claim(self) -> Status | None:
        """Become the partition's only publisher; the status to go on from, if there is one.

        Whoever gets one folds the log from its start and calls `note` throughout; `went_on` then
        says at ``status.seq`` whether it is the same log.

        Raises:
            Unavailable: the store does not answer.
        """
        claim = self._model.claim(self.partition, self._wall())
        self._epoch, self._generation, self._published = claim.epoch, claim.epoch, -1
        self._backlog = None
        if claim.status is None:
            return None
        try:
            status = self._seal.read(self.partition, claim.status)
        except Corrupt:
            return None  # not what a publisher of this partition left: everything is shown anew
        return status if status.tables == self._codec.tables else None

    def went_on(self, status: Status) -> bool:
        """Whether the log folded so far is the one that a status is about, at its ``seq``.

        If so, only what follows is published; else everything is.
        """
        if (self._seq, self._mark) != (status.seq, status.mark):
            return False
        self._generation, self._published = status.generation, status.seq
        self._touched.clear()
        self._known_at.clear()
        return True

    def all_again(self) -> None:
        """What was published is no longer true of the log: publish everything at the next flush."""
        self._published, self._backlog = -1, None

    def begins(self, newest_of: Mapping[str, int]) -> None:
        """A fold begins, with a state whose newest accepted ``ts`` of each type these are."""
        self._newest = dict(newest_of)
        self._touched.clear()
        self._seq, self._mark = 0, b""

    def note(self, entry: Entry) -> None:
        """An entry has been folded into the state that is published."""
        self._seq = entry.seq
        self._mark = hashlib.blake2b(entry.event.id.encode(), digest_size=8).digest()
        if not entry.accepted:
            return
        event = entry.event
        if event.type != RETRACTION_TYPE:
            self._newest[event.type] = max(event.ts, self._newest.get(event.type, event.ts))
        for asked in self._codec.touched(told_of(event)):
            self._touched[asked.name] = asked
        if self._live and self._published >= 0:
            self._known_at.append(entry.known_at)

    def flush(self, state: FeatureState) -> bool:
        """Publish what was touched; True once the store shows all that has been noted.

        After a False there is more of a complete publication to do: call it again. When it raises
        Unavailable, nothing is forgotten: call it again later.

        Args:
            state: holds every noted entry, and no other.

        Raises:
            Superseded: another publisher owns the partition; this one must stop.
            Unavailable: the store does not answer.
        """
        try:
            if self._published >= 0:
                self._send(state, list(self._touched.values()), first=False, last=True)
                self._sweep()
                return True
            return self._flush_part(state)
        except Lost:
            self._published, self._backlog = -1, None
            return False

    def _flush_part(self, state: FeatureState) -> bool:
        """One part of a complete publication; the last shows what was touched meanwhile."""
        if self._backlog is None:
            self._backlog, self._sent = list(self._codec.rows(state)), 0
            self._touched.clear()
            self.complete_publications += 1
            self._generation = max(self._generation + 1, self._wall())
        part = self._backlog[self._sent : self._sent + PART_MAX]
        first, last = self._sent == 0, self._sent + len(part) == len(self._backlog)
        touched = list(self._touched.values()) if last else []
        self._send(state, [*part, *touched], first=first, last=last)
        self._sent += len(part)
        if last:
            self._backlog, self._cursor = None, 0
        return last

    def _sweep(self) -> None:
        """After a complete publication, a step at every flush: what it replaced is forgotten."""
        if self._cursor is not None:
            here = (self.partition, self._epoch, self._generation)
            self._cursor = self._model.sweep(*here, self._cursor) or None

    def _send(self, state: FeatureState, rows: list[Asked], *, first: bool, last: bool) -> None:
        writes = [self._write(state, asked) for asked in rows]
        self._model.publish(
            Flush(
                partition=self.partition,
                epoch=self._epoch,
                generation=self._generation,
                seq=self._seq,
                after=self._published if self._published >= 0 else None,
                first=first,
                rows=writes,
                status=self._seal.write(self.partition, self._status(state)) if last else None,
            )
        )
        self.images += len(writes)
        if last:
            now = self._wall()
            for known_at in self._known_at:
                self.latency.took(now - known_at)
            self._published = self._seq
            self._touched.clear()
            self._known_at.clear()

    def _write(self, state: FeatureState, asked: Asked) -> RowWrite:
        image = self._codec.encode(state, asked, self._seq, self._generation)
        return RowWrite(row_name(self.partition, asked), image, self._keep_ms[asked.table])

    def _status(self, state: FeatureState) -> Status:
        return Status(
            generation=self._generation,
            seq=self._seq,
            mark=self._mark,
            tables=self._codec.tables,
            newest=self._newest,
            oldest=state.oldest,
            published_at=self._wall(),
        )
