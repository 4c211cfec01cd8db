"""What a partition's log must do beyond any event log: its position moves with its effects."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.test_event_log import entry

from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.contracts.quarantine import Refusal
from assay.core.errors import Conflict
from assay.runtime.partition_log import MemoryPartitionLog, Spoiled, Start

Log = MemoryPartitionLog | SqlitePartitionLog
LOGS: dict[str, Callable[[Path], Log]] = {
    "memory": lambda _folder: MemoryPartitionLog(),
    "sqlite": lambda folder: SqlitePartitionLog(folder / "log.db"),
}


@pytest.fixture(params=sorted(LOGS))
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    made = LOGS[request.param](tmp_path)
    yield made
    made.close()


def bad(text: str) -> Refusal:
    return Refusal(code="c", path="$", message="m", raw=text.encode(), received_at=1)


def test_a_new_partition_stands_nowhere_until_it_begins(log: Log) -> None:
    assert log.position() is None
    log.begin(40)
    assert log.position() == Start(40, 40)
    with pytest.raises(Conflict, match="began at offset 40"):
        log.begin(41)


def test_entries_refusals_and_position_move_together(log: Log) -> None:
    log.begin(0)
    log.take([entry(1), entry(2)], [Spoiled(1, bad("x")), Spoiled(3, bad("y"))], 4)
    assert log.position() == Start(0, 4)
    assert [found.seq for found in log.entries()] == [1, 2]
    assert [(place, kept.raw) for place, kept in log.spoiled()] == [(1, b"x"), (3, b"y")]
    assert [place for place, _ in log.spoiled(after=1)] == [3]
    log.take([], [Spoiled(4, bad("x"))], 5)
    assert [place for place, _ in log.spoiled()] == [1, 3, 4], "equal bytes have their own place"


def test_messages_without_effect_move_the_position_too(log: Log) -> None:
    log.begin(7)
    log.take([], [], 9)
    assert log.position() == Start(7, 9)
    assert log.last_seq() == 0


@pytest.mark.parametrize("until", [3, 4])
def test_what_has_been_dealt_with_is_never_taken_again(log: Log, until: int) -> None:
    log.begin(0)
    log.take([entry(1)], [], 4)
    with pytest.raises(Conflict, match="offset 4"):
        log.take([entry(2)], [Spoiled(3, bad("z"))], until)
    assert (log.last_seq(), list(log.spoiled())) == (1, [])


def test_nothing_is_taken_before_it_began(log: Log) -> None:
    with pytest.raises(Conflict, match="has not begun"):
        log.take([entry(1)], [], 1)
    assert log.last_seq() == 0


@pytest.mark.parametrize("size", [1, 500])
def test_a_group_that_cannot_be_written_moves_nothing(log: Log, size: int) -> None:
    log.begin(0)
    log.take([entry(1)], [], 1)
    group = [*(entry(seq) for seq in range(2, 2 + size)), entry(2 + size, "e1")]
    with pytest.raises(Conflict):
        log.take(group, [], 1 + len(group))
    assert (log.position(), log.last_seq()) == (Start(0, 1), 1)
    log.take(group[:-1], [], 1 + size)
    assert log.last_seq() == 1 + size


def test_the_position_is_there_after_the_file_is_opened_again(tmp_path: Path) -> None:
    first = SqlitePartitionLog(tmp_path / "log.db")
    first.begin(2)
    first.take([entry(1)], [Spoiled(3, bad("x"))], 4)
    first.close()
    again = SqlitePartitionLog(tmp_path / "log.db", create=False)
    assert again.position() == Start(2, 4)
    assert [place for place, _ in again.spoiled()] == [3]
    again.close()
