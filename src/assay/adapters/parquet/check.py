"""Which rows of a batch break their contract? The door's own check decides, on few suspects.

Whole columns are tested first, for anything that *may* be wrong; the rows so found go through
``check_event``, the check of live events, which gives the verdict and the reason. A row that is
accepted here is therefore one that would have been accepted at the door.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import arrow_type, text_buffers
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.decode import check_event
from assay.contracts.event import Event
from assay.contracts.violation import ContractViolation
from assay.core.ids import ID_LENGTH_MAX
from assay.core.money import MINOR_MAX
from assay.core.time import TIME_END, TIME_MIN

Mask = NDArray[np.bool_]
_FIRST, _LAST, _BLANK = 0x21, 0x7E, 0x20


class Refused(msgspec.Struct, frozen=True):
    """A row that was not taken: its place in the batch, what broke, and what it said."""

    row: int
    code: str
    path: str
    message: str
    event: dict[str, Any]


def refused_rows(batch: Any, contract: EventContract, contracts: ContractSet) -> list[Refused]:
    """The rows of a batch of one event type that break its contract.

    ``batch`` has the columns ``id``, ``ts`` and the payload fields of any types; those of another
    type than their field's are judged row by row.
    """
    suspects = np.flatnonzero(_suspects(batch, contract))
    found = []
    for row in suspects.tolist():
        event = row_as_event(batch, contract.type, row)
        try:
            check_event(event, contracts)
        except ContractViolation as error:
            shown = {"id": event.id, "type": event.type, "ts": event.ts, "data": event.payload}
            found.append(Refused(row, error.code, error.path, str(error), shown))
    return found


def accepted(rows: Any, contract: EventContract) -> Any:
    """Rows that were not refused, with the fields of their contract, each of its own type."""
    kinds = {"id": pa.string(), "ts": pa.int64()}
    kinds |= {field.name: arrow_type(field.kind) for field in contract.fields}
    names = [name for name in rows.schema.names if name in kinds]
    return pa.record_batch([rows.column(name).cast(kinds[name]) for name in names], names=names)


def row_as_event(batch: Any, event_type: str | None, row: int) -> Event:
    """One row as the event it describes, checked or not."""
    payload = {}
    for name in batch.schema.names:
        if name not in ("id", "ts", "type"):
            value = value_at(batch.column(name), row)
            if value is not None:
                payload[name] = value
    kind: Any = event_type  # a row without one is described as it is, and refused
    return Event(
        value_at(batch.column("id"), row), kind, value_at(batch.column("ts"), row), payload
    )


def by_type(batch: Any, only: str) -> Iterator[tuple[str | None, Any, NDArray[np.intp]]]:
    """The rows of each event type without the column ``type``, and their places in the batch.

    ``only`` is the type of all rows where there is no such column.
    """
    at = batch.schema.get_field_index("type")
    if at < 0:
        yield only, batch, np.arange(batch.num_rows)
        return
    types = batch.column(at).dictionary_encode()
    rows = pa.record_batch(
        [batch.column(i) for i in range(batch.num_columns) if i != at],
        names=[name for name in batch.schema.names if name != "type"],
    )
    codes = pc.fill_null(types.indices, -1).to_numpy(zero_copy_only=False)
    for code in np.unique(codes).tolist():
        places = np.flatnonzero(codes == code)
        name = None if code < 0 else value_at(types.dictionary, code)
        yield name, rows if len(places) == len(codes) else rows.take(pa.array(places)), places


def body(rows: Any, contract: EventContract) -> list[Any]:
    """Everything two accepted events of one id must share to be the same event."""
    count = rows.num_rows
    columns = [rows.column("ts"), pa.array([contract.type] * count, pa.string())]
    for field in contract.fields:
        at = rows.schema.get_field_index(field.name)
        kind = arrow_type(field.kind)
        columns.append(rows.column(at) if at >= 0 else pa.nulls(count, kind))
    return columns


def _suspects(batch: Any, contract: EventContract) -> Mask:
    count = batch.num_rows
    found: Mask = _text_suspects(batch.column("id"), ID_LENGTH_MAX, is_key=True)
    found |= _nulls(batch.column("id")) | _nulls(batch.column("ts"))
    if pa.types.is_decimal(batch.column("ts").type):  # a timestamp among them does not fit
        found[:] = True
    else:
        found |= _outside(batch.column("ts"), TIME_MIN, TIME_END - 1)
    ids, offsets = text_buffers(batch.column("id"))
    found |= np.diff(offsets) == 0 if len(ids) else np.ones(count, np.bool_)
    present = set(batch.schema.names)
    for name in present - {"id", "ts", "type"} - set(contract.by_name):
        found |= ~_nulls(batch.column(name))
    for field in contract.fields:
        if field.name in present:
            column = batch.column(field.name)
            if column.type != arrow_type(field.kind):  # the file speaks of another type's field
                found |= ~_nulls(column)
                continue
            found |= _field_suspects(column, field, is_key=field.name in contract.keys)
            if field.required:
                found |= _nulls(column)
        elif field.required:
            found[:] = True
    return found


def _field_suspects(column: Any, field: Field, *, is_key: bool) -> Mask:
    if field.kind == "text":
        if field.choices:
            chosen = pc.is_in(column, value_set=pa.array(field.choices, pa.string()))
            held: Mask = chosen.to_numpy(zero_copy_only=False)
            return ~held & ~_nulls(column)
        found = _text_suspects(column, field.length_max, is_key=is_key)
        if is_key:
            found |= (np.diff(text_buffers(column)[1]) == 0) & ~_nulls(column)
        return found
    if field.kind == "bool":
        return np.zeros(len(column), np.bool_)
    if field.kind == "time":
        return _outside(column, TIME_MIN, TIME_END - 1)
    if field.kind == "real":
        low = -np.finfo(np.float64).max if field.low is None else field.low
        high = np.finfo(np.float64).max if field.high is None else field.high
        return _outside(column, low, high)
    low = -MINOR_MAX if field.low is None else field.low
    high = MINOR_MAX if field.high is None else field.high
    return _outside(column, low, high)


def _text_suspects(column: Any, length_max: int, *, is_key: bool) -> Mask:
    """Too long (in bytes), or with a character that a closer look must judge."""
    data, offsets = text_buffers(column)
    lengths = np.diff(offsets)
    found: Mask = lengths > length_max
    first, stop = (int(offsets[0]), int(offsets[-1])) if len(offsets) else (0, 0)
    used = data[first:stop]
    lowest = _FIRST if is_key else _BLANK
    if len(used) and (used.min() < lowest or used.max() > _LAST):
        odd = np.flatnonzero((used < lowest) | (used > _LAST)) + first
        at = np.searchsorted(offsets, odd, "right") - 1
        found[np.unique(at)] = True
    return found


def _outside(column: Any, low: float, high: float) -> Mask:
    """Known numbers that are not within the bounds; NaN is in none."""
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    inside: Mask = (values >= low) & (values <= high)
    return ~inside & ~_nulls(column)


def _nulls(column: Any) -> Mask:
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    found: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return found


def value_at(column: Any, row: int) -> Any:
    """One value, in words that no field takes where it cannot be said as it is.

    A text that is not UTF-8 comes back with lone surrogates, a decimal (of microseconds) that is no
    whole number of 64 bits as a text.
    """
    value = column[row]
    try:
        found = value.as_py()
    except UnicodeDecodeError:
        return value.cast(pa.binary()).as_py().decode("utf-8", "surrogateescape")
    if not isinstance(found, Decimal):
        return found
    return int(found) if found == int(found) and abs(found) < 1 << 63 else str(found)
