"""How does a restart do without folding the whole log? It begins at a snapshot that is sound.

A snapshot is never a source of truth. It is bound to the entry of the log at which it was taken;
whatever does not fit (another log, other code, another catalog, a flipped byte, a log that is
shorter, a subject erased since) makes the next older one be tried, and then the log alone.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec

from assay.contracts.reserved import ERASURE_TYPE
from assay.core.canonical import digest_bytes
from assay.core.errors import AssayError, Corrupt
from assay.features.image import Ahead, Foreign, Held, Keep, Part, StateMeta, as_it_is, parts_of
from assay.features.layout import Ints
from assay.features.state import FeatureState
from assay.runtime.fold import grouped, moves_time
from assay.runtime.live import Live
from assay.runtime.ports import Entry, EventLog
from assay.runtime.seen import packed_words

FORMAT = 1
#: Entries between two reports of how far a fold has come.
_TOLD = 10_000
#: Entries at the end of a log of which the newest says what time it is.
_LOOKED_AT = 500

_log = logging.getLogger("assay.snapshot")
_encode = msgspec.msgpack.Encoder().encode


class Snapshot(msgspec.Struct, frozen=True):
    """The live state after ``seq``: what it is, and its parts."""

    seq: int
    meta: bytes
    parts: Mapping[str, Part]


class Kept(NamedTuple):
    """A snapshot that is kept: its size, and when it was written (microseconds UTC)."""

    seq: int
    nbytes: int
    at: int


class SnapshotStore(Protocol):
    """Where the newest few snapshots are kept."""

    def save(self, snapshot: Snapshot) -> None:
        """Keep it durably, whole or not at all; the oldest beyond those kept go.

        Raises:
            Unavailable: it could not be written; those kept before are still there.
        """

    def seqs(self) -> list[int]:
        """Those kept, newest first."""

    def newest(self) -> Kept | None:
        """What is known of the newest without reading it; None when there is none."""

    def load(self, seq: int) -> Snapshot:
        """One of them.

        Raises:
            Corrupt: its bytes are not those that were saved.
            NotFound: it is gone.
        """

    def remove(self, seq: int) -> None:
        """Forget one; unknown ones are ignored."""


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    seq: int
    bound: str
    newest: int | None
    newest_of: dict[str, int]
    taken: dict[int, int]
    state: StateMeta


def bound_to(entry: Entry) -> str:
    """What tells an entry from any other at its place, in this log or another."""
    return digest_bytes(_encode((entry.seq, entry.known_at, entry.accepted, entry.event)))


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What a live state held after ``seq``, not yet written down."""

    seq: int
    newest: int | None
    newest_of: dict[str, int]
    taken: dict[int, int]
    state: StateMeta
    held: Held
    seen: dict[str, Ints]


def hold(live: Live, keep: Keep, ahead: Ahead | None = None) -> Moment:
    """What a live state holds now; with a ``keep`` that copies, whatever becomes of it."""
    state, held = live.features.hold(keep, ahead)
    filters = {"ids": live.seen_ids, "keys": live.seen_keys}
    return Moment(
        seq=live.seq,
        newest=live.newest,
        newest_of=live.newest_of.copy(),
        taken=live.budget.taken.copy(),
        state=state,
        held=held,
        seen={name: keep(f"{name}_seen", seen.words) for name, seen in filters.items()},
    )


def seal(moment: Moment, log: EventLog, breathe: Callable[[], None] = lambda: None) -> Snapshot:
    """The snapshot of a moment of which every entry is durable.

    Args:
        moment: what was held.
        log: which it was folded from.
        breathe: called between small pieces of the work.

    Raises:
        Corrupt: the log does not hold the entry that the state saw last.
    """
    parts = parts_of(moment.held, breathe)
    for name, words in moment.seen.items():
        parts[f"{name}_at"], parts[f"{name}_seen"] = packed_words(words)
        breathe()
    meta = _Meta(
        format=FORMAT,
        seq=moment.seq,
        bound=_bound(log, moment.seq),
        newest=moment.newest,
        newest_of=moment.newest_of,
        taken=moment.taken,
        state=moment.state,
    )
    return Snapshot(moment.seq, _encode(meta), parts)


def dump(live: Live, log: EventLog) -> Snapshot:
    """The snapshot of a state of which every entry is durable; to be saved before it changes.

    Raises:
        Corrupt: the log does not hold the entry that the state saw last.
    """
    return seal(hold(live, as_it_is), log)


def restore(snapshot: Snapshot, empty: Live, log: EventLog) -> Live:
    """Make an empty live state the one that was dumped.

    Raises:
        Foreign: it is of another log, catalog or lookback, or made by other code.
        Corrupt: it cannot be read.
    """
    try:
        meta = msgspec.msgpack.decode(snapshot.meta, type=_Meta)
    except msgspec.MsgspecError as error:
        raise Foreign(f"its description cannot be read: {error}") from error
    if meta.format != FORMAT or meta.seq != snapshot.seq:
        raise Foreign(
            f"expected format {FORMAT}, seq {snapshot.seq}, got {meta.format}, {meta.seq}"
        )
    if meta.seq > log.last_seq():
        raise Foreign(f"it is ahead of the log, which ends at seq {log.last_seq()}")
    if meta.bound != _bound(log, meta.seq):
        raise Foreign(f"the log has another entry at seq {meta.seq}")
    catalog, lookback = empty.features.catalog, empty.features.lookback
    features = FeatureState.restore(catalog, meta.state, snapshot.parts, lookback=lookback)
    try:
        empty.seen_ids.restore(snapshot.parts["ids_at"], snapshot.parts["ids_seen"])
        empty.seen_keys.restore(snapshot.parts["keys_at"], snapshot.parts["keys_seen"])
    except (KeyError, ValueError, IndexError) as error:
        raise Corrupt(f"what was seen cannot be read: {error}") from error
    empty.features = features
    empty.states = {catalog.digest: features}
    empty.budget.restore(meta.taken)
    empty.newest, empty.newest_of, empty.seq = meta.newest, meta.newest_of, meta.seq
    return empty


class Folding:
    """A fold of a log in steps, from the newest sound snapshot on or from nothing.

    Args:
        log: what is folded.
        make: gives an empty state.
        store: snapshots of it, None for none; unsound ones are named in a warning and passed over.
        begins: hears where the fold begins, and where it begins again because a subject was erased
            after the snapshots.
    """

    def __init__(
        self,
        log: EventLog,
        make: Callable[[], Live],
        store: SnapshotStore | None = None,
        begins: Callable[[Live], None] = lambda _live: None,
    ) -> None:
        self._log, self._make, self._store, self._begins = log, make, store, begins
        self._starts = _starts(log, make, store)
        self.live, self._entries = self._begin()
        self._begun = self.live.seq

    def step(self, most: int, each: Callable[[Entry], None] = lambda _entry: None) -> int:
        """Fold at most so many entries more; how many they were: fewer only at the end.

        Args:
            most: entries.
            each: hears of every entry that was folded.

        Raises:
            Corrupt: the log is damaged; names the seq.
        """
        done, live = 0, self.live
        for group in grouped(islice(self._entries, most)):
            if self._begun and any(entry.event.type == ERASURE_TYPE for entry in group):
                self._begin_again()
                return self.step(most, each)
            live.apply_all(group)
            for entry in group:
                each(entry)
            done += len(group)
        return done

    def _begin(self) -> tuple[Live, Iterator[Entry]]:
        live = next(self._starts)
        if live.seq == 0:
            _forget_ahead(live, self._log)
        self._begins(live)
        return live, self._log.entries(live.seq)

    def _begin_again(self) -> None:
        if self._store is not None:
            for seq in self._store.seqs():
                self._store.remove(seq)
        _log.warning("a subject was erased after the snapshots: they are removed, the log folded")
        self._starts = iter([self._make()])
        self.live, self._entries = self._begin()
        self._begun = 0


def fold_log(
    log: EventLog,
    make: Callable[[], Live],
    store: SnapshotStore | None = None,
    progress: Callable[[int], None] = lambda _entries: None,
) -> Live:
    """The live state at the end of a log, from the newest sound snapshot or from nothing.

    Args:
        log: what is folded.
        make: gives an empty state.
        store: see `Folding`.
        progress: hears how many entries were folded, now and then.

    Raises:
        Corrupt: the log is damaged; names the seq.
    """
    folding, done = Folding(log, make, store), _TOLD
    while done == _TOLD:
        done = folding.step(_TOLD)
        progress(done)
    return folding.live


def take(log: EventLog, make: Callable[[], Live], store: SnapshotStore,
         progress: Callable[[int], None] = lambda _entries: None) -> Snapshot | None:  # fmt: skip
    """Save the state at the end of a log, beside whoever serves; None if there is nothing new.

    It folds what came since the last snapshot by itself and asks nothing of a running server.

    Raises:
        Corrupt: the log is damaged.
        Unavailable: the snapshot could not be written.
    """
    last = log.last_seq()
    if last == 0 or last in store.seqs()[:1]:
        return None
    live = fold_log(log, make, store, progress)
    made = dump(live, log)
    store.save(made)
    if any(entry.event.type == ERASURE_TYPE for entry in log.entries(made.seq)):
        store.remove(made.seq)  # what was erased meanwhile is in it
        return None
    return made


def _starts(log: EventLog, make: Callable[[], Live], store: SnapshotStore | None) -> Iterator[Live]:
    if store is not None:
        for seq in store.seqs():
            try:
                yield restore(store.load(seq), make(), log)
            except AssayError as error:
                _log.warning("the snapshot at seq %d is passed over: %s", seq, error)
    yield make()


def _forget_ahead(live: Live, log: EventLog) -> None:
    """Do not begin with what will be forgotten by the end of the log.

    Time never goes back: whatever the newest of the last entries says is known to be past.
    """
    entries = log.entries(max(log.last_seq() - _LOOKED_AT, 0))
    newest = max((entry.event.ts for entry in entries if moves_time(entry)), default=None)
    if newest is not None:
        live.features.evict(newest)


def _bound(log: EventLog, seq: int) -> str:
    for entry in log.entries(seq - 1, seq):
        return bound_to(entry)
    raise Corrupt(f"the log has no entry {seq}")
