"""However a history is cut into files, ranges and buckets, a backfill gives the same bits."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.backfill.cut import backfilled, differences, table_of
from tests.property.features.worlds import CONTRACTS, FEATURES, PAID, START, TICKS, histories

from assay.contracts.event import Event
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.definition import Combined, Derived, Feature
from assay.features.state import FeatureState
from assay.runtime.backfill_job import Shape

ADDED = [
    Feature(
        name=f"card_named_like_my_shop_{window}",
        source="paid",
        key=("card",),
        request_key=("shop",),
        aggregate="count",
        window=window,
    )
    for window in (7, 0)
]
#: A sample of the small world, and look-ups that ask for another key than their own.
CATALOG = Catalog(
    request=PAID,
    contracts=CONTRACTS,
    features=[
        *dict.fromkeys([*FEATURES[::13], *(f for f in FEATURES if f.source == "login")]),
        *ADDED,
    ],
    combined=[
        Combined(name="card_difference", how="difference", of=(ADDED[0].name, ADDED[1].name)),
        Combined(name="card_ratio", how="ratio", of=(ADDED[1].name, ADDED[0].name)),
    ],
    derived=[
        Derived(
            name="twice",
            inputs=("cents", FEATURES[13].name),
            kind="int",
            version="1",
            function=lambda at: None if at["cents"] is None else 2 * at["cents"],
        )
    ],
)

shapes = st.builds(
    Shape,
    edges=st.lists(st.integers(START, START + TICKS), unique=True, max_size=4)
    .map(sorted)
    .map(tuple),
    buckets=st.integers(1, 4),
    rows_at_once=st.integers(1, 50),
)


def renamed(history: list[Event]) -> list[Event]:
    """Shops that carry the names of cards, so that asking for another key finds somebody."""
    names = {"a": "x", "b": "y"}
    return [
        Event(e.id, e.type, e.ts, {**e.payload, "shop": names.get(e.payload["shop"])})
        if e.type == "paid"
        else e
        for e in history
    ]


@settings(deadline=None, max_examples=20)
@given(history=histories().map(renamed), shape=shapes, files=st.integers(1, 3), data=st.data())
def test_no_cut_changes_a_bit(
    history: list[Event], shape: Shape, files: int, data: st.DataObject
) -> None:
    """Against the bulk in memory, and a live state; duplicates and retractions among them."""
    again = data.draw(st.lists(st.sampled_from(history), max_size=3) if history else st.just([]))
    gone = data.draw(st.sets(st.sampled_from([event.id for event in history] or ["none"])))
    back = [Event(f"back-{name}", "retraction", START, {"event": name}) for name in sorted(gone)]
    given_events = data.draw(st.permutations([*history, *again, *back]))
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in", Path(folder) / "out"
        source.mkdir()
        for number in range(files):
            chunk = given_events[number::files]
            table = table_of(chunk, ("card", "shop", "who", "event"))
            pq.write_table(table.cast(_typed(table)), source / f"{number}.parquet")
        workers = data.draw(st.sampled_from([1, 3]))
        report = backfilled(source, out, CATALOG, CONTRACTS, shape, workers=workers)
        frame = backfill(CATALOG, history, retracted=gone)
        assert differences(out, frame) == []
        assert report.refused == 0
        kept = [event for event in again if event.id not in gone]
        assert report.duplicates == len(kept)
    left = [event for event in history if event.id not in gone]
    state = FeatureState(CATALOG)
    state.apply_all(left)
    asked = sorted((e for e in left if e.type == "paid"), key=lambda e: (e.ts, e.id))
    for row, request in enumerate(asked):
        assert state.read(request)[0].digest == frame.vector(row).digest


def _typed(table: Any) -> Any:
    """Columns that happen to be all null still have the type of their contract."""
    kinds: dict[str, object] = {"cents": pa.int64(), "fails": pa.int64(), "ts": pa.int64()}
    kinds |= {"risk": pa.float64(), "present": pa.bool_()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in table.schema.names])
