"""Which version decides, and how does the next one get ready while this one goes on?

A version is a catalog with its feature state, a policy and its model. A new catalog is folded from
the log in a thread of its own, beside the state that decides; what it lacks then is caught up on
the engine's thread in bounded steps, each entry once, by ``seq``. From there on every entry goes
into both states, and the next version takes over between two requests. The one before stays warm
until it is retired: going back is the same step.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from assay.core.errors import Corrupt, Invalid, Unavailable, Unknown
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.redecide import Scorer
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.view import FeatureSource
from assay.runtime.fold import fold_all, grouped
from assay.runtime.live import Full, Live
from assay.runtime.ports import Entry, EventLog, ListSource
from assay.runtime.recovery import Follower
from assay.runtime.stages import Stages
from assay.runtime.stats import Stats

#: Entries that one step on the engine's thread folds: a few milliseconds.
STEP = 500
#: More than these may not wait for the disk when a version is attached: some tens of milliseconds.
PENDING_MAX = 4_000
#: A fold beside the serving one rests as long as it works: requests come first.
_CHUNK, _REST = 256, 1.0
#: What did not fit is folded again once there is so many times the room.
_MORE_ROOM = 1.25

Phase = Literal["folding", "catching up", "kept", "failed"]


class VersionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One catalog that is kept or prepared.

    ``seq`` is the last entry it has seen, ``why`` says what failed.
    """

    catalog: str
    phase: Phase
    decides: bool
    seq: int
    bytes_used: int
    why: str = ""


class Preparation:
    """A new catalog's state on its way to the newest entry.

    Args:
        log: what is folded, on this thread's own connection.
        catalog: of the new state.
        rest: seconds of rest for each second of work.
        lookback: see `FeatureState`.
        room: the bytes that the new state may have now, None for any.
    """

    def __init__(
        self,
        log: EventLog,
        catalog: Catalog,
        *,
        rest: float = _REST,
        lookback: int | None = None,
        room: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._log, self.catalog, self._rest, self._room = log, catalog, rest, room
        self.features = FeatureState(catalog, lookback=lookback)
        self.phase: Phase = "folding"
        self.seq, self.why = 0, ""
        #: The room that was too little; 0 while it was enough.
        self.lacked = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="assay-backfill", daemon=True)
        self._thread.start()

    def step(self, live: Live, most: int = STEP) -> bool:
        """Fold at most ``most`` entries on the engine's thread; True once nothing is missing.

        The state is then kept by ``live``. A failure is noted here and harms nobody else.
        """
        if self.phase != "catching up":
            return False
        try:
            if not self._caught_up(live, most):
                return False
        except Exception as error:  # noqa: BLE001 - the version that decides goes on
            self._failed(error)
            return False
        live.attach(self.features)
        self.phase = "kept"
        return True

    def wait(self, seconds: float) -> bool:
        """Whether the fold in the thread has ended by then."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give up and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def _caught_up(self, live: Live, most: int) -> bool:
        # First what waits for the disk, then the log: what leaves the one is in the other.
        pending = sorted(
            (entry for entry, _ in live.pending.copy().values()), key=lambda entry: entry.seq
        )
        for group in grouped(self._log.entries(self.seq, self.seq + most)):
            self._fold(group)
        waiting = [entry for entry in pending if entry.seq > self.seq]
        # All or nothing: an entry that is not durable yet is only seen together with its state.
        if len(waiting) != live.seq - self.seq or len(waiting) > PENDING_MAX:
            return False
        self._fold(waiting)
        self._check_room()
        return True

    def _check_room(self) -> None:
        """Return while both states fit: the one that decides must never be refused an event."""
        room, used = self._room(), self.features.bytes_used
        if room is not None and used > room:
            self.lacked = max(room, 1)
            raise Full(
                f"at entry {self.seq:,} the state of the next version has {used:,} bytes, and "
                f"beside the one that decides {max(room, 0):,} are left (features.memory_max): it "
                "is given up, and nothing else changed. Allow more, shorten its windows, or retire "
                "a version that is kept"
            )

    def _fold(self, entries: list[Entry]) -> None:
        for before, entry in enumerate(entries, self.seq):
            if entry.seq != before + 1:
                raise Corrupt(f"entry {before + 1} is missing: {entry.seq} follows {before}")
        fold_all(self.features, entries)
        self.seq += len(entries)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                newest = self._log.last_seq()
                if newest - self.seq <= STEP // 2:
                    self.phase = "catching up"
                    return
                self._fold_until(newest)
        except Exception as error:  # noqa: BLE001 - said by `why`; the version that decides goes on
            self._failed(error)

    def _fold_until(self, newest: int) -> None:
        started = time.monotonic()
        for group in grouped(self._log.entries(self.seq, newest), _CHUNK):
            self._fold(group)
            if len(group) == _CHUNK:
                self._check_room()
                if self._stop.wait(self._rest * (time.monotonic() - started)):
                    return
                started = time.monotonic()

    def _failed(self, error: Exception) -> None:
        self.phase, self.why = "failed", f"{type(error).__name__}: {error}"
        self.features = FeatureState(self.catalog)  # the memory is given back


#: Where the vectors of a catalog come from, if not from the live state.
Sources = Callable[[Catalog], FeatureSource]


class Versions:
    """The versions of one engine. All methods belong to the engine's thread.

    Args:
        log: what a new version is folded from.
        follower: whose live state keeps them.
        lists: see `Stages`.
        monotonic: see `Stages`.
        stats: see `Stages`.
        sources: where the vectors of a catalog come from; by default from the live state.
    """

    def __init__(
        self,
        log: EventLog,
        follower: Follower,
        lists: ListSource,
        *,
        monotonic: Callable[[], int],
        stats: Stats,
        sources: Sources | None = None,
    ) -> None:
        self._sources = sources
        self._log, self._follower, self._lists = log, follower, lists
        self._monotonic, self._stats = monotonic, stats
        self._preparing: dict[str, Preparation] = {}
        self.stages: Stages | None = None

    def use(self, policy: CompiledPolicy | None, scorer: Scorer | None) -> None:
        """Decide by another policy and model from the next request on, and by its catalog.

        Raises:
            Invalid: the catalog the policy was compiled for is not kept: prepare it first.
            Unknown: the model takes a value that is not in the catalog.
            Unavailable: the state is being rebuilt: try again.
        """
        if policy is None:
            self.stages = None
            return
        live, catalog = self._follower.live, policy.catalog
        self._check_kept(live, catalog)
        source = None if self._sources is None else self._sources(catalog)
        stages = Stages(
            policy,
            scorer,
            self._lists,
            monotonic=self._monotonic,
            stats=self._stats,
            source=source,
        )
        stages.warm()
        if live is not None and not self._follower.decide_by(live, catalog):
            raise Unavailable("the state is being rebuilt from the log: switch again later")
        self.stages = stages
        self._follower.capacity = policy.policy.capacity_per_day
        if live is not None:
            live.budget.capacity_per_day = policy.policy.capacity_per_day

    def prepare(self, catalog: Catalog, *, rest: float = _REST) -> None:
        """Start to fold the log for a catalog, unless it is kept or on its way.

        One that did not fit is tried again once there is noticeably more room.

        Args:
            catalog: of the new version.
            rest: seconds of rest for each second of work.
        """
        if catalog.digest in self._kept():
            return
        former = self._preparing.get(catalog.digest)
        if former is not None and former.phase in ("folding", "catching up"):
            return
        room = self._room()
        if former is not None and room is not None and room <= former.lacked * _MORE_ROOM:
            return  # it would be folded in vain again
        self._preparing[catalog.digest] = Preparation(
            self._log, catalog, rest=rest, lookback=self._follower.lookback, room=self._room
        )

    def _room(self) -> int | None:
        """The bytes that another state may have beside those that are kept; any thread may ask."""
        live = self._follower.live
        if live is None or live.memory_max is None:
            return None
        return live.memory_max - live.bytes_used

    def advance(self) -> None:
        """Take one bounded step for each version that has caught up with the log."""
        live = self._follower.live
        if live is None:
            return
        for digest, preparation in list(self._preparing.items()):
            if preparation.step(live):
                del self._preparing[digest]

    def ready(self, digest: str) -> bool:
        """Whether a policy of this catalog could decide on the next request."""
        return digest in self._kept()

    def retire(self, digest: str) -> None:
        """Keep a version no longer, and give its memory back.

        Raises:
            Invalid: it is the one that decides.
            Unknown: it is neither kept nor prepared.
        """
        if digest == self._follower.catalog.digest:
            raise Invalid(f"catalog {digest} decides: switch to another before it is retired")
        known = {**self._kept(), **self._preparing}
        if digest not in known:
            raise Unknown("catalog", digest, known=known)
        preparation = self._preparing.pop(digest, None)
        if preparation is not None:
            preparation.close()
        if self._follower.live is not None:
            self._follower.live.detach(digest)

    def status(self) -> tuple[VersionStatus, ...]:
        """Every version that is kept, prepared or was lost."""
        live, decides = self._follower.live, self._follower.catalog.digest
        kept = [
            VersionStatus(
                catalog=digest,
                phase="kept",
                decides=digest == decides,
                seq=0 if live is None else live.seq,
                bytes_used=state.bytes_used,
            )
            for digest, state in self._kept().items()
        ]
        coming = [
            VersionStatus(
                catalog=digest,
                phase=one.phase,
                decides=False,
                seq=one.seq,
                bytes_used=one.features.bytes_used,
                why=one.why,
            )
            for digest, one in self._preparing.items()
        ]
        lost = [
            VersionStatus(
                catalog=digest, phase="failed", decides=False, seq=0, bytes_used=0, why=why
            )
            for digest, why in ({} if live is None else live.lost).items()
        ]
        return (*kept, *coming, *lost)

    def close(self) -> None:
        """Give up what is being prepared; before the log is closed."""
        for preparation in self._preparing.values():
            preparation.close()
        self._preparing.clear()

    def _kept(self) -> dict[str, FeatureState]:
        return {} if self._follower.live is None else self._follower.live.states

    def _check_kept(self, live: Live | None, catalog: Catalog) -> None:
        kept = {self._follower.catalog.digest} if live is None else set(live.states)
        if catalog.digest not in kept:
            raise Invalid(
                f"the policy decides on catalog {catalog.digest}, the engine keeps "
                f"{', '.join(sorted(kept))}: prepare that catalog first"
            )
