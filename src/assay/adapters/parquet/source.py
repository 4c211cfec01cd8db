"""What lies in the Parquet files that were given, and is it what the contracts speak of?

A file has the columns ``id`` (text), ``type`` (text), ``ts`` (whole microseconds UTC, or a
timestamp with a time zone) and one column a payload field. A file without ``type`` holds events
of the type that the caller names.
"""

import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.adapters.files.regular import check_regular
from assay.adapters.parquet.arrow import arrow_type
from assay.adapters.parquet.digests import file_digest
from assay.contracts.contract import ContractSet
from assay.core.errors import Invalid, NotFound, Unavailable, near_miss

_ENVELOPE = ("id", "type", "ts")
_BATCH_ROWS = 1 << 17
#: Microseconds in one of a timestamp's own units.
_UNITS = {"s": Decimal(10**6), "ms": Decimal(1000), "us": Decimal(1), "ns": Decimal("0.001")}


class Unit(msgspec.Struct, frozen=True):
    """A part of the input that is read in one step: some row groups of one file."""

    file: int
    groups: tuple[int, ...]
    first_row: int
    rows: int


class InputFile:
    """One file of the input, opened and found to have the right columns.

    Raises:
        Unavailable: it cannot be read.
        Invalid: it is not Parquet, or a column is unknown, missing or of a wrong type.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        contracts: ContractSet,
        only_type: str,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.path, self.name, self.only_type = path, name, only_type
        try:
            check_regular(path)
            self.metadata = pq.read_metadata(path)
            schema = pq.read_schema(path)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise Invalid(f"{path} is not a readable Parquet file: {error}") from error
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error}") from error
        self.columns = checked_columns(schema, contracts, str(path), ignored)
        self.rows: int = self.metadata.num_rows

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes of the file."""
        try:
            return file_digest(self.path)
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be read: {error}") from error

    @property
    def bytes_raw(self) -> int:
        """Bytes of all columns before compression."""
        return sum(self.metadata.row_group(at).total_byte_size for at in self.all_groups)

    def units(self, file: int, rows_max: int) -> Iterator[Unit]:
        """Its row groups, gathered to at most ``rows_max`` rows (one larger group stands alone)."""
        first, at, groups = 0, 0, list[int]()
        for group in range(self.metadata.num_row_groups):
            count = self.metadata.row_group(group).num_rows
            if groups and at + count - first > rows_max:
                yield Unit(file, tuple(groups), first, at - first)
                first, groups = at, []
            groups.append(group)
            at += count
        if groups:
            yield Unit(file, tuple(groups), first, at - first)

    @property
    def all_groups(self) -> tuple[int, ...]:
        """Every row group."""
        return tuple(range(self.metadata.num_row_groups))

    def batches(
        self, groups: tuple[int, ...], only: tuple[str, ...] | None = None
    ) -> Iterator[Any]:
        """The rows of some row groups, a record batch of the contract's types at a time.

        The footer was read once and for all: reading it again for every group would take time by
        the square of their number.

        Raises:
            Invalid: the file is damaged, or a value does not fit its column's type.
        """
        names = list(self.columns if only is None else only)
        try:
            with pq.ParquetFile(self.path, metadata=self.metadata, pre_buffer=False) as file:
                for batch in file.iter_batches(_BATCH_ROWS, row_groups=list(groups), columns=names):
                    yield cast_batch(batch, {name: self.columns[name] for name in names})
        except (pa.ArrowException, OSError) as error:
            raise Invalid(
                f"{self.path}: row groups {groups[0]} to {groups[-1]} cannot be read: {error}"
            ) from error


def cast_batch(batch: Any, columns: Mapping[str, Any]) -> Any:
    """Some columns of a batch, as the types they are read as.

    A column of whole numbers of which one does not fit stays as it is, one of timestamps becomes
    exact decimal microseconds: the door judges their rows. Nothing is rounded or cut.
    """
    arrays = []
    for name, kind in columns.items():
        column = batch.column(batch.schema.get_field_index(name))
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_timestamp(column.type):
            arrays.append(_microseconds(column))
            continue
        try:
            arrays.append(column.cast(kind))
        except pa.ArrowInvalid:
            if not pa.types.is_integer(column.type):
                raise
            arrays.append(column)
    return pa.record_batch(arrays, names=list(columns))


def _microseconds(column: Any) -> Any:
    """Timestamps as whole microseconds, or as decimal ones where one does not fit."""
    try:
        return column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    except pa.ArrowInvalid:  # a part of a microsecond, or beyond 64 bits
        units = column.cast(pa.int64()).cast(pa.decimal128(19, 0))
        return pc.multiply(units, pa.scalar(_UNITS[column.type.unit]))


def input_files(
    given: Path, contracts: ContractSet, only_type: str, ignored: frozenset[str] = frozenset()
) -> list[InputFile]:
    """The files a path stands for: itself, or every ``*.parquet`` below it in order of name.

    Links are followed. Files and folders whose name begins with ``.`` or ``_`` are what a job left
    unfinished or for itself, and are passed over, but for ``_name=value``, a folder of a partition.

    Raises:
        NotFound: nothing is there.
        Invalid: a column to ignore is one that events are made of; a link leads to a folder that
            is read anyway.
        Unavailable: a folder below it cannot be listed, or something of that name is no file.
    """
    fields = {field.name for contract in contracts for field in contract.fields}
    meant = sorted(ignored & {*fields, *_ENVELOPE})
    if meant:
        raise Invalid(f"{', '.join(meant)}: a column that contracts speak of cannot be ignored")
    if given.is_dir():
        found = sorted(_below(given))
        names = [str(path.relative_to(given)) for path in found]
    else:
        found, names = ([given] if given.exists() else []), [given.name]
    if not found:
        raise NotFound(f"{given}: expected a Parquet file, or a folder that holds some (*.parquet)")
    return [
        InputFile(path, name, contracts, only_type, ignored)
        for path, name in zip(found, names, strict=True)
    ]


def _below(given: Path) -> Iterator[Path]:
    """Every Parquet file below a folder, through links too; no folder is walked twice."""

    def fail(error: OSError) -> None:
        raise Unavailable(f"{error.filename} cannot be listed: {error}") from error

    walked: dict[str, str] = {}
    for folder, below, files in os.walk(given, onerror=fail, followlinks=True):
        real = os.path.realpath(folder)
        if real in walked:
            raise Invalid(
                f"{folder} and {walked[real]} are one folder, and its events would be read twice: "
                "remove the link, or move it out of the input"
            )
        walked[real] = folder
        below[:] = sorted(name for name in below if not _set_aside(name))
        yield from (
            Path(folder, name)
            for name in files
            if name.endswith(".parquet") and not _set_aside(name)
        )


def _set_aside(name: str) -> bool:
    """Whether a name says that it is not (or not yet) data."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def checked_columns(
    schema: Any, contracts: ContractSet, where: str, ignored: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The type that each column is read as; ``where`` names the input in messages.

    A column that is ``ignored`` is not read.

    Raises:
        Invalid: a column is unknown, missing, there twice, or of a type that must be guessed at.
    """
    kinds: dict[str, set[Any]] = {}
    for contract in contracts:
        for field in contract.fields:
            kinds.setdefault(field.name, set()).add(arrow_type(field.kind))
    wanted: dict[str, Any] = {}
    for name, found in zip(schema.names, schema.types, strict=True):
        if name in ignored:
            continue
        if name in wanted:  # neither could be asked for by its name
            raise Invalid(f"{where}: there are two columns {name!r}: remove or rename one")
        if name in ("id", "type"):
            kind = pa.string()
        elif name == "ts":
            kind = pa.int64()
        elif name in kinds:
            kind = _fitting(name, found, kinds, where)
        else:
            raise Invalid(
                f"{where}: no contract has a field {name!r}.{near_miss(name, [*kinds, *_ENVELOPE])}"
                " Remove the column, rename it, or name it as ignored (--ignore)"
            )
        if not _readable(found, kind):
            raise Invalid(f"{where}: column {name!r} is {found}, expected {_words(name, kind)}")
        wanted[name] = kind
    for name in ("id", "ts"):
        if name not in wanted:
            raise Invalid(f"{where}: there is no column {name!r}; every event has one")
    return wanted


def _fitting(name: str, found: Any, kinds: Mapping[str, set[Any]], where: str) -> Any:
    """Two event types may use one name for different kinds; a file's column has one."""
    fitting = [kind for kind in kinds[name] if _readable(found, kind)]
    exact = [kind for kind in fitting if kind == found]
    if not fitting:
        raise Invalid(
            f"{where}: column {name!r} is {found}, expected {_words(name, next(iter(kinds[name])))}"
        )
    return (exact or sorted(fitting, key=str))[0]


def _readable(found: Any, kind: Any) -> bool:
    """Whether a stored column can be read as this type without guessing at its meaning."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_null(found):
        return True
    if kind == pa.string():
        text = pa.types.is_string(found) or pa.types.is_large_string(found)
        return bool(text or found == _VIEW)
    if kind == pa.int64():
        zoned = pa.types.is_timestamp(found) and found.tz is not None
        return bool(pa.types.is_integer(found) or zoned)
    if kind == pa.float64():
        return bool(pa.types.is_floating(found) or pa.types.is_integer(found))
    return bool(pa.types.is_boolean(found))


def _words(name: str, kind: Any) -> str:
    if kind == pa.int64():
        time = " or a timestamp with a time zone" if name == "ts" else ""
        return f"whole numbers{time}"
    return {pa.string(): "texts", pa.float64(): "numbers"}.get(kind, "true or false")


_VIEW = pa.string_view()
