"""Whatever arrives, in whatever order: live, bulk, reference and oracle give the same bits."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.property.features import oracle
from tests.property.features.worlds import (
    CATALOG,
    COMBINED,
    FEATURES,
    SKETCHED,
    START,
    histories,
    requests,
)

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.definition import Feature
from assay.features.reference import ReferenceState
from assay.features.state import FeatureState
from assay.features.vector import Vector

#: The first example may compile kernels.
relaxed = settings(deadline=None, max_examples=60)


def expected(events: list[Event], request: Event) -> Vector:
    """The vector of the oracle."""
    values = {feature.name: oracle.value(feature, events, request) for feature in FEATURES}
    windows = {feature.name: feature.window for feature in FEATURES}
    for item in COMBINED:
        parts = [values[name] for name in item.of]
        values[item.name] = oracle.combined(item, parts, windows.get(item.of[0], 0))
    pairs = [
        oracle.bits(value, kind) for value, kind in zip(values.values(), CATALOG.kinds, strict=True)
    ]
    return Vector(
        np.array([bits for bits, _ in pairs], np.int64),
        np.array([known for _, known in pairs], np.uint8),
    )


def differing(left: Vector, right: Vector, catalog: Catalog = CATALOG) -> list[str]:
    """The names of the values that are not the same bits."""
    places = np.flatnonzero((left.bits != right.bits) | (left.known != right.known))
    return [catalog.names[place] for place in places]


@relaxed
@given(history=histories(), request=requests)
def test_a_live_read_is_what_the_oracle_says(history: list[Event], request: Event) -> None:
    state = FeatureState(CATALOG)
    state.apply_all(history)
    assert differing(state.read(request)[0], expected(history, request)) == []


@relaxed
@given(history=histories(), request=requests, data=st.data())
def test_no_order_of_arrival_changes_a_bit(
    history: list[Event], request: Event, data: st.DataObject
) -> None:
    """Applications and retractions, shuffled together: what is left decides, nothing else."""
    gone = data.draw(st.lists(st.sampled_from(history), unique_by=id) if history else st.just([]))
    steps = [(event, False) for event in history] + [(event, True) for event in gone]
    state = FeatureState(CATALOG)
    for event, retracted in data.draw(st.permutations(steps)):
        if retracted:
            state.retract(event)
        else:
            state.apply(event)
    left = [event for event in history if event not in gone]
    assert differing(state.read(request)[0], expected(left, request)) == []


@relaxed
@given(history=histories(), data=st.data())
def test_a_backfill_gives_the_bits_of_live_reads(history: list[Event], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from([event.id for event in history] or ["none"])))
    frame = backfill(CATALOG, history, retracted=gone)
    left = [event for event in history if event.id not in gone]
    state = FeatureState(CATALOG)
    state.apply_all(left)
    asked = sorted((e for e in left if e.type == "paid"), key=lambda e: (e.ts, e.id))
    assert list(frame.event_ids) == [event.id for event in asked]
    for row, request in enumerate(asked):
        assert differing(frame.vector(row), state.read(request)[0]) == []


@relaxed
@given(history=histories(), request=requests)
def test_the_reference_in_plain_python_agrees(history: list[Event], request: Event) -> None:
    state, reference = FeatureState(CATALOG), ReferenceState(CATALOG)
    for event in history:
        state.apply(event)
        reference.apply(event)
    for event in history[::3]:
        state.retract(event)
        reference.retract(event)
    ours, newest = state.read(request)
    theirs, newest_there = reference.read(request)
    assert differing(ours, theirs) == []
    assert newest == newest_there


@relaxed
@given(history=histories(), request=requests, data=st.data())
def test_above_the_cap_live_and_reference_agree(
    history: list[Event], request: Event, data: st.DataObject
) -> None:
    """The bounded states, each computed by code of its own in the reference."""
    state, reference = FeatureState(SKETCHED), ReferenceState(SKETCHED)
    for event in data.draw(st.permutations(history)):
        state.apply(event)
        reference.apply(event)
    for asked in [request, *(e for e in history[::7] if e.type == "paid")]:
        assert differing(state.read(asked)[0], reference.read(asked)[0], SKETCHED) == []


@relaxed
@given(history=histories(), data=st.data())
def test_above_the_cap_a_backfill_gives_the_bits_of_live_reads(
    history: list[Event], data: st.DataObject
) -> None:
    frame = backfill(SKETCHED, history)
    state = FeatureState(SKETCHED)
    for event in data.draw(st.permutations(history)):
        state.apply(event)
    asked = sorted((e for e in history if e.type == "paid"), key=lambda e: (e.ts, e.id))
    for row, request in enumerate(asked):
        assert differing(state.read(request)[0], frame.vector(row), SKETCHED) == []


WIDE = EventContract(
    type="wide",
    version=1,
    fields=(Field(name="key", kind="text"), Field(name="x", kind="int")),
    keys=("key",),
)
WIDE_CATALOG = Catalog(
    request=WIDE,
    contracts=ContractSet([WIDE]),
    features=[
        Feature(name=name, source="wide", key=("key",), aggregate=name, of="x", window=0)
        for name in ("sum", "mean", "std")
    ],
)
whole = st.one_of(
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.integers(-(2**53) - 3, 2**53 + 3),
    st.integers(0, 62).flatmap(lambda p: st.integers(2**p - 2, 2**p + 1)),
    st.integers(-5, 5),
)


@settings(deadline=None, max_examples=400)
@given(values=st.lists(whole, min_size=1, max_size=9))
def test_sums_means_and_spreads_are_rounded_once_or_not_known(values: list[int]) -> None:
    """Over the whole range of 64 bits, where sums need 65 and squares 128."""
    state = FeatureState(WIDE_CATALOG)
    for number, x in enumerate(values):
        state.apply(Event(str(number), "wide", START + number, {"key": "k", "x": x}))
    vector, _ = state.read(Event("r", "wide", START + 100, {"key": "k", "x": 0}))
    total = sum(values)
    expect = [total if -(2**63) <= total < 2**63 else None, total / len(values), None]
    if len(values) * max(abs(x) for x in values) < 2**63:
        feature = Feature(
            name="std", source="wide", key=("key",), aggregate="std", of="x", window=0
        )
        history = [Event(str(x), "wide", START, {"key": "k", "x": x}) for x in values]
        asked = Event("r", "wide", START + 100, {"key": "k", "x": 0})
        expect[2] = oracle.value(feature, history, asked)
    pairs = [oracle.bits(v, k) for v, k in zip(expect, WIDE_CATALOG.kinds, strict=True)]
    assert list(zip(vector.bits.tolist(), vector.known.tolist(), strict=True)) == pairs
    assert state.overflows == expect.count(None)


def draws(seed: int, size: int) -> NDArray[np.int64]:
    """Columns of a busy key: time, cents, shop, card present."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            np.sort(rng.integers(0, size * 2, size)),
            rng.integers(-(10**6), 10**6, size),
            rng.integers(0, 40, size),
            rng.integers(0, 2, size),
        ]
    ).T


@pytest.mark.parametrize("size", [63, 64, 65, 700, 10_000])
def test_a_busy_key_with_late_events_and_retractions_stays_exact(size: int) -> None:
    """Blocks of 64, many slab sizes, windows over whole blocks and parts of them."""
    rng = np.random.default_rng(size)
    events = [
        Event(
            f"e{number}",
            "paid",
            START + int(ts),
            {
                "card": "x",
                "user": "u",
                "cents": int(cents) if cents % 7 else None,
                "shop": f"s{shop}",
                "risk": float(cents) / 8,
                "present": bool(present),
                "tier": ("gold", "base", "new", None)[int(ts) % 4],
            },
        )
        for number, (ts, cents, shop, present) in enumerate(draws(size, size))
    ]
    catalog = busy_catalog(size)
    state = FeatureState(catalog)
    late = rng.random(size) < 0.05
    for event in [e for e, is_late in zip(events, late, strict=True) if not is_late]:
        state.apply(event)
    for event in [e for e, is_late in zip(events, late, strict=True) if is_late]:
        state.apply(event)
    gone = {int(place) for place in rng.integers(0, size, size // 50)}
    for place in gone:
        state.retract(events[place])
    left = [event for place, event in enumerate(events) if place not in gone]
    frame = backfill(catalog, events, retracted=[events[place].id for place in gone])
    for row in [0, 1, len(left) // 3, len(left) // 2, len(left) - 1]:
        asked = sorted(left, key=lambda e: (e.ts, e.id))[row]
        vector = state.read(asked)[0]
        pairs = [
            oracle.bits(oracle.value(feature, left, asked), kind)
            for feature, kind in zip(catalog.features, catalog.kinds, strict=True)
        ]
        assert list(zip(vector.bits.tolist(), vector.known.tolist(), strict=True)) == pairs
        assert vector.digest == frame.vector(row).digest


def busy_catalog(size: int) -> Catalog:
    """The short windows of the small world, stretched to a busy key."""
    stretched = {1: 3, 7: 100, 12: size, 0: 0}
    features = [f for f in FEATURES if f.source == "paid" and f.key == ("card",)]
    # A prime step keeps every aggregate, filter and window in the sample; the oracle is slow.
    return Catalog(
        request=CATALOG.request,
        contracts=CATALOG.contracts,
        features=[
            msgspec.structs.replace(feature, window=stretched[feature.window])
            for feature in features[:: 29 if size > 1000 else 7 if size > 100 else 1]
        ],
    )
