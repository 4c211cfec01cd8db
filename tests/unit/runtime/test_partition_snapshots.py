"""An owner that begins at a snapshot of its partition is one that folded the whole log."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.property.partitions.small_world import AT, CATALOG, CONTRACTS, REQUESTS
from tests.unit.runtime.publishing import Owners, Store, events, scorer
from tests.unit.runtime.test_snapshot_keeper import FullStore

from assay.adapters.files.snapshots import SnapshotFiles
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.core.time import DAY
from assay.features.state import FeatureState
from assay.runtime.keeping import Keeping
from assay.runtime.partition_log import MemoryPartitionLog, Message, PartitionLog, Spoiled
from assay.runtime.partition_owner import Owner
from assay.runtime.partition_plan import Partition
from assay.runtime.ports import Entry
from assay.runtime.snapshot import SnapshotStore, fold_log
from assay.runtime.stats import Stats

OFTEN = Keeping(every=20, retry=0.0)
LOOKBACK = 50


def started(
    log: PartitionLog, store: SnapshotStore | None = None, keeping: Keeping = OFTEN
) -> Owner:
    """An owner of one partition that holds everything."""
    owner = Owner(
        name="events-user/0",
        log=log,
        contracts=CONTRACTS,
        catalog=CATALOG,
        horizon=DAY,
        known_at=lambda event: event.ts,
        stats=Stats(),
        lookback=LOOKBACK,
        snapshots=store,
        keeping=keeping,
    )
    if log.position() is None:
        owner.begin(0)
    while not owner.rebuild():
        pass
    return owner


def say(owner: Owner, said: list[Event]) -> None:
    """Every event as a message of its own, and a step in between."""
    for event in said:
        position = owner.position()
        assert position is not None
        owner.take([Message(position.next, encode_event(event))])
        owner.rest()


def until_kept(owner: Owner, count: int) -> None:
    """Go on with nothing to do until so many snapshots were taken."""
    end = time.monotonic() + 60
    while owner.keeper.view.taken < count and time.monotonic() < end:
        owner.rest()
        time.sleep(0.001)
    assert owner.keeper.view.taken >= count


def later(first: int, count: int) -> list[Event]:
    """The events of the other tests, one after the other in time; some late, some seen before."""
    return [
        Event(e.id, e.type, AT + at - 9 * (at % 4 == 0), e.payload)
        for at, e in enumerate(events(first, count), start=first)
    ]


def same(one: Owner, other: Owner) -> None:
    """Both know the same: vectors, ids, the newest of each type, their places."""
    a, b = one.live, other.live
    assert (a.seq, a.newest, a.newest_of) == (b.seq, b.newest, b.newest_of)
    assert a.features.oldest == b.features.oldest
    assert a.seen_ids.words.tolist() == b.seen_ids.words.tolist()
    assert one.position() == other.position()
    for request in REQUESTS:
        asked = Event("asked", "paid", (a.newest or AT) + 1, request.payload)
        assert a.features.read(asked)[0].digest == b.features.read(asked)[0].digest


def copy_of(log: MemoryPartitionLog) -> MemoryPartitionLog:
    """The same history for another owner."""
    position = log.position()
    assert position is not None
    copy = MemoryPartitionLog()
    copy.begin(position.first)
    copy.take(list(log.entries()), list(log.spoiled()), position.next)
    return copy


@pytest.mark.parametrize("killed_at", [21, 45, 60, 61, 119])
def test_a_takeover_is_a_snapshot_and_the_tail(tmp_path: Path, killed_at: int) -> None:
    log, store = MemoryPartitionLog(), SnapshotFiles(tmp_path)
    dead = started(log, store)
    say(dead, later(0, killed_at))
    until_kept(dead, 1)
    # Nothing of it is closed: the next owner has the folder as it lies.
    log.take([], [], killed_at + 7)  # messages that were refused move the position, not the state
    folded: list[int] = []
    heir = started(log, store)
    same(heir, started(copy_of(log)))
    fold_log(log, heir._empty, store, folded.append)  # what is read again is the tail
    assert 0 <= sum(folded) == killed_at - store.seqs()[0] < killed_at
    say(heir, [*later(killed_at - 3, 40)])
    same(heir, started(copy_of(log)))
    assert [entry.seq for entry in log.entries()] == list(range(1, killed_at + 38))


def test_whatever_is_wrong_with_one_the_log_is_folded(tmp_path: Path) -> None:
    log, store = MemoryPartitionLog(), SnapshotFiles(tmp_path)
    first = started(log, store)
    say(first, later(0, 30))
    until_kept(first, 1)
    say(first, later(30, 40))
    until_kept(first, 2)
    for number, path in enumerate(sorted(tmp_path.glob("*.snapshot"))):
        raw = bytearray(path.read_bytes())
        raw[len(raw) // (number + 2)] ^= 1
        path.write_bytes(raw)
    same(started(log, store), started(copy_of(log)))


def test_a_full_disk_beside_the_log_stops_no_message(tmp_path: Path) -> None:
    log, store = MemoryPartitionLog(), FullStore(tmp_path)
    owner = started(log, store)
    for step in range(20):
        say(owner, later(20 * step, 20))
        time.sleep(0.002)
    assert owner.keeper.view.failures > 0
    assert log.last_seq() == 400
    store.full = False
    until_kept(owner, 1)
    same(started(log, store), started(copy_of(log)))


class Refusing(MemoryPartitionLog):
    """Takes nothing while told so."""

    refuses = False

    def take(self, entries: Sequence[Entry], spoiled: Sequence[Spoiled], until: int) -> None:
        """See the port."""
        if self.refuses:
            raise Unavailable("no space left on device")
        super().take(entries, spoiled, until)


def test_what_the_log_refused_is_in_no_snapshot(tmp_path: Path) -> None:
    log, store = Refusing(), SnapshotFiles(tmp_path)
    owner = started(log, store, Keeping(every=3, retry=0.0))
    for step in range(20):
        say(owner, later(4 * step, 4))
        log.refuses = True
        with pytest.raises(Unavailable):
            say(owner, [Event(f"lost{step}", "paid", AT + 5_000, {"user": "a", "cents": 9})])
        log.refuses = False
        while not owner.rebuild():
            pass
        same(owner, started(copy_of(log)))
    until_kept(owner, 1)
    same(started(log, store), started(copy_of(log)))


def test_a_partition_in_a_file_keeps_its_state_when_it_is_closed(tmp_path: Path) -> None:
    store = SnapshotFiles(tmp_path / "snapshots")
    owner = started(SqlitePartitionLog(tmp_path / "log.db"), store, Keeping(every=0))
    for start in range(0, 1_200, 100):
        raws = [encode_event(event) for event in later(start, 100)]
        owner.take([Message(start + at, raw) for at, raw in enumerate(raws)])
    seq = owner.live.seq
    owner.close()
    assert store.seqs() == [seq]
    heir = started(SqlitePartitionLog(tmp_path / "log.db"), store, Keeping(every=0))
    plain = started(SqlitePartitionLog(tmp_path / "log.db"), None)
    same(heir, plain)
    for one in (heir, plain):
        one.close()


def test_what_the_end_of_the_log_forgets_is_not_folded_first() -> None:
    log = MemoryPartitionLog()
    say(started(log, None), [Event(e.id, e.type, AT + 20 * at, e.payload)
                             for at, e in enumerate(events(0, 900))])  # fmt: skip
    heir = started(copy_of(log))
    whole = FeatureState(CATALOG)
    whole.apply_all(entry.event for entry in log.entries())
    for request in REQUESTS:
        asked = Event("asked", "paid", AT + 20 * 900, request.payload)
        assert heir.live.features.read(asked)[0].digest == whole.read(asked)[0].digest
    assert heir.live.features.oldest == AT + 20 * 899 - LOOKBACK


@pytest.mark.parametrize("published", [True, False])
def test_what_a_new_owner_publishes_begins_at_its_snapshot(
    tmp_path: Path, *, published: bool
) -> None:
    store = Store()
    owners = Owners(store, snapshots=tmp_path, keeping=OFTEN)
    for event in events(0, 60):
        owners.say(event)
    owners.rest()
    for owner in owners.owners.values():
        if owner.live.seq >= OFTEN.every:
            until_kept(owner, 1)
    store.down = not published  # what follows is shown before the snapshot's owner dies, or not
    for event in events(60, 5):
        owners.say(event)
    owners.rest()
    store.down = False
    for partition in owners.logs:
        owners.start(partition)
    for event in events(65, 3):
        owners.say(event)
    owners.rest()
    truth = FeatureState(CATALOG)
    truth.apply_all(events(0, 68))
    source = scorer(owners)
    for request in REQUESTS:
        served = source.serve(request)
        assert served.vector.digest == truth.read(request)[0].digest
        for name, seq in served.cut.items():
            topic, _, number = name.partition("/")
            assert seq == owners.logs[Partition(topic, int(number))].last_seq()
        assert served.seen, "how recent each view is, is known too"
    assert any(owner.keeper.view.seq for owner in owners.owners.values())
