"""The stages of a backfill over Parquet files: see the port in ``assay.runtime.backfill``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import bits_column, moments
from assay.adapters.parquet.conflicts import told
from assay.adapters.parquet.deal import dealt_events, dealt_requests, dealt_rows
from assay.adapters.parquet.folder import Folder
from assay.adapters.parquet.order import ordered
from assay.adapters.parquet.output import join_range
from assay.adapters.parquet.retracted import retracted_of
from assay.adapters.parquet.same import Drops, find_same, read_drops
from assay.adapters.parquet.slots import read_slot, read_slots, write_slots
from assay.adapters.parquet.source import InputFile, Unit, input_files
from assay.adapters.parquet.staging import Staging
from assay.contracts.contract import ContractSet
from assay.contracts.retraction import with_retractions
from assay.core.errors import Invalid
from assay.features.backfill import fields_read
from assay.features.catalog import Catalog
from assay.runtime.backfill_job import (
    Filled,
    Lookup,
    Rows,
    Shape,
    Source,
    lookups_of,
    shape_for,
)

Facts = dict[str, Any]
Ints = NDArray[np.int64]
_SAMPLE = 1 << 20
_COLUMN_BYTES = 12.0


class ParquetStages:
    """Reads Parquet, keeps batches between the steps, writes Parquet.

    Args:
        given: a Parquet file, or a folder that holds some.
        out: the folder that is filled.
        catalog: what is computed.
        contracts: every event type that may come; others are refused row by row.
        memory: bytes that the process may use.
        workers: steps that will be done at a time.
        only_type: of the events in files without a column ``type``.
        ignored: columns that are no field of any contract; any other such column is refused.

    Raises:
        NotFound: there is no Parquet file.
        Invalid: a file is not Parquet, or its columns are not those of the contracts.
    """

    def __init__(
        self,
        given: Path,
        out: Path,
        catalog: Catalog,
        contracts: ContractSet,
        *,
        memory: int,
        workers: int = 1,
        only_type: str = "",
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        contracts = with_retractions(contracts)
        self._catalog, self._contracts = catalog, contracts
        self._memory, self._workers = memory, workers
        self._folder, self._only = Folder(out), only_type or catalog.request.type
        self._files: list[InputFile] = input_files(given, contracts, self._only, ignored)
        self._lookups, self._fields = lookups_of(catalog), fields_read(catalog)
        self._units: list[Unit] = []
        self._done: Mapping[str, Facts] = {}
        self._drops: Drops | None = None
        self._first: list[int] = []
        reserved = {"event_id"} & set(catalog.names)
        if reserved:
            raise Invalid("a value named 'event_id' has no place beside the output's own column")

    def sources(self) -> tuple[Source, ...]:
        """See the port."""
        return tuple(Source(file.name, file.digest, file.rows) for file in self._files)

    def shape(self) -> Shape:
        """See the port."""
        rows = sum(file.rows for file in self._files)
        raw = sum(file.bytes_raw for file in self._files)
        step = max(1, rows // _SAMPLE)
        batches = (
            batch.column(0)
            for file in self._files
            for batch in file.batches(file.all_groups, only=("ts",))
        )
        sample = [np.zeros(0, np.int64), *(moments(ts)[::step] for ts in batches)]
        times = np.sort(np.concatenate(sample))
        # Texts that repeat are stored once in a file, and once a row in memory.
        columns = max(len(file.columns) for file in self._files)
        width = max(_COLUMN_BYTES * columns, raw / max(rows, 1))
        memory, workers = self._memory, self._workers
        return shape_for(self._catalog, rows, width, times, memory=memory, workers=workers)

    def begin(self, shape: Shape, done: Mapping[str, Facts]) -> int:
        """See the port; ``done`` grows while the job runs."""
        self._shape, self._done = shape, done
        self._folder.create(len(self._lookups))
        retracted = retracted_of(self._files, self._contracts)
        self._staging = Staging(self._folder, self._contracts, self._fields, shape, retracted)
        self._units = [
            unit
            for at, file in enumerate(self._files)
            for unit in file.units(at, shape.rows_at_once)
        ]
        return len(self._units)

    def finished(self) -> Facts | None:
        """See the port."""
        return self._folder.finished()

    def read(self, unit: int) -> Facts:
        """See the port."""
        chosen = self._units[unit]
        return self._staging.read(unit, chosen, self._files[chosen.file])

    def same(self) -> Facts:
        """See the port."""
        return find_same(
            self._folder,
            self._pieces(),
            self._shape.buckets,
            lambda found: told(found, self._units, self._files, self._contracts),
        )

    def order(self, at: int) -> Facts:
        """See the port."""
        if self._drops is None:
            self._drops = read_drops(self._folder)
        first = sum(self._done[f"order-{before}"]["events"] for before in range(at))
        tables = {}
        for event_type in self._fields:
            found = [self._kept(piece, at) for piece in self._pieces(event_type)]
            schema = self._staging.schema(event_type)
            tables[event_type] = pa.Table.from_batches(found, schema=schema)
        ranked = ordered(tables, first)
        for lookup in self._lookups:
            self._deal(lookup, ranked, at)
        requests = ranked[self._catalog.request.type]
        names = ["ordinal", "id", "ts", *self._catalog.request_fields]
        slots = np.zeros(requests.num_rows, np.int64)
        write_slots(self._folder.asked(at), requests.select(names), slots, 1)
        return {"events": sum(table.num_rows for table in ranked.values())}

    def rows(self, lookup: Lookup, bucket: int) -> Rows:
        """See the port."""
        read = {}
        for what in ("events",) if lookup.own else ("events", "requests"):
            files = [self._folder.rows(lookup.number, at, what) for at in range(self._shape.ranges)]
            read[what] = read_slots(files, bucket)
        return dealt_rows(lookup, read["events"], read.get("requests"))

    def keep(self, lookup: Lookup, bucket: int, filled: Filled) -> None:
        """See the port."""
        edges = np.array(self._firsts()[1:], np.int64)
        ranges = np.searchsorted(edges, filled.ordinals, "right").astype(np.int64)
        columns = {"ordinal": pa.array(filled.ordinals)}
        for at, place in enumerate(lookup.places):
            columns[str(place)] = bits_column(filled.bits[:, at], filled.known[:, at])
        path = self._folder.filled(lookup.number, bucket)
        write_slots(path, pa.table(columns), ranges, self._shape.ranges)

    def spend(self, what: str) -> None:
        """See the port."""
        self._folder.spend(what)

    def join(self, at: int) -> Facts:
        """See the port."""
        asked = read_slot(self._folder.asked(at), 0)
        filled = (
            read_slot(self._folder.filled(lookup.number, bucket), at)
            for lookup in self._lookups
            for bucket in range(self._shape.buckets)
        )
        return join_range(self._catalog, asked, filled, self._folder.part(at))

    def finish(self, manifest: Facts) -> None:
        """See the port."""
        steps = [f"read-{at:05}" for at in range(len(self._units))]
        refused = [self._folder.refused(step) for step in (*steps, "same")]
        self._folder.finish(manifest, [path for path in refused if path.exists()])

    def _pieces(self, event_type: str | None = None) -> list[str]:
        """The names of the staged pieces, of one event type or of all."""
        return [
            f"{unit:05}-{piece:03}-{found}"
            for unit in range(len(self._units))
            for found, count in self._done[f"read-{unit}"]["pieces"].items()
            for piece in range(count)
            if event_type in (None, found)
        ]

    def _kept(self, piece: str, at: int) -> Any:
        batch = read_slot(self._folder.staged(piece), at)
        drops = (self._drops or {}).get(piece, {}).get(at)
        if not drops:
            return batch
        kept = np.ones(batch.num_rows, np.bool_)
        kept[drops] = False
        return batch.filter(pa.array(kept))

    def _firsts(self) -> list[int]:
        """The first ordinal of every range."""
        if not self._first:
            counts = [self._done[f"order-{at}"]["events"] for at in range(self._shape.ranges)]
            self._first = np.cumsum([0, *counts])[:-1].tolist()
        return self._first

    def _deal(self, lookup: Lookup, ranked: dict[str, Any], at: int) -> None:
        """Give each event and request of a range to the bucket of its key."""
        count = self._shape.buckets
        rows, slots = dealt_events(lookup, ranked[lookup.source], count)
        write_slots(self._folder.rows(lookup.number, at, "events"), rows, slots, count)
        if not lookup.own:
            requests = ranked[self._catalog.request.type]
            rows, slots = dealt_requests(lookup, requests, count)
            write_slots(self._folder.rows(lookup.number, at, "requests"), rows, slots, count)
