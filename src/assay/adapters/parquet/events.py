"""How do events become Parquet files that a backfill reads? One file an event type and chunk."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.adapters.parquet.arrow import payload_types
from assay.adapters.parquet.slots import committed
from assay.contracts.contract import ContractSet
from assay.contracts.event import Event

_CHUNK = 100_000


def write_events(
    folder: Path, events: Iterable[Event], contracts: ContractSet, *, chunk: int = _CHUNK
) -> Iterator[int]:
    """Write events of any types, ``chunk`` at a time; yields how many each time.

    Raises:
        Unavailable: the disk is full or broken.
        Unknown: an event of a type without a contract.
    """
    stream = iter(events)
    number = 0
    while held := list(islice(stream, chunk)):
        by_type: dict[str, list[Event]] = {}
        for event in held:
            by_type.setdefault(event.type, []).append(event)
        for event_type, chosen in by_type.items():
            with committed(folder / f"{number:06}-{event_type}.parquet") as aside:
                pq.write_table(_table(event_type, chosen, contracts), aside, compression="zstd")
        number += 1
        yield len(held)


def _table(event_type: str, events: list[Event], contracts: ContractSet) -> object:
    contract = contracts.get(event_type)
    fields = payload_types(contract, list(contract.by_name))
    columns = [
        pa.array([event.id for event in events], pa.string()),
        pa.array([event_type] * len(events), pa.string()),
        pa.array([event.ts for event in events], pa.int64()),
        *(pa.array([e.payload.get(field.name) for e in events], field.type) for field in fields),
    ]
    return pa.table(columns, names=["id", "type", "ts", *(field.name for field in fields)])
