"""The world is deterministic, well formed, and keeps its truth to itself."""

import re
from collections import Counter
from itertools import islice, pairwise

import msgspec
import pytest
from tests.unit.simulate.worlds import SMALL, days

from assay.contracts.decode import decode_event, encode_event
from assay.contracts.event import Event
from assay.core.canonical import canonical, digest_bytes
from assay.core.errors import Invalid
from assay.core.time import DAY
from assay.simulate.world import FraudMix, MarketplaceSettings, demo_settings, simulate
from assay.workloads.checkout.contracts import CONTRACTS

PATTERNS = {"card_testing", "account_takeover", "fake_listing", "review_ring", "friendly_fraud"}


def bytes_of(events: list[Event]) -> bytes:
    """The canonical bytes of events, one a line."""
    return b"\n".join(
        canonical([event.id, event.type, event.ts, event.payload]) for event in events
    )


def test_the_first_events_are_the_same_on_every_machine() -> None:
    """A golden digest: when it changes on purpose, say so in the changelog, worlds have changed."""
    first = list(islice(days()[0].events(), 400))
    later = list(islice(days()[30].events(), 400))
    assert digest_bytes(bytes_of(first + later)) == GOLDEN


def test_a_world_is_a_function_of_its_settings() -> None:
    short = msgspec.structs.replace(SMALL, days=3)
    again = [event for batch in simulate(short) for event in batch.events()]
    assert again == [event for batch in days()[:3] for event in batch.events()]
    other = msgspec.structs.replace(short, seed=8)
    assert next(iter(simulate(other))).truth.user_id != days()[0].truth.user_id


def test_events_come_in_order_of_time_and_id_each_in_its_day() -> None:
    last = (0, "")
    for batch in days():
        for event in batch.events():
            assert last < (event.ts, event.id)
            assert batch.start <= event.ts < batch.start + DAY
            last = (event.ts, event.id)


def test_every_event_decodes_under_its_contract_to_itself() -> None:
    for batch in days()[::5]:
        for event in batch.events():
            assert decode_event(encode_event(event), CONTRACTS, now=batch.start + DAY) == event


def test_ids_are_unique() -> None:
    ids = [event.id for batch in days() for event in batch.events()]
    assert len(set(ids)) == len(ids)


def test_no_event_says_what_is_true() -> None:
    """No pattern, no age band; whether a booking is fraud is said by labels alone."""
    for batch in days()[::5]:
        for event in batch.events():
            assert not {"pattern", "is_fraud", "age_band"} & event.payload.keys()
            assert ("fraud" in event.payload) == (event.type == "label")
            told = {value for value in event.payload.values() if isinstance(value, str)}
            assert not told & (PATTERNS | {"mistaken_dispute"})


def test_ids_do_not_tell_who_made_the_event() -> None:
    """Bookings are numbered in the order of time, entities by a scrambled number."""
    for batch in days()[:3]:
        table = batch.tables["booking"]
        assert table.ids == sorted(table.ids)
        assert all(a <= b for a, b in pairwise(table.ts.tolist()))
        assert all(re.fullmatch(r"us-[0-9a-f]{8}", user) for user in table.columns["user_id"])


def test_every_pattern_occurs_and_honest_bookings_are_not_fraud() -> None:
    seen = Counter(pattern for batch in days() for pattern in batch.truth.pattern)
    assert set(seen) >= PATTERNS | {"none"}
    for batch in days():
        for pattern, fraud in zip(batch.truth.pattern, batch.truth.is_fraud, strict=True):
            assert bool(fraud) == (pattern in PATTERNS)


def test_the_truth_covers_every_booking() -> None:
    for batch in days():
        assert batch.truth.request_id == batch.tables["booking"].ids
        assert batch.truth.user_id == batch.tables["booking"].columns["user_id"]
        assert len(batch.truth.age_band) == len(batch.truth)


def test_labels_come_after_their_booking_with_a_long_tail() -> None:
    asked: dict[str, int] = {}
    pattern: dict[str, str] = {}
    for batch in days():
        table = batch.tables["booking"]
        asked |= dict(zip(table.ids, table.ts.tolist(), strict=True))
        pattern |= dict(zip(batch.truth.request_id, batch.truth.pattern, strict=True))
    delays = []
    for batch in days():
        labels = batch.tables["label"]
        for request, ts, source in zip(
            labels.columns["request_id"], labels.ts.tolist(), labels.columns["source"], strict=True
        ):
            assert ts - asked[request] >= DAY
            assert pattern[request] != "none"
            assert (source == "manual") == (pattern[request] == "review_ring")
            if source == "chargeback" and asked[request] < SMALL.start + 5 * DAY:
                delays.append((ts - asked[request]) / DAY)
    delays.sort()
    assert 8 < delays[len(delays) // 2] < 16
    assert delays[-1] > 25


def test_some_fraud_is_never_reported() -> None:
    frauds = {
        request
        for batch in days()[:5]
        for request, fraud in zip(batch.truth.request_id, batch.truth.is_fraud, strict=True)
        if fraud
    }
    reported = {r for batch in days() for r in batch.tables["label"].columns["request_id"]}
    assert 0.5 < len(frauds & reported) / len(frauds) < 0.97


def test_a_dispute_raised_in_error_is_reversed() -> None:
    mistaken = FraudMix(mistaken=2_000, friendly=0)
    world = days(msgspec.structs.replace(SMALL, days=60, fraud=mistaken))
    by_request: dict[str, list[tuple[bool, str]]] = {}
    for batch in world:
        columns = batch.tables["label"].columns
        for request, fraud, source in zip(
            columns["request_id"], columns["fraud"], columns["source"], strict=True
        ):
            by_request.setdefault(request, []).append((fraud, source))
    reversed_ = [told for told in by_request.values() if len(told) == 2]
    assert reversed_
    assert all(told == [(True, "chargeback"), (False, "reversal")] for told in reversed_)


def test_reviews_follow_stays_that_took_place() -> None:
    asked = {r for batch in days() for r in batch.tables["booking"].ids}
    reviews = [r for batch in days() for r in batch.tables["review"].columns["request_id"]]
    assert reviews
    assert set(reviews) <= asked


def test_accounts_and_listings_grow_older_with_the_world() -> None:
    created: dict[str, int] = {}
    for batch in days():
        columns = batch.tables["booking"].columns
        for user, age, pattern in zip(
            columns["user_id"], columns["account_age_days"], batch.truth.pattern, strict=True
        ):
            if pattern == "none":
                assert created.setdefault(user, batch.day - age) == batch.day - age


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": 0}, "days: expected a whole number from 1 to 4096, got 0"),
        ({"seed": -1}, "seed"),
        ({"start": 1_748_822_400_000_001}, "midnight"),
        ({"users": 10}, "users"),
    ],
)
def test_settings_outside_the_limits_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        msgspec.structs.replace(SMALL, **change)


@pytest.mark.parametrize("change", [{"friendly": 5_001}, {"ring_every_days": 0}, {"ring_acts": -1}])
def test_a_fraud_mix_outside_the_limits_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(Invalid, match=next(iter(change))):
        FraudMix(**change)


def test_a_world_without_bookings_or_fraud_is_quiet() -> None:
    nobody = FraudMix(
        card_testing_groups=0,
        takeover_groups=0,
        fake_listing_groups=0,
        ring_acts=0,
        friendly=0,
        mistaken=0,
    )
    quiet = days(msgspec.structs.replace(SMALL, days=2, bookings_per_day=0, fraud=nobody))
    assert [len(batch.truth) for batch in quiet] == [0, 0]


@pytest.mark.slow
def test_the_demo_world_has_the_promised_size() -> None:
    events, bookings, frauds = 0, [], 0
    for batch in simulate(demo_settings()):
        events += len(batch)
        bookings.append(len(batch.truth))
        frauds += int(batch.truth.is_fraud.sum())
    assert len(bookings) == 55
    assert 450_000 <= events <= 550_000
    assert sum(bookings[-6:]) >= 15_500
    assert 0.01 <= frauds / sum(bookings) <= 0.02


def test_the_demo_settings_take_a_seed() -> None:
    assert demo_settings(5) == MarketplaceSettings(seed=5)


GOLDEN = "sha256:7f8aa0cecf44eeb908f465c3c2f041a096910d959f3d1db99528253d14bd0bff"
