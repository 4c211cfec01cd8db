"""Rows of every size, swept together or in pieces: each value is what the oracle says."""

from typing import Any

import numpy as np
import pytest
from tests.property.features import oracle
from tests.property.features.worlds import CONTRACTS, PAID, START

from assay.contracts.event import Event
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Aggregate, Feature, Where
from assay.features.state import FeatureState

_ASKED: tuple[tuple[Aggregate, str], ...] = (
    ("sum", "cents"), ("mean", "cents"), ("std", "cents"), ("min", "cents"), ("max", "risk"),
    ("last", "cents"), ("first", "risk"), ("quantile", "cents"), ("distinct", "shop"),
)  # fmt: skip


def _features() -> list[Feature]:
    made = [
        Feature(
            name=f"{aggregate}_{window}_{int(current)}",
            source="paid",
            key=("card",),
            aggregate=aggregate,
            of=of,
            window=window,
            include_current=current,
            permille=500 if aggregate == "quantile" else 0,
        )
        for aggregate, of in _ASKED
        for window, current in ((40, False), (300, True), (LIFETIME, False))
    ]
    plain = Feature(name="n", source="paid", key=("card",), aggregate="count", window=40)
    filtered = Feature(
        name="present_cents",
        source="paid",
        key=("card",),
        aggregate="sum",
        of="cents",
        window=90,
        where=(Where("present", "==", value=True),),
        ties="before",
    )
    hopping = Feature(
        name="hop", source="paid", key=("card",), aggregate="sum", of="cents", window=60, every=20
    )
    return [*made, plain, filtered, hopping]


def _events(seed: int, count: int) -> list[Event]:
    """Two busy cards, many with a handful, some without a name, values that are often missing."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(count):
        share = rng.random()
        card = 0 if share < 0.3 else 1 if share < 0.5 else int(rng.integers(2, 70))
        payload = {
            "card": None if rng.random() < 0.03 else f"card-{card}",
            "user": None,
            "cents": int(rng.integers(-9, 9)) * 10 ** int(rng.integers(0, 15)),
            "shop": f"shop-{rng.integers(0, 6)}" if rng.random() < 0.8 else None,
            "risk": float(rng.normal()) if rng.random() < 0.7 else None,
            "present": bool(rng.random() < 0.5),
            "tier": None,
        }
        events.append(Event(f"e{number:04}", "paid", START + int(rng.integers(0, 1500)), payload))
    return events


_CAPPED: tuple[tuple[Aggregate, str, dict[str, Any]], ...] = (
    ("quantile", "cents", {"permille": 500}),
    ("quantile", "risk", {"permille": 900}),
    ("entropy", "shop", {}),
    ("distinct", "cents", {}),
    ("top", "cents", {"k": 2}),
    ("top_share", "shop", {"k": 1}),
    ("top_count", "shop", {"k": 2}),
    ("nth", "risk", {"k": 3}),
)


@pytest.mark.parametrize("seed", [5, 6])
def test_windows_that_cross_the_cap_to_and_fro_are_those_of_live_reads(seed: int) -> None:
    features = [
        Feature(
            name=f"{aggregate}_{of}_{window}_{int(current)}",
            source="paid",
            key=("card",),
            aggregate=aggregate,
            of=of,
            window=window,
            include_current=current,
            **(more if aggregate == "nth" else {**more, "cap": 18}),
        )
        for aggregate, of, more in _CAPPED
        for window, current in ((60, False), (90, True), (LIFETIME, False))
    ]
    catalog = Catalog(request=PAID, contracts=CONTRACTS, features=features)
    events = _events(seed, 620)
    state = FeatureState(catalog)
    state.apply_all(events)
    frame = backfill(catalog, events)
    by_id = {event.id: event for event in events}
    for row, event_id in enumerate(frame.event_ids):
        live = state.read(by_id[str(event_id)])[0]
        ours = frame.vector(row)
        wrong = np.flatnonzero((live.bits != ours.bits) | (live.known != ours.known))
        assert [catalog.names[place] for place in wrong] == [], event_id
    # Both sides of the cap were met, and a value above it is not that of the exact count.
    exact = [len({e.payload["cents"] for e in events if e.payload["card"] == "card-0"})]
    at_end = frame.bits[:, catalog.names.index("distinct_cents_0_0")].max()
    assert 0.8 * exact[0] < at_end < 1.2 * exact[0]


@pytest.mark.parametrize("seed", [3, 4])
def test_rows_swept_together_or_in_pieces_give_what_the_oracle_says(seed: int) -> None:
    features, events = _features(), _events(seed, 620)
    catalog = Catalog(request=PAID, contracts=CONTRACTS, features=features)
    # Some cards ask nothing, so that rows in between are left out.
    silent = {f"card-{number}" for number in range(2, 70, 7)}
    frame = backfill(catalog, events, wanted=lambda event: event.payload["card"] not in silent)
    by_card: dict[object, list[Event]] = {}
    for event in events:
        by_card.setdefault(event.payload["card"], []).append(event)
    by_id = {event.id: event for event in events}
    assert sorted(map(len, by_card.values()))[-2] > 100
    assert len(frame) > 500
    for row, event_id in enumerate(frame.event_ids):
        request = by_id[str(event_id)]
        ours = by_card[request.payload["card"]]
        for place, (feature, kind) in enumerate(zip(features, catalog.kinds, strict=True)):
            expected = oracle.bits(oracle.value(feature, ours, request), kind)
            found = int(frame.bits[row, place]), int(frame.known[row, place])
            assert found == expected, (feature.name, request)
