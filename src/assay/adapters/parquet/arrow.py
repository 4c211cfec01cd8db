"""How do Arrow tables become what the kernel reads, and its values Arrow columns again?

Nothing is computed here: values are moved as they are, and what is not known is null.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.contracts.contract import EventContract, Kind
from assay.contracts.reserved import EVENT_ID
from assay.core.time import TIME_END, TIME_MIN
from assay.features.catalog import Catalog
from assay.features.columns import Coded, Column, Columns, Partly
from assay.features.definition import ValueKind

Ints = NDArray[np.int64]

AT = "T"
_REAL, _TEXT, _BOOL = pa.float64(), pa.string(), pa.bool_()
_VALUES: dict[ValueKind, Any] = {"int": pa.int64(), "real": _REAL, "bool": _BOOL}


def arrow_type(kind: Kind) -> Any:
    """The Arrow type that holds a payload field between the stages."""
    if kind == "text":
        return _TEXT
    return {"real": _REAL, "bool": _BOOL}.get(kind, pa.int64())


def value_type(kind: ValueKind) -> Any:
    """The Arrow type of a value in the output."""
    return _VALUES[kind]


def output_schema(catalog: Catalog) -> Any:
    """The columns of the output: event id, T, and every value of the catalog in its order."""
    fields = [
        pa.field(EVENT_ID, pa.string(), nullable=False),
        pa.field(AT, pa.timestamp("us", tz="UTC"), nullable=False),
        *(
            pa.field(name, value_type(kind))
            for name, kind in zip(catalog.names, catalog.kinds, strict=True)
        ),
    ]
    return pa.schema(fields, metadata={"assay.catalog": catalog.digest})


def whole(column: Any) -> Ints:
    """A column of whole numbers without nulls."""
    found: Ints = np.asarray(column.to_numpy(zero_copy_only=False), np.int64)
    return found


def moments(column: Any) -> Ints:
    """The times of a column that may stand, whatever numbers it is of."""
    values = column.drop_null().to_numpy(zero_copy_only=False)
    found: Ints = values[(values >= TIME_MIN) & (values < TIME_END)].astype(np.int64)
    return found


def column_of(column: Any) -> Column:
    """An Arrow column (of one of the types above) as the kernel's."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.type != _TEXT else column
    if column.type == _TEXT:
        return _coded(column)
    empty: Any = False if column.type == _BOOL else 0
    values = column.fill_null(empty) if column.null_count else column
    held: NDArray[np.generic] = values.to_numpy(zero_copy_only=False)
    if column.type == _REAL:
        held = held.astype(np.float64) + 0.0  # -0.0 and 0.0 are one value, as at the door
    if not column.null_count:
        return held
    return Partly(held, column.is_valid().to_numpy(zero_copy_only=False))


def columns_of_table(table: Any, ids: Ints, names: Iterable[str]) -> Columns:
    """The rows of a table with a column ``ts``; ``ids`` are whole numbers that order ties."""
    return Columns(whole(table["ts"]), ids, {name: column_of(table[name]) for name in names})


def bits_column(bits: Ints, known: NDArray[np.uint8]) -> Any:
    """Bits as they are, null where not known."""
    return pa.array(np.ascontiguousarray(bits), mask=np.equal(known, 0))


def value_column(bits: Ints, known: NDArray[np.uint8], kind: ValueKind) -> Any:
    """Bits as the values they hold: whole numbers, doubles or booleans; null where not known."""
    held = np.ascontiguousarray(bits)
    values = held.view(np.float64) if kind == "real" else held != 0 if kind == "bool" else held
    return pa.array(values, mask=np.equal(known, 0))


def bits_of(column: Any) -> tuple[Ints, NDArray[np.uint8]]:
    """What ``bits_column`` or ``value_column`` was made of."""
    known = column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8)
    filled = column.fill_null(False if column.type == _BOOL else 0)
    held = filled.to_numpy(zero_copy_only=False)
    return held.view(np.int64) if column.type == _REAL else held.astype(np.int64), known


def text_buffers(column: Any) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The bytes of a text array, and where each text begins and ends; nulls are empty."""
    _, offsets, data = column.buffers()
    count = len(column)
    if data is None or count == 0:
        return np.zeros(0, np.uint8), np.zeros(count + 1, np.int32)
    edges = np.frombuffer(offsets, np.int32)[column.offset : column.offset + count + 1]
    return np.frombuffer(data, np.uint8), edges


def payload_types(contract: EventContract, names: Sequence[str]) -> list[Any]:
    """The Arrow fields of some payload fields."""
    return [pa.field(name, arrow_type(contract.field(name).kind)) for name in names]


def _coded(column: Any) -> Coded:
    if isinstance(column, pa.ChunkedArray):
        if column.num_chunks == 0:
            return Coded(np.zeros(0, np.int64), ())
        encoded = column.dictionary_encode().unify_dictionaries()
        if encoded.num_chunks == 0:  # every chunk was empty
            return Coded(np.zeros(0, np.int64), ())
        texts = encoded.chunk(0).dictionary.to_pylist()
        codes = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in encoded.chunks]
        return Coded(np.concatenate(codes).astype(np.int64), texts)
    encoded = column.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return Coded(codes.astype(np.int64), encoded.dictionary.to_pylist())
