"""What runs on a Spark worker? Plain values and their methods; the package is installed there.

None of this knows Spark; each takes Arrow and gives Arrow.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import columns_of_table, payload_types, whole
from assay.adapters.parquet.check import by_type, refused_rows, row_as_event
from assay.adapters.parquet.deal import dealt_events, dealt_requests, dealt_rows
from assay.adapters.parquet.hashes import row_hashes
from assay.adapters.parquet.order import ordered
from assay.adapters.parquet.output import output_table
from assay.adapters.parquet.source import cast_batch
from assay.contracts.contract import ContractSet
from assay.contracts.decode import check_event
from assay.contracts.violation import ContractViolation
from assay.features.catalog import Catalog
from assay.runtime.backfill_finish import finish
from assay.runtime.backfill_job import Lookup, fill

#: In place of a look-up's number: the row is the request itself.
REQUEST = -1


class Reader(msgspec.Struct, frozen=True):
    """What every worker knows of the input: contracts, columns, and who was taken back."""

    contracts: ContractSet
    columns: dict[str, str]
    only_type: str
    kept: tuple[str, ...]
    retracted: frozenset[str] = frozenset()

    def types(self) -> dict[str, Any]:
        """The Arrow type each column is read as."""
        return {name: pa.type_for_alias(kind) for name, kind in self.columns.items()}

    def good_types(self) -> dict[str, Any]:
        """Those of the rows of `good`, in their order."""
        kinds = self.types()
        return {name: kinds[name] for name in kinds if name != "type"} | {"type": pa.string()}

    def good(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Rows that keep their contract, were not taken back, and are of a kept type."""
        for batch in batches:
            for event_type, rows, bad in self.judged(batch):
                if event_type not in self.kept:
                    continue
                left = np.ones(rows.num_rows, np.bool_)
                left[list(bad)] = False
                if self.retracted:
                    gone = pc.is_in(rows.column("id"), value_set=pa.array(sorted(self.retracted)))
                    left &= ~gone.to_numpy(zero_copy_only=False)
                kind = pa.array([event_type] * rows.num_rows, pa.string())
                names = [name for name in self.columns if name != "type"]
                made = pa.record_batch(
                    [*(rows.column(name) for name in names), kind], [*names, "type"]
                )
                # What did not fit stood as it came until its rows were refused.
                yield cast_batch(made.filter(pa.array(left)), self.good_types())

    def refused(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Rows that break their contract, with the reason."""
        for batch in batches:
            lines = [
                {"type": event_type, "reason": why, "event": shown}
                for event_type, _, bad in self.judged(batch)
                for why, shown in bad.values()
            ]
            schema = pa.schema([(name, pa.string()) for name in ("type", "reason", "event")])
            yield pa.RecordBatch.from_pylist(lines, schema=schema)

    def judged(self, batch: Any) -> Iterator[tuple[str | None, Any, dict[int, tuple[str, str]]]]:
        """The rows of each event type, and which of them are refused and why."""
        batch = cast_batch(batch, self.types())
        known = {contract.type for contract in self.contracts}
        for event_type, rows, _ in by_type(batch, self.only_type):
            if event_type in known and event_type is not None:
                found = refused_rows(rows, self.contracts.get(event_type), self.contracts)
                bad = {
                    item.row: (
                        item.message,
                        msgspec.json.encode(item.event).decode(errors="replace"),
                    )
                    for item in found
                }
            else:
                bad = {
                    row: (self._why(rows, event_type, row), str(rows.column("id")[row]))
                    for row in range(rows.num_rows)
                }
            yield event_type, rows, bad

    def _why(self, rows: Any, event_type: str | None, row: int) -> str:
        try:
            check_event(row_as_event(rows, event_type, row), self.contracts)
        except ContractViolation as error:
            return str(error)
        raise AssertionError(event_type)  # only types without a contract come here


class Dealer(msgspec.Struct, frozen=True):
    """Gives good rows to the buckets of a look-up: as events, or as requests of another type."""

    lookup: Lookup
    buckets: int
    requests: bool

    def deal(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Rows with their bucket; those that belong to nobody are left out."""
        wanted = self.lookup.catalog.request.type if self.requests else self.lookup.source
        for batch in batches:
            here = pa.Table.from_batches([batch.filter(pc.equal(batch.column("type"), wanted))])
            deal = dealt_requests if self.requests else dealt_events
            rows, slots = deal(self.lookup, here, self.buckets)
            rows = rows.append_column("bucket", pa.array(slots.astype(np.int32)))
            yield from rows.filter(pa.array(slots >= 0)).to_batches()


class Filler(msgspec.Struct, frozen=True):
    """Fills one bucket of a look-up by the kernel."""

    lookup: Lookup
    slices: int

    def own(self, events: Any) -> Any:
        """Where requests are events themselves."""
        return self.other(events, None)

    def other(self, events: Any, requests: Any) -> Any:
        """Id, T and values of each request, as bytes; see `partial_fields`."""
        given = {"events": events} if self.lookup.own else {"events": events, "requests": requests}
        ranked = ordered(given, 0)
        rows = dealt_rows(self.lookup, ranked["events"], ranked.get("requests"))
        filled = fill(self.lookup, rows)
        asking = ranked["events" if self.lookup.own else "requests"]
        places = np.searchsorted(whole(asking["ordinal"]), filled.ordinals)
        asking = asking.take(pa.array(places))
        ids = asking["id"].combine_chunks()
        ids = ids.chunk(0) if isinstance(ids, pa.ChunkedArray) else ids
        count = len(places)
        bits = np.ascontiguousarray(filled.bits.astype("<i8"))
        return pa.table(
            {
                "slice": _slices(ids, self.slices),
                "id": ids,
                "ts": asking["ts"],
                "lookup": pa.array(np.full(count, self.lookup.number, np.int32)),
                "bits": _bytes(bits, count),
                "known": _bytes(np.ascontiguousarray(filled.known), count),
            }
        )


class Asker(msgspec.Struct, frozen=True):
    """The requests themselves, with the fields that derived values need."""

    catalog: Catalog
    slices: int

    def asked(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Id, T and fields, and in which slice the request's values come together."""
        names = self.catalog.request_fields
        for batch in batches:
            here = batch.filter(pc.equal(batch.column("type"), self.catalog.request.type))
            count = here.num_rows
            none = pa.nulls(count, pa.binary())
            head = {
                "slice": _slices(here.column("id"), self.slices),
                "id": here.column("id"),
                "ts": here.column("ts"),
                "lookup": pa.array(np.full(count, REQUEST, np.int32)),
                "bits": none,
                "known": none,
            }
            yield pa.RecordBatch.from_pydict(head | {name: here.column(name) for name in names})


class Joiner(msgspec.Struct, frozen=True):
    """Brings the look-ups of a slice of requests together, and derives what is derived."""

    catalog: Catalog
    lookups: tuple[Lookup, ...]

    def slice(self, rows: Any) -> Any:
        """The output of the slice, in (ts, event id) order."""
        kinds = whole(rows["lookup"])
        asked = ordered({"asked": rows.filter(pa.array(kinds == REQUEST))}, 0)["asked"]
        count = asked.num_rows
        bits = np.zeros((count, len(self.catalog)), np.int64)
        known = np.zeros((count, len(self.catalog)), np.uint8)
        for lookup in self.lookups:
            part = rows.filter(pa.array(kinds == lookup.number))
            at = pc.index_in(part["id"], value_set=asked["id"].combine_chunks())
            places, width = whole(at), len(lookup.places)
            here = np.ix_(places, np.array(lookup.places, np.int64))
            bits[here] = _array(part["bits"], "<i8", width)
            known[here] = _array(part["known"], "u1", width)
        names = self.catalog.request_fields
        finish(self.catalog, bits, known, columns_of_table(asked, whole(asked["ordinal"]), names))
        return output_table(self.catalog, asked["id"], asked["ts"], bits, known)


def partial_fields(catalog: Catalog) -> list[Any]:
    """The columns of values on their way from buckets to slices."""
    return [
        pa.field("slice", pa.int32()),
        pa.field("id", pa.string()),
        pa.field("ts", pa.int64()),
        pa.field("lookup", pa.int32()),
        pa.field("bits", pa.binary()),
        pa.field("known", pa.binary()),
        *payload_types(catalog.request, catalog.request_fields),
    ]


def _slices(ids: Any, slices: int) -> Any:
    hashes = row_hashes([ids], len(ids))
    return pa.array(((hashes >> np.uint64(16)) % np.uint64(slices)).astype(np.int32))


def _bytes(rows: NDArray[Any], count: int) -> Any:
    """Each row of an array as one binary value."""
    width = rows.shape[1] * rows.itemsize
    if count * width >= 2**31:
        raise OverflowError("a bucket holds more than 2 GiB of values: use more buckets")
    offsets = pa.py_buffer((np.arange(count + 1) * width).astype(np.int32))
    return pa.Array.from_buffers(pa.binary(), count, [None, offsets, pa.py_buffer(rows)])


def _array(column: Any, kind: str, width: int) -> NDArray[Any]:
    body = b"".join(column.to_pylist())
    return np.frombuffer(body, kind).reshape(-1, width)
