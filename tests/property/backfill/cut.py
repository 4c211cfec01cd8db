"""A backfill in many small parts, whatever the memory: what the tests of its seams need."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay.adapters.parquet.arrow import AT, bits_of
from assay.adapters.parquet.folder import JournalFile
from assay.adapters.parquet.stages import ParquetStages
from assay.contracts.contract import ContractSet
from assay.contracts.event import Event
from assay.contracts.reserved import EVENT_ID
from assay.features.catalog import Catalog
from assay.features.frame import Frame
from assay.runtime.backfill import Report, run_backfill
from assay.runtime.backfill_job import Shape, job_digest


class CutStages(ParquetStages):
    """Cut at given times, into so many buckets and pieces of so many rows."""

    cut = Shape((), 1, 1 << 20)

    def shape(self) -> Shape:
        """As the test says."""
        return self.cut


def table_of(events: list[Event], names: tuple[str, ...] = ()) -> Any:
    """Events of any types as one table; a column a field that occurs, or that is named."""
    fields = {name: None for event in events for name in event.payload} | dict.fromkeys(names)
    columns: dict[str, list[Any]] = {
        "id": [event.id for event in events],
        "type": [event.type for event in events],
        "ts": [event.ts for event in events],
    }
    for name in sorted(fields):
        columns[name] = [event.payload.get(name) for event in events]
    return pa.table(columns)


def backfilled(
    given: Path,
    out: Path,
    catalog: Catalog,
    contracts: ContractSet,
    shape: Shape,
    *,
    workers: int = 1,
) -> Report:
    """Run a backfill cut in that shape."""
    stages = CutStages(given, out, catalog, contracts, memory=1 << 30)
    stages.cut = shape
    journal = JournalFile(out / ".work" / "journal.jsonl")
    return run_backfill(
        catalog,
        stages,
        journal,
        lambda sources: job_digest(catalog, "", sources),
        workers=workers,
    )


def differences(out: Path, frame: Frame) -> list[str]:
    """Columns of an output folder that are not, bit for bit, those of a frame."""
    parts = sorted(out.glob("part-*.parquet"))
    if not parts:
        return [] if len(frame) == 0 else ["everything"]
    table = pa.concat_tables([pq.read_table(part) for part in parts])
    found = []
    if table[EVENT_ID].to_pylist() != list(frame.event_ids):
        found.append(EVENT_ID)
    if table[AT].cast(pa.int64()).to_pylist() != frame.at.tolist():
        found.append(AT)
    for place, name in enumerate(frame.names):
        bits, known = bits_of(table[name].combine_chunks())
        same = np.array_equal(bits, frame.bits[:, place])
        if not (same and np.array_equal(known, frame.known[:, place])):
            found.append(name)
    return found
