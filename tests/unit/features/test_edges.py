"""Edges that a random small world seldom meets: what may be forgotten, caps, blocks, images."""

from collections import defaultdict
from itertools import count
from typing import Any

import msgspec
import pytest

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Feature
from assay.features.reference_sketch import mixed
from assay.features.row_image import ImageCodec, ImageReader
from assay.features.state import FeatureState
from assay.features.values import as_values

START = 1_000_000_000_000_000
LOOKBACK = 4
PAID = EventContract(
    type="paid",
    version=1,
    fields=(
        Field(name="card", kind="text"),
        Field(name="cents", kind="int", required=False),
    ),
    keys=("card",),
)


def catalog(**feature: Any) -> Catalog:
    """One feature named ``value``."""
    asked = {"name": "value", "source": "paid", "key": ("card",), **feature}
    return Catalog(request=PAID, contracts=ContractSet([PAID]), features=[Feature(**asked)])


def paid(number: int, ts: int, cents: int | None = 1) -> Event:
    return Event(f"e{number:04}", "paid", START + ts, {"card": "x", "cents": cents})


def live(asked: Catalog, history: list[Event], request: Event) -> Any:
    state = FeatureState(asked)
    state.apply_all(history)
    return as_values(state.read(request)[0], asked)["value"]


def both_ways(asked: Catalog, history: list[Event], request: Event) -> Any:
    """What a live read says, which a backfill says too."""
    found = live(asked, history, request)
    frame = backfill(asked, [*history, request], wanted=lambda event: event.id == request.id)
    assert as_values(frame.vector(0), asked)["value"] == found
    return found


@pytest.mark.parametrize("every", [0, 5, 7])
def test_a_window_holds_its_first_instant_and_not_its_end(every: int) -> None:
    asked = catalog(aggregate="count", window=7, every=every)
    for at in range(20, 36):
        end = at - (START + at) % every if every else at
        seen = [ts for ts in range(50) if both_ways(asked, [paid(1, ts)], paid(9, at)) == 1]
        assert seen == list(range(end - 7, end)), at


@pytest.mark.parametrize("age", [1, 2, 3, 4, 7])
def test_a_value_is_known_up_to_its_time_to_live_and_not_after(age: int) -> None:
    asked = catalog(aggregate="count", window=7, ttl=3)
    assert both_ways(asked, [paid(1, 20)], paid(9, 20 + age)) == (1 if age <= 3 else None)
    two = [paid(1, 20 - 1), paid(2, 20)]
    assert both_ways(asked, two, paid(9, 20 + age)) == ({7: None, 4: None}.get(age, 2))


@pytest.mark.parametrize("newest", range(40, 45))
@pytest.mark.parametrize(("window", "every"), [(7, 0), (7, 5), (6, 6)])
def test_no_permitted_read_misses_an_event_that_was_forgotten(
    window: int, every: int, newest: int
) -> None:
    asked = catalog(aggregate="count", window=window, every=every)
    state = FeatureState(asked, lookback=LOOKBACK)
    state.apply_all(paid(ts, ts) for ts in range(newest + 1))
    assert state.oldest == START + newest - LOOKBACK
    state.evict(START + newest)
    for at in range(newest - LOOKBACK, newest + 1):
        end = at - (START + at) % every if every else at
        vector, _ = state.read(paid(9_999, at))
        wanted = sum(end - window <= ts < end for ts in range(newest + 1))
        assert as_values(vector, asked) == {"value": wanted}, at
    assert len(state._slabs.keys[0]) == 1


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("late", "counted"), [(28, 0), (29, 1), (30, 1)])
def test_a_late_event_is_kept_if_the_oldest_permitted_read_sees_it(
    late: int, counted: int, *, together: bool
) -> None:
    asked = catalog(aggregate="count", window=7)
    state = FeatureState(asked, lookback=LOOKBACK)
    others = [msgspec.structs.replace(paid(n, 35), payload={"card": "y"}) for n in range(100, 200)]
    events = [paid(1, 40), *others, paid(2, late)]
    if together:
        state.apply_all(events)
    else:
        for event in events:
            state.apply(event)
    assert state.oldest == START + 36
    vector, _ = state.read(paid(9, 36))
    assert as_values(vector, asked) == {"value": counted}
    assert state.unreachable == 1 - counted


def same_register(how_many: int) -> list[int]:
    """Values that the bounded count of different ones cannot tell apart."""
    found = defaultdict[int, list[int]](list)
    for value in count(1):
        here = found[mixed(value) >> 52]
        here.append(value)
        if len(here) == how_many:
            return here
    raise AssertionError("never reached")


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("cap", [2, 3, 4, 5])
def test_different_values_are_told_apart_up_to_the_cap_and_not_above(cap: int, own: bool) -> None:
    """With an event without a value among them, which neither counts nor uses up the cap."""
    asked = catalog(aggregate="distinct", of="cents", window=30, cap=cap, include_current=own)
    values = same_register(4)
    history = [paid(0, 1, None), *(paid(n, 1 + n, x) for n, x in enumerate(values[:3], start=1))]
    request = paid(9, 9, values[3])
    counted = 3 + own
    assert both_ways(asked, history, request) == (counted if counted <= cap else 1)


def test_only_the_newest_values_up_to_the_cap_are_candidates() -> None:
    asked = catalog(aggregate="top", of="cents", window=30, cap=3)
    history = [paid(n, n, cents) for n, cents in enumerate([7, 7, 7, 4, 3, 5])]
    assert both_ways(asked, history, paid(9, 9)) == 3, "7 is not among the newest three"
    assert live(catalog(aggregate="top", of="cents", window=30), history, paid(9, 9)) == 7


@pytest.mark.parametrize("window", [1, 2, 63, 64, 65, 127, 128, 129, LIFETIME])
def test_a_window_of_whole_blocks_and_parts_of_them(window: int) -> None:
    asked = catalog(aggregate="sum", of="cents", window=window)
    history = [paid(ts, ts, ts + 1) for ts in range(200)]
    for at in (1, 63, 64, 65, 127, 128, 129, 192, 200):
        seen = range(max(at - window, 0) if window else 0, at)
        assert live(asked, history, paid(999, at)) == sum(ts + 1 for ts in seen), at


@pytest.mark.parametrize("k", [1, 2, 63, 64, 65, 127, 128, 129])
def test_the_kth_newest_over_whole_blocks(k: int) -> None:
    asked = catalog(aggregate="nth", of="cents", k=k, window=LIFETIME)
    history = [paid(n, n, n) for n in range(128)]
    assert live(asked, history, paid(999, 200)) == (128 - k if k <= 128 else None)


def test_an_image_without_its_oldest_events_is_right_from_the_instant_it_names() -> None:
    asked = catalog(aggregate="count", window=12)
    state, codec = FeatureState(asked), ImageCodec(asked, image_max=1 << 12)
    state.apply_all(paid(ts, ts) for ts in range(1_000))
    reader, request = ImageReader(codec), paid(9_999, 0)
    [row] = [row for row in codec.asked(request) if row is not None]
    image = codec.decode(row, codec.encode(state, row, 7))
    first = image.packed.since + 12 - START
    assert 12 < first < 1_000
    assert reader.incomplete(row.table, image, START + first - 1)
    assert not reader.incomplete(row.table, image, START + first)
    vector, _ = reader.read(paid(9_999, first), [(row, image)], {})
    assert as_values(vector, asked) == {"value": 12}
    assert first % 64 == 12, "all that could be left out was"


def test_an_image_of_a_state_that_forgets_says_from_when_on_it_is_whole() -> None:
    asked = catalog(aggregate="count", window=12)
    state, codec = FeatureState(asked, lookback=LOOKBACK), ImageCodec(asked)
    state.apply_all(paid(ts, ts) for ts in range(41))
    [row] = [row for row in codec.asked(paid(9_999, 0)) if row is not None]
    image = codec.decode(row, codec.encode(state, row, 7))
    reader = ImageReader(codec)
    assert state.oldest == START + 40 - LOOKBACK
    assert reader.incomplete(row.table, image, state.oldest - 1)
    assert not reader.incomplete(row.table, image, state.oldest)
