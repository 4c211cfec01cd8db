"""Which events does the scale run read? Chunks of a million, each made from its number alone."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assay.adapters.parquet.slots import committed
from assay.bench.features_world import PAID, WINDOWS
from assay.contracts.contract import ContractSet
from assay.core.time import DAY, MINUTE, TIME_MIN
from assay.features.catalog import Catalog
from assay.features.definition import Aggregate, Feature

CONTRACTS = ContractSet([PAID])
CHUNK = 1_000_000
#: A chunk overlaps the next by this, so that no file is in order with its neighbours.
_OVERLAP = 10 * MINUTE
_SPAN = 30 * DAY
_ASKED: tuple[tuple[str, Aggregate, str], ...] = (
    ("card", "count", "cents"),
    ("card", "sum", "cents"),
    ("card", "mean", "cents"),
    ("card", "max", "cents"),
    ("card", "distinct", "shop"),
    ("shop", "count", "cents"),
    ("shop", "sum", "cents"),
)


def catalog() -> Catalog:
    """Seven aggregates over three windows: five of a card, two of a shop."""
    features = [
        Feature(
            name=f"{key}_{aggregate}_{window // MINUTE}m",
            source="paid",
            key=(key,),
            aggregate=aggregate,
            of=of,
            window=window,
        )
        for window in WINDOWS
        for key, aggregate, of in _ASKED
    ]
    return Catalog(request=PAID, contracts=CONTRACTS, features=features)


def write_chunks(folder: Path, events: int, seed: int) -> None:
    """Write the chunks that are not there yet; those that are there stay as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(-(-events // CHUNK)):
        path = folder / f"{number:05}.parquet"
        if not path.exists():
            with committed(path) as aside:
                count = min(CHUNK, events - number * CHUNK)
                table = _chunk(number, count, events, seed)
                pq.write_table(table, aside, compression="zstd", compression_level=1)


def part_of(whole: Path, folder: Path, events: int) -> Path:
    """The first chunks of a larger input, as a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(events // CHUNK):
        name = f"{number:05}.parquet"
        if not (folder / name).exists():
            os.link(whole / name, folder / name)
    return folder


def _chunk(number: int, count: int, events: int, seed: int) -> pa.Table:
    rng = np.random.default_rng([seed, number])
    stretch = _SPAN * CHUNK // max(events, CHUNK)
    first = TIME_MIN + number * stretch
    ts = first + np.sort(rng.integers(0, stretch + _OVERLAP, count))
    cards = max(50_000, events // 100)
    return pa.table(
        {
            "id": _named("e", number * CHUNK + np.arange(count)),
            "ts": ts,
            "card": _named("card-", _drawn(rng, cards, count)),
            "user": _named("user-", rng.integers(0, cards // 2, count)),
            "device": _named("device-", rng.integers(0, cards // 2, count)),
            "shop": _named("shop-", _drawn(rng, cards // 10, count)),
            "cents": rng.integers(100, 100_000, count),
        }
    )


def _drawn(rng: np.random.Generator, kinds: int, count: int) -> NDArray[np.int64]:
    """Entities of which the busiest has about half a percent of the events."""
    weights = 1 / (np.arange(kinds) + 20.0)
    edges = np.cumsum(weights / weights.sum())
    drawn = np.searchsorted(edges, rng.random(count))
    return np.minimum(drawn, kinds - 1).astype(np.int64)


def _named(prefix: str, numbers: NDArray[np.int64]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.cast(pa.array(numbers), pa.string()), "")
