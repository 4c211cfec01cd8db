"""Vectors through Redis: the owner's bits, whatever happens to the server in between.

An owner folds a log and publishes; a scorer reads. The server is killed, paused, emptied.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.redis_server import PATIENT_MS, RedisServer, needs_redis, redis_server
from tests.unit.features.small import CONTRACTS, PAID, feature, paid
from tests.unit.features.test_state import EVERY

from assay.adapters.redis.client import EvictsKeys
from assay.adapters.redis.read_model import RedisReadModel
from assay.contracts.event import Event
from assay.contracts.retraction import completed
from assay.core.errors import Unavailable
from assay.core.time import HOUR, MINUTE
from assay.features.catalog import Catalog
from assay.features.row_image import ImageCodec
from assay.features.state import FeatureState
from assay.features.values import as_values
from assay.features.view import Served
from assay.runtime.breaker import Breaker
from assay.runtime.fold import fold
from assay.runtime.ports import Entry
from assay.runtime.publisher import PART_MAX, Publisher
from assay.runtime.read_model import Superseded
from assay.runtime.shared_features import (
    DOWN,
    EMPTY,
    OTHER_CATALOG,
    SILENT,
    TOO_SHORT,
    SharedFeatures,
)

pytestmark = needs_redis
VIEWS = ("paid.card", "paid.user", "paid.card+shop")


def small_catalog() -> Catalog:
    """Three views, one of them by two fields."""
    keys: tuple[tuple[str, ...], ...] = (("card",), ("user",), ("card", "shop"))
    features = [
        feature(item.aggregate, key=key, name=f"{'_'.join(key)}_{item.aggregate}_{window}",
                of=item.of, window=window)
        for item in EVERY for key in keys for window in (10 * MINUTE, 3 * HOUR)
    ]  # fmt: skip
    return Catalog(request=PAID, contracts=CONTRACTS, features=features)


CATALOG = small_catalog()


class Owner:
    """Folds entries and publishes them, as the owner of partition ``0`` does."""

    def __init__(self, server: RedisServer, catalog: Catalog = CATALOG) -> None:
        self.state, self.seq = FeatureState(catalog), 0
        self.model = RedisReadModel(server.client(), prefix="t", deadline_ms=PATIENT_MS)
        self.publisher = Publisher(self.model, ImageCodec(catalog), "0", wall=wall)

    def take(self, *events: Event) -> None:
        """Fold them, each with the next seq."""
        for event in events:
            self.seq += 1
            entry = Entry(seq=self.seq, event=event, known_at=wall(), accepted=True)
            fold(self.state, entry)
            self.publisher.note(entry)

    def publish(self) -> None:
        """Until the store shows everything."""
        while not self.publisher.flush(self.state):
            pass

    def close(self) -> None:
        """Let go of the server."""
        self.model.close()


class Scorer:
    """Reads vectors, patiently unless told otherwise."""

    def __init__(
        self,
        server: RedisServer,
        catalog: Catalog = CATALOG,
        timeout_ms: int = PATIENT_MS,
        silent_max: int | None = None,
    ) -> None:
        model = RedisReadModel(server.client(timeout_ms), prefix="t", deadline_ms=timeout_ms)
        self.breaker = Breaker(time.monotonic_ns, failures=2, first=0.02, last=0.1)
        self.source = SharedFeatures(
            model, ImageCodec(catalog), lambda _asked: "0", breaker=self.breaker, wall=wall,
            silent_max=silent_max,
        )  # fmt: skip
        self.close = model.close

    def serve(self, at: int, **fields: object) -> Served:
        """The vector of a request about card ``x`` unless said otherwise."""
        return self.source.serve(paid(at, name="request", **fields))  # type: ignore[arg-type]

    def until_back(self) -> Served:
        """Ask until the values are known again, as requests would."""
        for _ in range(500):
            served = self.serve(MINUTE)
            if not served.absent:
                return served
            time.sleep(0.02)
        raise AssertionError(f"not back after 10 seconds: {served.absent}")


def wall() -> int:
    return time.time_ns() // 1_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as found:
        yield found


@pytest.fixture
def owner(server: RedisServer) -> Iterator[Owner]:
    found = Owner(server)
    found.publisher.claim()
    found.publish()
    yield found
    found.close()


@pytest.fixture
def scorer(server: RedisServer) -> Iterator[Scorer]:
    found = Scorer(server)
    yield found
    found.close()


def history(count: int) -> list[Event]:
    return [
        paid(n * 1_000_000, cents=n, name=f"h{n}", card=f"c{n % 7}", user=f"u{n % 3}", shop="a")
        for n in range(count)
    ]


def test_five_events_then_eleven_quiet_minutes_count_zero(owner: Owner, scorer: Scorer) -> None:
    """Redis holds events, not values: nothing is written in the quiet minutes."""
    owner.take(*[paid(n, name=f"e{n}") for n in range(5)])
    owner.publish()
    counts = ("card_count_600000000", "card_count_10800000000")
    for after, expected in ((MINUTE, (5, 5)), (10 * MINUTE + 2, (3, 5)), (11 * MINUTE, (0, 5))):
        values = as_values(scorer.serve(after).vector, CATALOG)
        assert tuple(values[name] for name in counts) == expected


def test_every_vector_has_the_owners_bits_and_its_cut(owner: Owner, scorer: Scorer) -> None:
    for event in history(60):
        owner.take(event)
        owner.publish()
        request = paid(70_000_000, name="r", card=event.payload["card"], user="u1", shop="a")
        served = scorer.source.serve(request)
        vector, newest = owner.state.read(request)
        assert served.vector.digest == vector.digest
        assert (served.newest, served.cut, served.absent) == (newest, {"0": owner.seq}, {})
        assert served.seen == dict.fromkeys(VIEWS, event.ts)
    assert owner.publisher.complete_publications == 1
    assert owner.publisher.latency.view().count == 60


def test_what_is_taken_back_is_gone_from_the_next_vector(owner: Owner, scorer: Scorer) -> None:
    """The row without events is published too: its old image still had one."""
    only = paid(1, name="only", card="c1")
    owner.take(only)
    owner.publish()
    back = Event("back", "retraction", only.ts + 1, {"event": only.id, "reason": "sent twice"})
    owner.take(completed(back, only))
    owner.publish()
    served = scorer.serve(MINUTE, card="c1")
    assert as_values(served.vector, CATALOG)["card_count_10800000000"] == 0
    assert served.cut == {"0": 2}


def test_an_owner_that_forgets_says_which_requests_are_too_old(
    server: RedisServer, scorer: Scorer
) -> None:
    owner = Owner(server)
    owner.state = FeatureState(CATALOG, lookback=HOUR)
    owner.publisher.claim()
    owner.take(paid(0, name="a"), paid(9 * HOUR, name="b", card="y"))
    owner.publish()
    assert scorer.serve(8 * HOUR).absent == {}
    assert scorer.serve(8 * HOUR - 1).absent == {"paid.card": TOO_SHORT}
    owner.close()


def test_a_row_touched_many_times_is_published_once(owner: Owner) -> None:
    owner.take(*[paid(n, name=f"e{n}") for n in range(100)])
    before = owner.publisher.images
    owner.publish()
    assert owner.publisher.images - before == 1  # the card; nobody named a user or shop


def test_a_big_state_is_published_in_parts(server: RedisServer, scorer: Scorer) -> None:
    owner = Owner(server)
    owner.publisher.claim()
    owner.take(*[paid(1, name=f"e{n}", card=f"c{n}") for n in range(2 * PART_MAX)])
    assert not owner.publisher.flush(owner.state)
    assert set(scorer.serve(MINUTE).absent.values()) == {EMPTY}
    owner.take(paid(2, name="late", card="c0"))  # its first image has been sent already
    owner.publish()
    for card, count in (("c0", 2), ("c1", 1), (f"c{2 * PART_MAX - 1}", 1), ("nobody", 0)):
        served = scorer.serve(MINUTE, card=card)
        assert as_values(served.vector, CATALOG)["card_count_600000000"] == count
        assert served.cut == {"0": 2 * PART_MAX + 1}
    owner.close()


def test_redis_killed_and_restarted_empty(
    server: RedisServer, owner: Owner, scorer: Scorer
) -> None:
    """Down, then empty: not known, with the reason; then the owner publishes all again."""
    owner.take(*history(30))
    owner.publish()
    before = scorer.serve(MINUTE, card="c1").vector
    server.kill()
    for _ in range(3):
        served = scorer.serve(MINUTE, card="c1")
        assert served.absent == dict.fromkeys(VIEWS, DOWN)
        assert (served.cut, served.newest) == ({}, None)
        assert not served.vector.known.any()
    assert scorer.source.is_down
    with pytest.raises(Unavailable):
        owner.publisher.flush(owner.state)
    server.start()
    time.sleep(0.15)  # beyond the breaker's longest pause
    assert set(scorer.serve(MINUTE, card="c1").absent.values()) == {EMPTY}
    owner.publish()
    assert not scorer.until_back().absent
    assert scorer.serve(MINUTE, card="c1").vector.digest == before.digest
    assert owner.publisher.complete_publications == 2


def test_redis_paused_costs_a_deadline_and_then_nothing(server: RedisServer, owner: Owner) -> None:
    owner.take(*history(30))
    owner.publish()
    hasty = Scorer(server, timeout_ms=8)
    for _ in range(50):  # the first connection may take longer than the deadline
        hasty.serve(MINUTE)
    hasty.until_back()
    server.pause()
    took = []
    for _ in range(40):
        start = time.perf_counter()
        assert set(hasty.serve(MINUTE).absent.values()) == {DOWN}
        took.append(time.perf_counter() - start)
    # Two failures open the breaker; after that only one trial a pause waits for the deadline.
    assert sorted(took)[len(took) // 2] < 0.008
    server.resume()
    assert hasty.until_back().vector.known.any()
    hasty.close()


def test_a_new_owner_of_the_same_log_goes_on_and_of_another_starts_over(
    server: RedisServer, owner: Owner, scorer: Scorer
) -> None:
    events = history(30)
    owner.take(*events)
    owner.publish()
    second = Owner(server)
    status = second.publisher.claim()
    assert status is not None
    second.take(*events)
    assert second.publisher.went_on(status)
    second.take(paid(40_000_000, name="new", card="c1"))
    second.publish()
    assert second.publisher.complete_publications == 0
    with pytest.raises(Superseded):
        owner.publisher.flush(owner.state)
    assert scorer.serve(MINUTE, card="c1").cut == {"0": 31}

    third = Owner(server)  # of a log that lost its tail and took in something else
    status = third.publisher.claim()
    assert status is not None
    third.take(*events[:5], *[paid(9, name=f"x{n}", card="c6") for n in range(26)])
    assert not third.publisher.went_on(status)
    third.publish()
    with server.client() as client:
        before = len([key for key in client.scan_iter() if b":row:" in key])
        while third.publisher.sweeping:
            third.publish()
        left = [key for key in client.scan_iter() if b":row:" in key]
    assert before > len(left) == len(set(third.state.every_key()))  # c5 is gone for good
    for card in ("c1", "c5", "c6"):  # nobody in the third log ever saw c5
        request = paid(MINUTE, name="r", card=card)
        served = scorer.source.serve(request)
        assert served.vector.digest == third.state.read(request)[0].digest
    for one in (second, third):
        one.close()


def test_images_of_another_catalog_are_not_taken_for_nothing(
    server: RedisServer, owner: Owner
) -> None:
    owner.take(*history(30))
    owner.publish()
    changed = [f for f in CATALOG.features if f.key != ("user",)]
    changed.append(feature("sum", key=("user",), name="user_sum"))
    other = Catalog(request=PAID, contracts=CONTRACTS, features=changed)
    scorer = Scorer(server, catalog=other)
    served = scorer.serve(MINUTE, card="c1", user="u1", shop="a")
    assert served.absent == {"paid.user": OTHER_CATALOG}
    values = as_values(served.vector, other)
    assert values["user_sum"] is None
    assert values["card_count_10800000000"] == 5  # the tables they share serve both
    scorer.close()


def test_an_owner_that_has_fallen_silent_is_noticed(server: RedisServer, owner: Owner) -> None:
    owner.take(*history(30))
    owner.publish()
    scorer = Scorer(server, silent_max=50_000)
    time.sleep(0.06)
    assert set(scorer.serve(MINUTE).absent.values()) == {SILENT}
    owner.publish()  # nothing new, but a sign of life
    assert scorer.serve(MINUTE).absent == {}
    scorer.close()


def test_a_sign_of_life_from_the_future_is_none(
    server: RedisServer, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.take(*history(30))
    owner.publish()
    scorer = Scorer(server, silent_max=3_600_000_000)
    assert scorer.serve(MINUTE).absent == {}
    monkeypatch.setattr(scorer.source, "_wall", lambda: wall() - 2 * 3_600_000_000)
    assert set(scorer.serve(MINUTE).absent.values()) == {SILENT}
    scorer.close()


def test_a_server_that_throws_keys_away_is_refused(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    owner = Owner(server)
    with pytest.raises(EvictsKeys, match="noeviction"):
        owner.publisher.claim()
    owner.close()


def test_rows_expire_after_their_windows_and_a_password_is_asked_but_never_shown(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path, password="hunter2") as server:
        assert "hunter2" not in repr(server.address())
        owner = Owner(server)
        owner.publisher.claim()
        owner.take(paid(1))
        owner.publish()
        with server.client() as client:
            [row] = [key for key in client.scan_iter() if b"row:" in key]
            days = client.pttl(row) / 86_400_000
        assert 2 < days < 2.2  # three hours of window and two days of grace
        server.kill()
        with pytest.raises(Unavailable) as caught:
            owner.publisher.flush(owner.state)
        assert "hunter2" not in str(caught.value)
        owner.close()
