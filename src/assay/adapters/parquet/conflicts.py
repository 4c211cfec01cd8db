"""Where stood the events whose id was given before with another content, and what did they say?

What lies between the steps has no rows and only the columns that are read, so the few parts of the
input that hold such an event are read once more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.adapters.parquet.check import by_type, row_as_event
from assay.adapters.parquet.source import InputFile, Unit
from assay.contracts.contract import ContractSet
from assay.contracts.decode import check_event
from assay.contracts.violation import ContractViolation

Facts = dict[str, Any]


class Conflict(NamedTuple):
    """The ``nth`` (from 0) sound event of its type and id in a unit of the input."""

    unit: int
    event_type: str
    id: str
    nth: int


def told(
    conflicts: Iterable[Conflict],
    units: Sequence[Unit],
    files: Sequence[InputFile],
    contracts: ContractSet,
) -> Iterator[Facts]:
    """A line of the quarantine for each, in the order of the input."""
    wanted: dict[int, set[Conflict]] = {}
    for conflict in conflicts:
        wanted.setdefault(conflict.unit, set()).add(conflict)
    for number in sorted(wanted):
        unit = units[number]
        yield from _of_unit(number, unit, files[unit.file], wanted[number], contracts)


def _of_unit(
    number: int, unit: Unit, file: InputFile, wanted: set[Conflict], contracts: ContractSet
) -> Iterator[Facts]:
    ids = pa.array(sorted({conflict.id for conflict in wanted}), pa.string())
    seen: Counter[tuple[str, str]] = Counter()
    row = unit.first_row
    for batch in file.batches(unit.groups):
        for event_type, rows, places in by_type(batch, file.only_type):
            held = pc.is_in(rows.column("id"), value_set=ids).to_numpy(zero_copy_only=False)
            for at in np.flatnonzero(held).tolist():
                event = row_as_event(rows, event_type, at)
                try:
                    check_event(event, contracts)
                except ContractViolation:
                    continue  # refused for that, when it was first read
                nth = seen[event.type, event.id]
                seen[event.type, event.id] += 1
                if Conflict(number, event.type, event.id, nth) in wanted:
                    yield {
                        "file": file.name,
                        "row": row + int(places[at]),
                        "code": "conflict",
                        "path": "$.id",
                        "message": f"$.id: {event.id} was given before with another content",
                        "event": {
                            "id": event.id,
                            "type": event.type,
                            "ts": event.ts,
                            "data": event.payload,
                        },
                    }
        row += batch.num_rows
