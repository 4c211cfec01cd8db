"""Is this file the handbook's card stream? Read once, checked whole, amounts kept to the cent."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.core.errors import Invalid, near_miss, shown
from assay.core.time import TIME_END, TIME_MIN, format_time
from assay.workloads.cards.contracts import AMOUNT_MAX
from assay.workloads.cards.payments import Payments

_WHOLE = "whole numbers"
#: Columns that are read, with the kind of type each must have; others are left alone.
_COLUMNS = {
    "TRANSACTION_ID": _WHOLE,
    "TX_DATETIME": "timestamps without a zone",
    "CUSTOMER_ID": _WHOLE,
    "TERMINAL_ID": _WHOLE,
    "TX_AMOUNT": "floating-point amounts",
    "TX_FRAUD": _WHOLE,
}
_NUMBER_MAX = 10**9 - 1
#: In cents. The stream's authors multiplied some amounts by five in binary: 108.35000000000001.
_NOISE = 1e-6


class CardsFileRefused(Invalid):
    """The file is not a card stream this workload can run on."""

    code = "cards_file_refused"

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(
            f"{path}: {why}. Expected the Fraud Detection Handbook's transactions as Parquet "
            f"with the columns {', '.join(_COLUMNS)}."
        )


def read_payments(path: Path, progress: Callable[[str], None] = lambda _: None) -> Payments:
    """The payments of a Parquet file, in order of time and then of their number.

    Raises:
        CardsFileRefused: no such file, not Parquet, a column missing or of another type, a null,
            or a value that cannot be held exactly; the message names column, row and value.
    """
    progress(f"reading {path.name}")
    table = _table(path)
    progress(f"checking {table.height:,} payments")
    for name in _COLUMNS:
        if missing := table[name].null_count():
            raise CardsFileRefused(path, f"column {name} has {missing:,} empty values")
    number = _bounded(path, table, "TRANSACTION_ID", 0, _NUMBER_MAX)
    at = _microseconds(path, table)
    order = np.lexsort((number, at))
    try:
        return Payments(
            number=number[order],
            at=at[order],
            customer=_bounded(path, table, "CUSTOMER_ID", 0, _NUMBER_MAX)[order],
            terminal=_bounded(path, table, "TERMINAL_ID", 0, _NUMBER_MAX)[order],
            cents=_cents(path, table)[order],
            fraud=_bounded(path, table, "TX_FRAUD", 0, 1)[order] == 1,
        )
    except CardsFileRefused:
        raise
    except Invalid as error:
        raise CardsFileRefused(path, str(error)) from error


def _table(path: Path) -> pl.DataFrame:
    try:
        schema = pl.read_parquet_schema(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CardsFileRefused(path, f"cannot be read ({error})") from error
    for name, kind in _COLUMNS.items():
        if name not in schema:
            raise CardsFileRefused(path, f"no column {name}.{near_miss(name, schema)}")
        if not _fits(schema[name], kind):
            raise CardsFileRefused(path, f"column {name} holds {schema[name]}, expected {kind}")
    table = pl.read_parquet(path, columns=list(_COLUMNS))
    if table.is_empty():
        raise CardsFileRefused(path, "it holds no rows")
    return table


def _fits(found: pl.DataType, kind: str) -> bool:
    if kind == _WHOLE:
        return found.is_integer()
    if kind.startswith("timestamps"):
        return isinstance(found, pl.Datetime) and found.time_zone is None
    return found.is_float()


def _bounded(path: Path, table: pl.DataFrame, name: str, low: int, high: int) -> NDArray[np.int64]:
    values = table[name]
    _refuse_any(path, values, (values < low) | (values > high), f"between {low} and {high}")
    return values.cast(pl.Int64).to_numpy().copy()


def _microseconds(path: Path, table: pl.DataFrame) -> NDArray[np.int64]:
    nanoseconds = table["TX_DATETIME"].cast(pl.Datetime("ns")).cast(pl.Int64)
    fine = (nanoseconds % 1000 != 0) | (nanoseconds < TIME_MIN * 1000)
    fine |= nanoseconds >= TIME_END * 1000
    between = f"whole microseconds from {format_time(TIME_MIN)} until {format_time(TIME_END)}"
    _refuse_any(path, table["TX_DATETIME"], fine, between)
    return (nanoseconds // 1000).to_numpy().copy()


def _cents(path: Path, table: pl.DataFrame) -> NDArray[np.int64]:
    """Whole cents; only the noise of double arithmetic may separate an amount from them."""
    amount = table["TX_AMOUNT"].cast(pl.Float64)
    values = amount.to_numpy()
    with np.errstate(invalid="ignore"):
        scaled = np.rint(values * 100.0)
        lost = ~(
            (scaled >= 0) & (scaled <= AMOUNT_MAX) & (np.abs(values * 100.0 - scaled) <= _NOISE)
        )
    _refuse_any(path, amount, pl.Series(lost), f"whole cents between 0 and {AMOUNT_MAX}")
    return scaled.astype(np.int64)


def _refuse_any(path: Path, values: pl.Series, bad: pl.Series, expected: str) -> None:
    if bad.any():
        row = bad.arg_max()
        assert row is not None
        raise CardsFileRefused(
            path,
            f"column {values.name} holds {shown(values[row])} in row {row:,} (and "
            f"{int(bad.sum()) - 1:,} more such), expected {expected}",
        )
