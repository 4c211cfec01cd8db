"""Where does a scorer that owns no partition get its vectors? From a read model, in one round trip.

Whatever goes wrong there, the views it concerns are not known, with a reason on the record; the
decision is made. What is down is not asked again at every request, and used again once it is back.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from assay.contracts.event import Event
from assay.core.errors import Corrupt, Unavailable
from assay.features.row_image import Asked, BadImage, ImageCodec, ImageReader, RowImage
from assay.features.view import Served, Stale
from assay.runtime.breaker import Breaker
from assay.runtime.read_model import UNKEYED, ReadModel, Status, StatusSeal, row_name, status_name

#: Why a view is absent: the store did not answer; it holds nothing of the partition; what it holds
#: is of other definitions; is damaged; is too short for the widest window; its owner is silent.
DOWN = "read_model_down"
EMPTY = "read_model_empty"
OTHER_CATALOG = "read_model_other_catalog"
DAMAGED = "read_model_damaged"
TOO_SHORT = "read_model_history_too_short"
SILENT = "read_model_owner_silent"


class SharedFeatures:
    """Vectors from a read model. One thread calls it.

    Args:
        model: where images are.
        codec: reads them.
        partition_of: the partition that owns a row.
        breaker: keeps a store that fails from being asked.
        wall: microseconds UTC, for the age of a status.
        silent_max: microseconds without a word of an owner after which its views are not known;
            None to take its word for ever.
        seal: of the statuses, as their publishers have it.
    """

    def __init__(
        self,
        model: ReadModel,
        codec: ImageCodec,
        partition_of: Callable[[Asked], str],
        *,
        breaker: Breaker,
        wall: Callable[[], int],
        silent_max: int | None = None,
        seal: StatusSeal = UNKEYED,
    ) -> None:
        self._seal = seal
        self._model, self._codec, self._partition_of = model, codec, partition_of
        self._reader, self._breaker = ImageReader(codec), breaker
        self._wall, self._silent_max = wall, silent_max
        self.absences: Counter[str] = Counter()

    @property
    def is_down(self) -> bool:
        """Whether the store is being left alone now."""
        return self._breaker.is_open

    def warm(self) -> None:
        """Compile, or load, what a read needs, so that no request waits for it."""
        self._reader.warm()

    def serve(self, request: Event, stale: Stale | None = None) -> Served:
        """See ``FeatureSource.serve``."""
        asked = [item for item in dict.fromkeys(self._codec.asked(request)) if item is not None]
        fetched = self._fetch(asked)
        if fetched is None:
            absent = dict.fromkeys(self._reader.views, DOWN)
            rows: list[tuple[Asked, RowImage]] = []
            statuses: dict[str, Status | str] = {}
        else:
            statuses = fetched.statuses
            rows, absent = self._usable(request.ts, fetched)
        self.absences.update(absent.values())
        known = {name: s for name, s in statuses.items() if isinstance(s, Status)}
        seen = self._seen(asked, known)
        if stale is not None:
            absent = {**stale(seen), **absent}
        vector, newest = self._reader.read(request, rows, absent)
        cut = {name: status.seq for name, status in known.items()}
        return Served(vector, newest, cut, absent, seen)

    def _fetch(self, asked: list[Asked]) -> "_Fetched | None":
        """One round trip: the statuses of the partitions concerned and the images."""
        if not self._breaker.closed():
            return None
        owners = [self._partition_of(item) for item in asked]
        partitions = sorted(set(owners))
        names = [status_name(name) for name in partitions]
        names += [row_name(owner, item) for owner, item in zip(owners, asked, strict=True)]
        try:
            found = self._model.fetch(names) if names else []
        except Unavailable:
            self._breaker.failed()
            return None
        self._breaker.worked()
        statuses = {
            name: self._status(name, raw) for name, raw in zip(partitions, found, strict=False)
        }
        return _Fetched(statuses, list(zip(asked, owners, found[len(partitions) :], strict=True)))

    def _status(self, partition: str, raw: bytes | None) -> Status | str:
        """A partition's status, or why there is none."""
        if raw is None:
            return EMPTY
        try:
            status = self._seal.read(partition, raw)
        except Corrupt:
            return DAMAGED
        # A sign of life from the future would be believed until then, long after its owner died.
        away = abs(self._wall() - status.published_at)
        return SILENT if self._silent_max is not None and away > self._silent_max else status

    def _usable(
        self, at: int, fetched: "_Fetched"
    ) -> tuple[list[tuple[Asked, RowImage]], dict[str, str]]:
        rows, absent = [], {}
        for asked, owner, image in fetched.rows:
            found = self._row(at, asked, fetched.statuses[owner], image)
            if isinstance(found, str):
                absent[self._reader.views[asked.table]] = found
            elif found is not None:
                rows.append((asked, found))
        return rows, absent

    def _row(
        self, at: int, asked: Asked, status: Status | str, image: bytes | None
    ) -> RowImage | str | None:
        """A row, None for one never seen, or why it cannot be told."""
        if isinstance(status, str):
            return status
        if self._codec.tables[asked.table] not in status.tables:
            return OTHER_CATALOG
        if status.oldest is not None and at < status.oldest:
            return TOO_SHORT  # whoever has no image may have had one when that T was now
        if image is None:
            return None
        try:
            row = self._codec.decode(asked, image)
        except BadImage:
            return DAMAGED
        if row.generation != status.generation:
            return None  # of a log that is no more: the present one does not know the key
        if row.seq > status.seq:
            return DAMAGED  # a flush is atomic: this cannot be, so nothing is known
        return TOO_SHORT if self._reader.incomplete(asked.table, row, at) else row

    def _seen(self, asked: Iterable[Asked], statuses: dict[str, Status]) -> dict[str, int | None]:
        """The newest ts of each view's source that its partition had seen; the older of two."""
        seen: dict[str, int | None] = {}
        for item in asked:
            status = statuses.get(self._partition_of(item))
            if status is not None:
                view = self._reader.views[item.table]
                ts = status.newest.get(self._codec.catalog.plan.tables[item.table].source)
                other = seen.get(view, ts)
                seen[view] = None if ts is None or other is None else min(ts, other)
        return seen


class _Fetched(NamedTuple):
    """What one round trip brought: statuses by partition, and rows with owner and image."""

    statuses: dict[str, Status | str]
    rows: list[tuple[Asked, str, bytes | None]]
