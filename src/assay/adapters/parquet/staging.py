"""How does the input become checked events, each in its range of time?"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import payload_types, whole
from assay.adapters.parquet.check import (
    Refused,
    accepted,
    body,
    by_type,
    refused_rows,
    row_as_event,
)
from assay.adapters.parquet.folder import Folder
from assay.adapters.parquet.hashes import row_hashes
from assay.adapters.parquet.retracted import NOBODY, Retracted
from assay.adapters.parquet.slots import committed, write_slots
from assay.adapters.parquet.source import InputFile, Unit
from assay.contracts.contract import ContractSet
from assay.contracts.decode import check_event
from assay.contracts.retraction import RETRACTION_TYPE
from assay.contracts.violation import ContractViolation
from assay.runtime.backfill_job import Shape

Facts = dict[str, Any]
_PLACE_BITS = 32


class Staging:
    """Reads units of the input.

    Args:
        folder: where pieces go.
        contracts: the event types that may come.
        fields: the payload fields that are kept, by the event types that are read.
        shape: the ranges, and how many buckets hashes of ids go to.
        retracted: who was taken back, and which retractions are refused.
    """

    def __init__(
        self,
        folder: Folder,
        contracts: ContractSet,
        fields: Mapping[str, Sequence[str]],
        shape: Shape,
        retracted: Retracted = NOBODY,
    ) -> None:
        self._folder, self._contracts, self._fields, self._shape = folder, contracts, fields, shape
        self._edges = np.array(shape.edges, np.int64)
        self._retracted = retracted

    def read(self, number: int, unit: Unit, file: InputFile) -> Facts:
        """One step: the pieces it made by event type, and how many rows it did not take."""
        pending: dict[str, _Pending] = {}
        pieces: dict[str, int] = {}
        counts = {"refused": 0, "unused": 0, "retracted": 0}
        refused = self._folder.refused(f"read-{number:05}")
        row = unit.first_row
        with committed(refused) as aside, aside.open("w", encoding="ascii") as quarantine:
            for batch in file.batches(unit.groups):
                for event_type, rows, places in by_type(batch, file.only_type):
                    bad = self._bad(event_type, rows)
                    if event_type == RETRACTION_TYPE:
                        bad += self._retracted.refused(rows, file.name, row + places)
                    for item in bad:
                        place = row + int(places[item.row])
                        quarantine.write(json.dumps(_line(item, file.name, place)) + "\n")
                    counts["refused"] += len(bad)
                    self._take(event_type, rows, bad, pending, counts)
                row += batch.num_rows
                for event_type, held in pending.items():
                    if held.rows >= self._shape.rows_at_once:
                        self._flush(number, event_type, held, pieces)
            for event_type, held in pending.items():
                self._flush(number, event_type, held, pieces)
        if not counts["refused"]:
            refused.unlink()
        return {"pieces": pieces, **counts}

    def schema(self, event_type: str) -> Any:
        """The columns of a staged event."""
        contract = self._contracts.get(event_type)
        head = [pa.field("id", pa.string()), pa.field("ts", pa.int64())]
        return pa.schema([*head, *payload_types(contract, self._fields[event_type])])

    def _bad(self, event_type: str | None, rows: Any) -> list[Refused]:
        known = {contract.type for contract in self._contracts}
        if event_type in known and event_type is not None:
            return refused_rows(rows, self._contracts.get(event_type), self._contracts)
        found = []
        for place in range(rows.num_rows):
            event = row_as_event(rows, event_type, place)
            try:
                check_event(event, self._contracts)
            except ContractViolation as error:
                shown = {"id": event.id, "type": event_type, "ts": event.ts, "data": event.payload}
                found.append(Refused(place, error.code, error.path, str(error), shown))
        return found

    def _take(
        self,
        event_type: str | None,
        rows: Any,
        bad: list[Refused],
        pending: dict[str, "_Pending"],
        counts: dict[str, int],
    ) -> None:
        good = np.ones(rows.num_rows, np.bool_)
        good[[item.row for item in bad]] = False
        if event_type is None or event_type not in self._fields:
            counts["unused"] += int(good.sum())
            return
        if self._retracted.events is not None:
            gone = pc.is_in(rows.column("id"), value_set=self._retracted.events)
            gone = gone.to_numpy(zero_copy_only=False) & good
            counts["retracted"] += int(gone.sum())
            good &= ~gone
        if not good.all():
            rows = rows.filter(pa.array(good))
        contract = self._contracts.get(event_type)
        rows = accepted(rows, contract)
        bodies = row_hashes(body(rows, contract), rows.num_rows)
        held = pending.setdefault(event_type, _Pending())
        held.add(_selected(rows, self.schema(event_type)), bodies)

    def _flush(
        self, number: int, event_type: str, held: "_Pending", pieces: dict[str, int]
    ) -> None:
        if not held.rows:
            return
        table, bodies = held.taken()
        ranges = np.searchsorted(self._edges, whole(table["ts"]), "right").astype(np.int64)
        order = np.argsort(ranges, kind="stable")
        ranges = ranges[order]
        table = table.take(pa.array(order)).combine_chunks()
        piece = f"{number:05}-{pieces.get(event_type, 0):03}-{event_type}"
        write_slots(self._folder.staged(piece), table, ranges, self._shape.ranges)
        pieces[event_type] = pieces.get(event_type, 0) + 1
        first = np.searchsorted(ranges, np.arange(self._shape.ranges))
        places = ranges << _PLACE_BITS | (np.arange(len(ranges)) - first[ranges])
        self._write_ids(piece, table, bodies[order], order, places)

    def _write_ids(
        self,
        piece: str,
        table: Any,
        bodies: NDArray[np.uint64],
        order: NDArray[np.intp],
        places: NDArray[np.int64],
    ) -> None:
        """For each event: hash of its id, hash of its body, place in the piece, place in the input.

        By the hash of the id, so that the same id comes to the same slot from every piece.
        """
        ids = table["id"].combine_chunks() if table.num_rows else pa.array([], pa.string())
        ids = ids.chunk(0) if isinstance(ids, pa.ChunkedArray) else ids
        hashes = row_hashes([ids], table.num_rows)
        slots = ((hashes >> np.uint64(16)) % np.uint64(self._shape.buckets)).astype(np.int64)
        columns = {"id": hashes, "body": bodies, "place": places, "input": order.astype(np.int64)}
        write_slots(self._folder.ids(piece), pa.table(columns), slots, self._shape.buckets)


class _Pending:
    """Rows of one event type that wait to be written together."""

    def __init__(self) -> None:
        self._clear()

    def add(self, rows: Any, bodies: NDArray[np.uint64]) -> None:
        self.rows += rows.num_rows
        self._tables.append(rows)
        self._bodies.append(bodies)

    def taken(self) -> tuple[Any, NDArray[np.uint64]]:
        """Everything, after which nothing waits."""
        table, bodies = pa.concat_tables(self._tables), np.concatenate(self._bodies)
        self._clear()
        return table, bodies

    def _clear(self) -> None:
        self.rows = 0
        self._tables: list[Any] = []
        self._bodies: list[NDArray[np.uint64]] = []


def _selected(rows: Any, schema: Any) -> Any:
    """The columns that are kept, those that are not there as unknown."""
    columns = []
    for field in schema:
        at = rows.schema.get_field_index(field.name)
        found = rows.column(at) if at >= 0 else pa.nulls(rows.num_rows, field.type)
        columns.append(found)
    return pa.table(columns, schema=schema)


def _line(item: Refused, file: str, row: int) -> Facts:
    return {
        "file": file,
        "row": row,
        "code": item.code,
        "path": item.path,
        "message": item.message,
        "event": item.event,
    }
