"""What every read model promises: whole flushes, one owner, and never a row that is not the newest.

Each adapter runs these tests; the real Redis is started by a fixture.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.integration.redis_server import PATIENT_MS, needs_redis, redis_server

from assay.adapters.redis.read_model import RedisReadModel
from assay.runtime.read_model import (
    GENERATION,
    Flush,
    Lost,
    MemoryReadModel,
    ReadModel,
    RowWrite,
    Superseded,
    generation_bytes,
    status_name,
)

STATUS = status_name("p")
TWO = {"a": b"2"}
EMPTY: Mapping[str, bytes] = {}


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadModel]:
    if request.param == "memory":
        yield MemoryReadModel()
        return
    client = request.getfixturevalue("_server").client()
    found = RedisReadModel(client, prefix=f"test-{tmp_path.name}", deadline_ms=PATIENT_MS)
    yield found
    found.close()


def flush(
    epoch: int,
    seq: int,
    *,
    after: int | None,
    first: bool = False,
    status: bytes | None = b"status",
    generation: int = 1,
    rows: Mapping[str, bytes] = EMPTY,
) -> Flush:
    writes = [RowWrite(name.encode(), image, None) for name, image in rows.items()]
    return Flush("p", epoch, generation, seq, after, first, writes, status)


def whole(epoch: int, seq: int, **rows: bytes) -> Flush:
    """A complete publication in one part."""
    return flush(epoch, seq, after=None, first=True, rows=dict(rows))


def test_nothing_is_there_before_the_first_flush(model: ReadModel) -> None:
    assert model.claim("p", 5).status is None
    assert model.fetch([STATUS, b"a"]) == [None, None]


def test_a_flush_appears_as_a_whole_and_bytes_come_back_as_they_were(model: ReadModel) -> None:
    epoch = model.claim("p", 5).epoch
    image = bytes(range(256)) * 40
    model.publish(whole(epoch, 3, a=image, b=b""))
    assert model.fetch([b"b", STATUS, b"a", b"c"]) == [b"", b"status", image, None]
    model.publish(flush(epoch, 4, after=3, rows={"a": b"newer"}, status=b"later"))
    assert model.fetch([STATUS, b"a", b"b"]) == [b"later", b"newer", b""]


def test_an_older_publisher_changes_nothing(model: ReadModel) -> None:
    old = model.claim("p", 5).epoch
    model.publish(whole(old, 3, a=b"old"))
    new = model.claim("p", 5).epoch
    assert new > old
    for late in (whole(old, 9, a=b"late"), flush(old, 9, after=3, rows={"a": b"late"})):
        with pytest.raises(Superseded):
            model.publish(late)
    assert model.fetch([STATUS, b"a"]) == [b"status", b"old"]


def test_a_new_publisher_goes_on_where_the_old_one_was(model: ReadModel) -> None:
    model.publish(whole(model.claim("p", 5).epoch, 3, a=b"1", b=b"1"))
    claim = model.claim("p", 5)
    assert claim.status == b"status"
    model.publish(flush(claim.epoch, 7, after=3, rows={"a": b"2"}, status=b"later"))
    assert model.fetch([STATUS, b"a", b"b"]) == [b"later", b"2", b"1"]


def test_an_epoch_is_never_below_the_clock_so_a_store_that_forgot_is_no_way_back(
    model: ReadModel,
) -> None:
    assert model.claim("p", 1_700_000_000_000_000).epoch == 1_700_000_000_000_000
    assert model.claim("p", 5).epoch == 1_700_000_000_000_001


def test_a_flush_onto_a_store_that_did_not_reach_it_is_refused(model: ReadModel) -> None:
    epoch = model.claim("p", 5).epoch
    with pytest.raises(Lost):
        model.publish(flush(epoch, 4, after=3, rows={"a": b"1"}))
    model.publish(whole(epoch, 3, a=b"1"))
    with pytest.raises(Lost):
        model.publish(flush(epoch, 9, after=5, rows=TWO))
    assert model.fetch([STATUS, b"a"]) == [b"status", b"1"]


def test_the_same_flush_again_is_taken_again(model: ReadModel) -> None:
    """Its answer was lost on the way: nobody knows whether it was written."""
    epoch = model.claim("p", 5).epoch
    model.publish(whole(epoch, 3, a=b"1"))
    for _ in range(2):
        model.publish(flush(epoch, 4, after=3, rows=TWO))
    assert model.fetch([b"a"]) == [b"2"]


def test_while_a_complete_publication_is_under_way_there_is_no_status(model: ReadModel) -> None:
    epoch = model.claim("p", 5).epoch
    model.publish(whole(epoch, 3, a=b"1", z=b"1"))
    model.publish(
        flush(epoch, 4, after=None, first=True, generation=2, status=None, rows={"a": b"2"})
    )
    assert model.fetch([STATUS]) == [None]
    with pytest.raises(Lost):  # what was not finished is not gone on from
        model.publish(flush(epoch, 5, after=4, rows={"a": b"3"}))
    model.publish(flush(epoch, 5, after=None, generation=2, rows={"b": b"2"}))
    assert model.fetch([STATUS, b"a", b"b"]) == [b"status", b"2", b"2"]


def test_a_part_whose_first_part_is_gone_is_refused(model: ReadModel) -> None:
    epoch = model.claim("p", 5).epoch
    model.publish(
        flush(epoch, 4, after=None, first=True, generation=7, status=None, rows={"a": b"2"})
    )
    with pytest.raises(Lost):
        model.publish(flush(epoch, 4, after=None, generation=8, rows=TWO))
    assert model.fetch([STATUS]) == [None]


def test_partitions_do_not_know_of_each_other(model: ReadModel) -> None:
    model.publish(whole(model.claim("p", 5).epoch, 3, a=b"1"))
    other = model.claim("q", 5)
    assert other.status is None
    model.publish(Flush("q", other.epoch, 1, 1, None, True, [], b"q"))
    assert model.fetch([STATUS, status_name("q")]) == [b"status", b"q"]


def image_of(generation: int) -> bytes:
    """Bytes that have a generation where an image has it."""
    return b"x" * GENERATION.start + generation_bytes(generation) + b"rest"


def test_images_of_other_generations_are_forgotten_and_no_others(model: ReadModel) -> None:
    epoch = model.claim("p*", 5).epoch
    names = [b"row:p*:" + name for name in (b"old", b"new")] + [b"row:px:old", b"row:p*"]
    images = [image_of(1), image_of(-2), image_of(1), image_of(1)]
    rows = [RowWrite(name, image, None) for name, image in zip(names, images, strict=True)]
    model.publish(Flush("p*", epoch, -2, 3, None, True, rows, b"status"))
    model.sweep("p*", epoch - 1, -2, 0)  # an older publisher forgets nothing
    assert model.fetch(names) == images
    cursor = model.sweep("p*", epoch, -2, 0)
    while cursor:
        cursor = model.sweep("p*", epoch, -2, cursor)
    assert model.fetch(names) == [None, *images[1:]]
    assert model.fetch([status_name("p*")]) == [b"status"]
