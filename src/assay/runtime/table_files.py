"""Which rows lie in a CSV or Parquet file, and what of one that cannot be read?

It is given as ``Unread``, so that it is refused and the others are not. Only where nobody can tell
where it ends (a stray quote) does the file end with it, and that is said.
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple

import polars as pl

from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Invalid

Check = Callable[[Path, list[str]], None]
#: Reads text columns of a Parquet file as they are: columns, first row, number of rows. What is
#: not UTF-8 comes as lone surrogates.
Texts = Callable[[Path, Sequence[str], int, int], Mapping[str, list[str | None]]]

_ROWS_AT_ONCE = 20_000
_LINE_SHOWN = 1_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # a zone is put to it where the column has one
#: Nanoseconds in one of a column's own units.
_NANOSECONDS = {"ns": 1, "us": 1_000, "ms": 1_000_000}


class Unread(NamedTuple):
    """A row of which no value can be trusted: what stands there, as far as it goes, and why."""

    said: Any
    wrong: ContractViolation


Raw = Mapping[str, Any] | Unread


def csv_rows(path: Path, check: Check, ignored: frozenset[str]) -> Iterator[Raw]:
    """The rows of a CSV file, texts by column; an empty cell is None.

    Args:
        path: ``.csv`` or ``.csv.gz``, in UTF-8.
        check: is given the columns before any row.
        ignored: columns whose bytes do not matter.

    Raises:
        Invalid: it cannot be read, or from some row on nobody can tell where rows end.
    """
    with closing(_opened(path)) as source:
        try:
            lines = _Lines(source)
            reader = csv.reader(lines, strict=True)
            columns = _header(path, reader)
            check(path, columns)
            judged = [at for at, name in enumerate(columns) if name not in ignored]
            for values in _records(path, reader, lines):
                if isinstance(values, Unread):
                    yield values
                elif values:  # a blank line is no row
                    yield _odd(values, columns, judged, reader.line_num) or {
                        name: value or None for name, value in zip(columns, values, strict=True)
                    }
        except (OSError, EOFError, zlib.error) as error:
            raise Invalid(f"{path.name} cannot be read as CSV: {error}") from error


def parquet_rows(
    path: Path, check: Check, ignored: frozenset[str], texts: Texts | None
) -> Iterator[Raw]:
    """The rows of a Parquet file, values by column, a bounded number at a time.

    Args:
        path: the file.
        check: is given the columns before any row.
        ignored: columns that are not read.
        texts: reads texts that are not all UTF-8; without it they end the file.

    Raises:
        Invalid: it cannot be read.
    """
    try:
        table = pl.scan_parquet(path)
        schema = table.collect_schema()
        check(path, schema.names())
        kept = {name: kind for name, kind in schema.items() if name not in ignored}
        table = table.select(list(kept))
        start = 0
        while rows := _part(path, table, kept, start, texts):
            yield from rows
            start += len(rows)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Invalid(f"{path.name} cannot be read as Parquet: {error}") from error


class _Lines:
    """The lines of a file; of the record they make up: how many, how many quotes, the last."""

    def __init__(self, source: IO[str]) -> None:
        self._source = source
        self.begin()

    def begin(self) -> None:
        self.count, self.quotes, self.last = 0, 0, ""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self.last = next(self._source)
        self.count += 1
        self.quotes += self.last.count('"')
        return self.last


def _opened(path: Path) -> IO[str]:
    code, bad = "utf-8-sig", "surrogateescape"
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding=code, errors=bad, newline="")
    return path.open(encoding=code, errors=bad, newline="")


def _header(path: Path, reader: Iterator[list[str]]) -> list[str]:
    try:
        columns = next(reader, [])
        ",".join(columns).encode()
    except (csv.Error, UnicodeEncodeError) as error:
        raise Invalid(f"{path.name} cannot be read as CSV in UTF-8: its header: {error}") from error
    return columns


def _records(path: Path, reader: Any, lines: _Lines) -> Iterator[list[str] | Unread]:
    """The values of each row, and those rows whose end is known and whose values are not."""
    row = 0
    while True:
        lines.begin()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row += 1
            # All its quotes are closed, so its end is that of the line.
            if str(error).startswith("field larger") and lines.count == 1 and not lines.quotes % 2:
                yield _too_large(lines.last, reader.line_num)
                continue
            raise Invalid(
                f"{path.name} cannot be read as CSV from row {row} on "
                f"(line {reader.line_num - lines.count + 1}): {error}. Nobody can tell where that "
                "row ends, so the file ends before it: mend its quotes and import the file once "
                "more; what was taken in is recognised"
            ) from error
        row += bool(values)
        yield values


def _too_large(line: str, number: int) -> Unread:
    limit = csv.field_size_limit()
    said = {"line": number, "characters": len(line), "begins": _safe(line[:_LINE_SHOWN])}
    expected = f"values of at most {limit:,} characters in line {number}"
    return Unread(said, ContractViolation("$", expected, f"a line of {len(line):,}"))


def _odd(values: list[str], columns: list[str], judged: list[int], line: int) -> Unread | None:
    """A line with too few values or too many (none has a name for certain), or not in UTF-8."""
    said = {"line": line, "values": [_safe(value) for value in values]}
    if len(values) != len(columns):
        expected = f"{len(columns)} values in line {line}, as in the header"
        return Unread(said, ContractViolation("$", expected, f"{len(values)}"))
    for at in judged:
        if not _is_utf8(values[at]):
            return Unread(said, _no_utf8(columns[at], values[at], f" in line {line}"))
    return None


def _no_utf8(column: str, text: str, where: str = "") -> ContractViolation:
    return ContractViolation("$", f"UTF-8 in column {column!r}{where}", shown_value(_safe(text)))


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _safe(text: str) -> str:
    """A text, of which bytes that are no UTF-8 are written with a backslash."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _part(
    path: Path, table: pl.LazyFrame, kept: Mapping[str, Any], start: int, texts: Texts | None
) -> list[Raw]:
    """Some rows, by the fast reader, which refuses all of them for one text that is not UTF-8."""
    part = table.slice(start, _ROWS_AT_ONCE)
    try:
        return list(_typed_rows(part.collect(), kept))
    except pl.exceptions.ComputeError as error:
        if texts is None or "UTF-8" not in str(error):
            raise
    names = [name for name, kind in kept.items() if kind in (pl.String, pl.Categorical, pl.Enum)]
    found = texts(path, names, start, _ROWS_AT_ONCE)
    others = [name for name in kept if name not in names]
    count = len(next(iter(found.values())))
    typed = _typed_rows(part.select(others).collect(), kept) if others else ({},) * count
    return [
        _mended({**row, **{name: found[name][at] for name in names}}, names)
        for at, row in enumerate(typed)
    ]


def _mended(row: dict[str, Any], names: list[str]) -> Raw:
    """A row, or the refusal that names the column whose text is not UTF-8."""
    for name in names:
        if row[name] is not None and not _is_utf8(row[name]):
            said = {k: _safe(v) if isinstance(v, str) else v for k, v in row.items()}
            return Unread({"values": said}, _no_utf8(name, row[name]))
    return row


def _typed_rows(part: pl.DataFrame, kinds: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows whose times are exact; the reader's own cut off what is below a microsecond."""
    times = {name: kinds[name] for name in part.columns if isinstance(kinds[name], pl.Datetime)}
    for row in part.with_columns(pl.col(name).to_physical() for name in times).iter_rows(
        named=True
    ):
        for name, kind in times.items():
            if row[name] is not None:
                zoned = kind.time_zone is not None
                row[name] = _moment(row[name] * _NANOSECONDS[kind.time_unit], zoned=zoned)
        yield row


def _moment(nanoseconds: int, *, zoned: bool) -> datetime | str:
    """A time, or the text of one that Python's cannot hold, which no field of times takes."""
    epoch = _EPOCH.replace(tzinfo=UTC) if zoned else _EPOCH
    whole, below = divmod(nanoseconds, 1_000)
    try:
        moment = epoch + timedelta(microseconds=whole)
    except OverflowError:
        return f"{nanoseconds} nanoseconds since 1970"
    if not below:
        return moment
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09}{'Z' if zoned else ''}"
