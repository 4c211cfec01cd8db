"""A group of events changes a state to the bit as its events do one by one, however it is cut."""

from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.features.worlds import (
    CATALOG,
    CONTRACTS,
    FEATURES,
    PAID,
    START,
    histories,
    requests,
)

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features import state as state_module
from assay.features.catalog import Catalog
from assay.features.columns import Column, Columns, coded, columns_of, taken
from assay.features.definition import LIFETIME, Feature
from assay.features.reference import ReferenceState
from assay.features.state import FeatureState

#: The first example may compile kernels.
relaxed = settings(deadline=None, max_examples=80)
LOOKBACK = 4


@pytest.fixture(autouse=True, scope="module")
def even_the_smallest_group_is_folded_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(state_module, "_FEW", 0)
        yield


def agree(one: FeatureState, other: FeatureState) -> None:
    """Two states hold the same words at the same places, and counted the same."""
    (meta, parts), (meta_there, parts_there) = one.dump(), other.dump()
    assert meta == meta_there
    assert [name for name in parts if not np.array_equal(parts[name], parts_there[name])] == []
    counted = [(s.unreachable, s.keys_used, s.bytes_used, s.oldest) for s in (one, other)]
    assert counted[0] == counted[1]


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    """Some of the features, so that tables, columns, filters and reaches differ."""
    kept: list[Feature] = draw(
        st.lists(st.sampled_from(FEATURES), min_size=1, max_size=9, unique_by=lambda f: f.name)
    )
    return Catalog(request=PAID, contracts=CONTRACTS, features=kept)


@relaxed
@given(data=st.data(), catalog=catalogs(), history=histories(80), asked=requests)
def test_a_group_is_its_events_one_by_one(
    data: st.DataObject, catalog: Catalog, history: list[Event], asked: Event
) -> None:
    lookback = data.draw(st.sampled_from([None, 0, LOOKBACK]))
    one, grouped = (FeatureState(catalog, lookback=lookback) for _ in range(2))
    reference = ReferenceState(catalog)
    marks = st.integers(0, len(history))
    cuts = [0, *sorted(data.draw(st.lists(marks, max_size=5))), len(history)]
    for start, stop in pairwise(cuts):
        grouped.apply_batch(history[start:stop])
        for event in history[start:stop]:
            one.apply(event)
            reference.apply(event)
        for event in data.draw(st.lists(st.sampled_from(history), max_size=3)) if history else ():
            for state in (one, grouped, reference):
                state.retract(event)
        agree(one, grouped)
        if lookback is None:
            vector, newest = grouped.read(asked)
            expected, newest_there = reference.read(asked)
            assert (vector.bits.tolist(), vector.known.tolist(), newest) == (
                expected.bits.tolist(), expected.known.tolist(), newest_there,
            )  # fmt: skip


def run(seed: int, size: int, keys: int, ids: int) -> list[Event]:
    """A long history: ties, late events, keys that come and go, two types, ids of all lengths."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(size):
        ts = START + number // 40 - int(rng.integers(0, 30)) * int(rng.random() < 0.1)
        name = f"{'é' * (number % 3 == 0)}{number:07}" + "i" * int(rng.integers(0, ids))
        if rng.random() < 0.2:
            body: dict[str, object] = {"who": f"u{rng.integers(0, keys)}", "fails": number % 5}
            found.append(Event(name, "login", ts, body))
            continue
        card = f"c{number * keys // size + int(rng.integers(0, keys)) // 4}"
        body = {
            "card": card if number % 11 else None, "cents": number % 977 - 400,
            "shop": "abc"[number % 3], "risk": number / 8, "present": number % 2 == 0,
            "tier": ("gold", "base", None)[number % 3],
        }  # fmt: skip
        found.append(Event(name, "paid", ts, body))
    return found


@pytest.mark.parametrize(
    ("lookback", "keys", "ids"),
    [(None, 2, 1), (None, 5_000, 900), (LOOKBACK, 2, 900), (LOOKBACK, 300, 30), (0, 5_000, 900)],
)
def test_a_long_run_in_groups_is_the_run_to_the_bit(
    lookback: int | None, keys: int, ids: int
) -> None:
    """Slabs grow, rows are forgotten and used again, pools and buffers fill up inside a group."""
    rng = np.random.default_rng(keys)
    # A prime step keeps aggregates, filters, keys and windows in the sample.
    kept = [f for f in FEATURES if lookback is None or f.window != LIFETIME][::53]
    logins = [f for f in FEATURES if f.source == "login" and f.window == 7]
    catalog = Catalog(
        request=PAID,
        contracts=CONTRACTS,
        features=list({f.name: f for f in kept + logins}.values()),
    )
    one, grouped = (FeatureState(catalog, lookback=lookback) for _ in range(2))
    history, at = run(keys, 12_000, keys, ids), 0
    while at < len(history):
        group = history[at : at + int(rng.integers(1, 3_000))]
        grouped.apply_batch(group)
        for event in group:
            one.apply(event)
        for place in rng.integers(0, len(group), 20).tolist():
            one.retract(group[place])
            grouped.retract(group[place])
        agree(one, grouped)
        at += len(group)
    grouped.evict(START + 10_000)
    one.evict(START + 10_000)
    agree(one, grouped)


def cut(events: list[Event], catalog: Catalog) -> Iterator[tuple[str, Columns]]:
    """Runs of events of one type as columns."""
    for kind, group in groupby(events, key=lambda event: event.type):
        contract = catalog.contracts.get(kind)
        yield kind, columns_of(list(group), contract, [field.name for field in contract.fields])


@relaxed
@given(data=st.data(), catalog=catalogs(), history=histories(60))
def test_columns_are_their_events_one_by_one(
    data: st.DataObject, catalog: Catalog, history: list[Event]
) -> None:
    lookback = data.draw(st.sampled_from([None, 0, LOOKBACK]))
    one, grouped = (FeatureState(catalog, lookback=lookback) for _ in range(2))
    for event in data.draw(st.lists(st.sampled_from(history), max_size=3)) if history else ():
        one.retract(event)
        grouped.retract(event)
    ordered = sorted(history, key=lambda event: event.type) if data.draw(st.booleans()) else history
    for kind, columns in cut(ordered, catalog):
        grouped.apply_columns(kind, columns)
    for event in ordered:
        one.apply(event)
    agree(one, grouped)


def test_columns_of_a_long_run_are_the_run_to_the_bit() -> None:
    """Dictionaries larger and smaller than a call; keys that are forgotten and come again."""
    catalog = Catalog(
        request=PAID,
        contracts=CONTRACTS,
        features=[f for f in FEATURES if f.window != LIFETIME][::53],
    )
    one, grouped = (FeatureState(catalog, lookback=LOOKBACK) for _ in range(2))
    history = sorted(run(5, 12_000, 400, 30), key=lambda event: event.type)
    paid = [event for event in history if event.type == "paid"]
    whole = columns_of(paid, PAID, [field.name for field in PAID.fields])
    at = 0
    for size in (1, 100, 3_000, 7, 5_000, len(paid)):
        places = np.arange(at, min(at + size, len(paid)))
        fields = {name: taken(column, places) for name, column in whole.fields.items()}
        ids = [paid[place].id for place in places.tolist()]
        grouped.apply_columns("paid", Columns(whole.ts[places], ids, fields))
        for place in places.tolist():
            one.apply(paid[place])
        agree(one, grouped)
        at += size


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"cents": np.zeros(3, np.int64)}, "2 values as there are ts"),
        ({"card": np.zeros(2, np.int64)}, "not given as ndarray"),
        ({"risk": np.array([0.5, np.nan])}, "NaN"),
    ],
)
def test_columns_that_do_not_fit_are_refused_whole(changed: dict[str, Column], named: str) -> None:
    state = FeatureState(CATALOG)
    fields: dict[str, Column] = {"card": coded(["x", "y"]), "cents": np.ones(2, np.int64)}
    ts = np.array([START, START + 1])
    with pytest.raises(Invalid, match=named):
        state.apply_columns("paid", Columns(ts, ["a", "b"], {**fields, **changed}))
    with pytest.raises(Invalid, match="are texts"):
        state.apply_columns("paid", Columns(ts, np.arange(2), fields))
    agree(state, FeatureState(CATALOG))


BAD: tuple[tuple[str, object], ...] = (
    ("cents", 2**63),
    ("cents", -(2**63)),
    ("cents", 1.5),
    ("risk", float("nan")),
)


@pytest.mark.parametrize(("field", "value"), BAD)
@given(history=histories(30), data=st.data())
@settings(deadline=None, max_examples=20)
def test_an_event_that_is_refused_stops_a_group_where_it_stands(
    field: str, value: object, history: list[Event], data: st.DataObject
) -> None:
    """What came before is applied; of the event itself nothing is, not even a row for its key."""
    at = data.draw(st.integers(0, len(history)))
    bad = Event("bad", "paid", START, {"card": "never seen", "shop": "z", field: value})
    one, grouped, before = (FeatureState(CATALOG) for _ in range(3))
    grouped_error = one_error = ""
    try:
        grouped.apply_batch([*history[:at], bad, *history[at:]])
    except Invalid as error:
        grouped_error = str(error)
    for event in history[:at]:
        one.apply(event)
        before.apply(event)
    try:
        one.apply(bad)
    except Invalid as error:
        one_error = str(error)
    assert grouped_error == one_error != ""
    agree(one, grouped)
    agree(one, before)
