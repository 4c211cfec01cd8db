"""How does a restart do without folding the whole log? It begins at a snapshot that is sound.

A snapshot is never a source of truth. It is bound to the entry of the log at which it was taken;
whatever does not fit (another log, other code, another catalog, a flipped byte, a log that is
shorter, a subject erased since) makes the next older one be tried, and then the log alone.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import msgspec

from assay.core.canonical import digest_bytes
from assay.core.errors import AssayError, Corrupt
from assay.features.image import Foreign, Part, StateMeta
from assay.features.state import FeatureState
from assay.runtime.live import Live
from assay.runtime.ports import Entry, EventLog
from assay.runtime.tombstones import ERASURE_TYPE

FORMAT = 1
#: Entries between two reports of how far a fold has come.
_TOLD = 10_000

_log = logging.getLogger("assay.snapshot")
_encode = msgspec.msgpack.Encoder().encode


class Snapshot(msgspec.Struct, frozen=True):
    """The live state after ``seq``: what it is, and its parts."""

    seq: int
    meta: bytes
    parts: Mapping[str, Part]


class SnapshotStore(Protocol):
    """Where the newest few snapshots are kept."""

    def save(self, snapshot: Snapshot) -> None:
        """Keep it durably, whole or not at all; the oldest beyond those kept go.

        Raises:
            Unavailable: it could not be written; those kept before are still there.
        """

    def seqs(self) -> list[int]:
        """Those kept, newest first."""

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


def dump(live: Live, log: EventLog) -> Snapshot:
    """The snapshot of a state of which every entry is durable; to be saved before it changes.

    Raises:
        Corrupt: the log does not hold the entry that the state saw last.
    """
    state, parts = live.features.dump()
    parts["ids_at"], parts["ids_seen"] = live.seen_ids.dump()
    parts["keys_at"], parts["keys_seen"] = live.seen_keys.dump()
    meta = _Meta(
        format=FORMAT,
        seq=live.seq,
        bound=_bound(log, live.seq),
        newest=live.newest,
        newest_of=live.newest_of,
        taken=live.budget.taken,
        state=state,
    )
    return Snapshot(live.seq, _encode(meta), parts)


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
        store: snapshots of it, None for none; unsound ones are named in a warning and passed over.
        progress: hears how many entries were folded, now and then.

    Raises:
        Corrupt: the log is damaged; names the seq.
    """
    for live in _starts(log, make, store):
        told, done, begun = 0, 0, live.seq
        for done, entry in enumerate(log.entries(begun), start=1):
            if begun and store is not None and entry.event.type == ERASURE_TYPE:
                break
            live.apply(entry)
            if done - told == _TOLD:
                told = done
                progress(_TOLD)
        else:
            progress(done - told)
            return live
        for seq in store.seqs() if store is not None else ():
            store.remove(seq)
        _log.warning("a subject was erased after the snapshots: they are removed, the log folded")
    raise Corrupt("the log could not be folded")  # the last start has no snapshot: never reached


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


def _bound(log: EventLog, seq: int) -> str:
    for entry in log.entries(seq - 1, seq):
        return bound_to(entry)
    raise Corrupt(f"the log has no entry {seq}")
