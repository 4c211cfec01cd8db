"""What does a running process hold in memory? A fold over the log, and what is not yet in it.

Nothing here is a source of truth: after any doubt it is thrown away and folded again.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.core.time import TIME_MIN, utc_day
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.view import Served, Stale, seen_by
from assay.review.capacity import Budget
from assay.runtime.fold import fold, fold_all, moves_time
from assay.runtime.ports import Entry
from assay.runtime.seen import SEEN_BITS, Seen


class Full(Unavailable):
    """The feature state may not grow: what is sent again later is taken in once there is room."""

    code = "full"


class Live:
    """The state behind decisions, ``generation`` telling one fold from the next.

    ``seq`` is the last one given out, ``newest`` the newest accepted ``ts``, ``newest_of`` that of
    each event type. ``pending`` holds
    what is applied but not yet known to be durable, by event id and by idempotency key, each with
    the future that resolves when it is. An id or key that is not in ``seen_ids`` or ``seen_keys``
    is new. ``features`` is the state that decides; ``states`` holds it and those kept beside it,
    by the digest of their catalog, all of the same entries. ``lost`` says why one of these is no
    longer kept. ``seen_bits`` is the size of what tells what is new: see `Seen`; ``lookback``
    says what may be forgotten: see `FeatureState`; ``memory_max``
    bounds the bytes of all states: see `check_room`.
    """

    __slots__ = (
        "budget",
        "features",
        "generation",
        "lost",
        "memory_max",
        "newest",
        "newest_of",
        "pending",
        "pending_keys",
        "seen_ids",
        "seen_keys",
        "seq",
        "states",
    )

    def __init__(
        self,
        catalog: Catalog,
        capacity_per_day: int,
        generation: int,
        seen_bits: int = SEEN_BITS,
        *,
        lookback: int | None = None,
        memory_max: int | None = None,
    ) -> None:
        self.memory_max = memory_max
        self.features = FeatureState(catalog, lookback=lookback)
        self.states = {catalog.digest: self.features}
        self.lost: dict[str, str] = {}
        self.budget = Budget(capacity_per_day)
        self.generation = generation
        self.newest: int | None = None
        self.newest_of: dict[str, int] = {}
        self.seq = 0
        self.pending: dict[str, tuple[Entry, Future[Any]]] = {}
        self.pending_keys: dict[str, Entry] = {}
        self.seen_ids, self.seen_keys = Seen(seen_bits), Seen(seen_bits)

    def accepts(self, event: Event, horizon: int) -> bool:
        """Whether an event is new enough to count: the verdict that the log will store."""
        return self.newest is None or event.ts >= self.newest - horizon

    def apply(self, entry: Entry) -> None:
        """Fold one entry in; entries come in ``seq`` order.

        Raises:
            Invalid: the features cannot take the event; nothing has changed then.
        """
        decides = (
            self.features
        )  # read once: whatever is switched meanwhile, each state gets it once
        fold(decides, entry)
        if len(self.states) > 1:
            self._apply_beside(entry, decides)
        self._count(entry)

    def apply_all(self, entries: Sequence[Entry]) -> None:
        """``apply`` entries that nobody reads between: the same, and sooner.

        Raises:
            Invalid: the features cannot take an event; all this is to be thrown away then.
        """
        if len(self.states) > 1:  # each may be lost for itself, at an entry of its own
            for entry in entries:
                self.apply(entry)
            return
        fold_all(self.features, entries)
        for entry in entries:
            self._count(entry)

    def _count(self, entry: Entry) -> None:
        """Note everything about an entry but its event's features."""
        if moves_time(entry):
            self._count_accepted(entry.event)
        self.seq = entry.seq
        self.seen_ids.add(entry.event.id)
        if entry.key is not None:
            self.seen_keys.add(entry.key)
        if entry.record is not None:
            self.budget.count(entry.record)
        elif entry.erased is not None and entry.erased.slot:
            self.budget.count_slot(utc_day(entry.event.ts))

    def serve(self, request: Event, catalog: str, stale: Stale | None = None) -> Served:
        """The vector of a request by one catalog kept here; see ``FeatureSource.serve``.

        By its own catalog, never by what decides now: one vector is of one version.

        Raises:
            Invalid: the features cannot read the request.
            Unavailable: the catalog of that digest is not kept.
        """
        state = self.states.get(catalog)
        if state is None:
            raise Unavailable(f"the features of catalog {catalog} are not kept here")
        seen: dict[str, int | None] = {}
        absent: Mapping[str, str] = {}
        if stale is not None:
            seen = seen_by(state.look_ups, request, self.newest_of)
            absent = stale(seen)
        vector, newest = state.read(request, tuple(absent))
        return Served(vector, newest, {"0": self.seq}, dict(absent), seen)

    def settle(self, entries: tuple[Entry, ...]) -> None:
        """These entries are durable: the log answers for them from now on."""
        for entry in entries:
            self.pending.pop(entry.event.id, None)
            if entry.key is not None:
                self.pending_keys.pop(entry.key, None)

    @property
    def bytes_used(self) -> int:
        """Memory of every state kept."""
        return sum(state.bytes_used for state in self.states.values())

    def check_room(self) -> None:
        """Return when another event may be taken in.

        Raises:
            Full: the states have reached their bound.
        """
        if self.memory_max is not None and self.bytes_used >= self.memory_max:
            raise Full(
                f"the feature state uses {self.bytes_used:,} bytes, at most {self.memory_max:,} "
                "are allowed (features.memory_max): nothing was taken in; send it again later. The "
                "operator gives it more memory, shortens windows, or shares the keys out"
            )

    def attach(self, state: FeatureState) -> None:
        """Keep a state that has seen exactly the entries up to ``seq`` from now on."""
        self.states = {**self.states, state.catalog.digest: state}
        self.lost.pop(state.catalog.digest, None)

    def detach(self, digest: str) -> None:
        """Keep it no longer; the one that decides stays."""
        self.states = {
            name: state
            for name, state in self.states.items()
            if name != digest or state is self.features
        }

    def _apply_beside(self, entry: Entry, decides: FeatureState) -> None:
        for digest, state in self.states.items():
            if state is not decides:
                try:
                    fold(state, entry)
                except Exception as error:  # noqa: BLE001 - it does not decide: it may be lost
                    self.lost[digest] = f"seq {entry.seq}: {type(error).__name__}: {error}"
                    self.detach(digest)

    def _count_accepted(self, event: Event) -> None:
        ts, kind = event.ts, event.type
        if self.newest is None or ts > self.newest:
            self.newest = ts
        if ts > self.newest_of.get(kind, TIME_MIN - 1):
            self.newest_of[kind] = ts
