"""Forgetting changes no permitted read, however applies, late events and retractions interleave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.features import oracle
from tests.property.features.worlds import CONTRACTS, FEATURES, PAID, START, histories, requests

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME
from assay.features.slabs import Slabs
from assay.features.state import FeatureState, Forgotten

LOOKBACK = 4
FINITE = Catalog(
    request=PAID,
    contracts=CONTRACTS,
    # A prime step keeps aggregates, filters, keys and windows in the sample; the oracle is slow.
    features=[f for f in FEATURES if f.window != LIFETIME][::7],
)
relaxed = settings(deadline=None, max_examples=80)


def agrees(state: FeatureState, events: list[Event], request: Event) -> None:
    """The state says what the oracle says of all events."""
    vector, _ = state.read(request)
    expected = [
        oracle.bits(oracle.value(feature, events, request), kind)
        for feature, kind in zip(FINITE.features, FINITE.kinds, strict=True)
    ]
    assert list(zip(vector.bits.tolist(), vector.known.tolist(), strict=True)) == expected


@relaxed
@given(history=histories(60), data=st.data())
def test_permitted_reads_see_what_an_unforgetting_oracle_sees(
    history: list[Event], data: st.DataObject
) -> None:
    state = FeatureState(FINITE, lookback=LOOKBACK)
    applied: list[Event] = []
    newest = START - 100
    for event in history:
        state.apply(event)
        applied.append(event)
        newest = max(newest, event.ts)
        what = data.draw(st.sampled_from(["go on", "go on", "retract", "forget", "read"]))
        if what == "retract":
            gone = applied.pop(data.draw(st.integers(0, len(applied) - 1)))
            state.retract(gone)
        elif what == "forget":
            state.evict(newest)
        elif what == "read":
            asked = data.draw(requests)
            at = newest - LOOKBACK + data.draw(st.integers(0, 9))
            agrees(state, applied, Event("request", "paid", at, asked.payload))
    agrees(state, applied, Event("request", "paid", newest, data.draw(requests).payload))


@relaxed
@given(history=histories(30), request=requests)
def test_a_read_below_the_edge_is_refused_not_answered(
    history: list[Event], request: Event
) -> None:
    state = FeatureState(FINITE, lookback=LOOKBACK)
    state.apply_all(history)
    edge = max((event.ts for event in history), default=START) - LOOKBACK
    early = Event("early", "paid", edge - 1, request.payload)
    if history:
        with pytest.raises(Forgotten, match="not permitted"):
            state.read(early)
    agrees(state, history, Event("first", "paid", edge, request.payload))


def payment(number: int, ts: int, card: str) -> Event:
    """One of a long run; every field takes part in some feature."""
    body = {
        "card": card, "user": "u", "cents": number % 977 - 400, "shop": "abc"[number % 3],
        "risk": number / 8, "present": number % 2 == 0,
    }  # fmt: skip
    return Event(f"e{number:05}", "paid", ts, body)


@pytest.mark.parametrize(("keys", "step"), [(3, 0.1), (40, 0.2), (4000, 1)])
def test_a_long_run_stays_exact_and_small(keys: int, step: float) -> None:
    """Busy keys, cold keys, new keys all the time; ties, late events, retractions."""
    rng = np.random.default_rng(keys)
    state, kept = FeatureState(FINITE, lookback=LOOKBACK), FeatureState(FINITE)
    recent: list[Event] = []
    for number in range(6_000):
        now = START + int(number * step)
        ts = now - int(rng.integers(0, 20)) * int(rng.random() < 0.1)
        # Keys come and go: each is in use for a while.
        card = f"c{number * keys // 4_000 + int(rng.integers(0, keys)) // 8}"
        event = payment(number, ts, card)
        state.apply(event)
        kept.apply(event)
        recent = [e for e in recent if e.ts > now - 60] + [event]
        if rng.random() < 0.03:
            gone = recent.pop(int(rng.integers(0, len(recent))))
            state.retract(gone)
            kept.retract(gone)
        if number % 97 == 0:
            at = max(e.ts for e in recent) - int(rng.integers(0, LOOKBACK + 1))
            asked = recent[int(rng.integers(0, len(recent)))]
            agrees(state, recent, Event("request", "paid", at, asked.payload))
    assert state.keys_used <= kept.keys_used
    state.evict(START + int(6_000 * step) + 1_000)
    assert state.keys_used == 0, "nothing is reachable any more"
    slabs: Slabs = state._slabs
    assert not any(slabs.keys)
    assert int(slabs.identities.uses.sum()) == 0, "no row refers to an id any more"
    state.apply(payment(7, START + 9_000, "c1"))
    agrees(state, [payment(7, START + 9_000, "c1")], payment(8, START + 9_001, "c1"))


def test_the_memory_of_a_busy_stream_does_not_grow() -> None:
    """Ten times the events of the longest window and its lookback; cold keys all along."""
    state = FeatureState(FINITE, lookback=LOOKBACK)
    sizes = []
    for number in range(60_000):
        state.apply(payment(number, START + number // 200, f"c{number // 50}"))
        if number in (20_000, 40_000, 59_999):
            slabs: Slabs = state._slabs
            sizes.append((int(slabs.free[0]), len(slabs.names)))
    # Rows in use are those of the reachable events, and what one turn of the sweep leaves behind.
    reachable = (LOOKBACK + 12) * 200 // 50
    assert sizes[2][0] < 1.2 * sizes[0][0], sizes
    assert all(rows < 3 * 2 * 4 * reachable for _, rows in sizes), sizes


def test_late_events_that_no_read_can_reach_are_counted_and_not_kept() -> None:
    state = FeatureState(FINITE, lookback=LOOKBACK)
    state.apply(payment(1, START + 100, "x"))
    before = state.keys_used
    state.apply(payment(2, START + 100 - LOOKBACK - 12 - 1, "y"))
    assert (state.unreachable, state.keys_used) == (1, before)
    state.apply(payment(3, START + 100 - LOOKBACK - 12, "y"))
    assert (state.unreachable, state.keys_used) == (1, before + 2)
    state.retract(payment(2, START + 100 - LOOKBACK - 12 - 1, "y"))
    agrees(
        state,
        [payment(1, START + 100, "x"), payment(3, START + 84, "y")],
        payment(9, START + 96, "y"),
    )


def test_a_pool_that_is_mostly_free_is_copied_together() -> None:
    state = FeatureState(FINITE, lookback=LOOKBACK)
    events = [payment(n, START + n // 5_000, f"c{n // 3}") for n in range(60_000)]
    state.apply_all(events)
    state.evict(START + 12)
    before, left = state.bytes_used, [e for e in events if e.ts > START + 1][-9_000:]
    assert state._slabs.free[0] > 1 << 20
    for number in range(300):
        state.apply(payment(60_000 + number, START + 40, f"d{number}"))
    state.evict(START + 40)
    state._slabs.compact()
    assert state.bytes_used < before / 2
    assert left
    asked = payment(1, START + 41, "d7")
    agrees(state, [payment(60_007, START + 40, "d7")], asked)
