"""A file is the card stream or is refused with the column, the row and the value that is wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assay.core.time import SECOND, parse_time
from assay.runtime.cards_file import CardsFileRefused, read_payments

START = datetime(2018, 5, 10, tzinfo=UTC).replace(tzinfo=None)


def columns() -> dict[str, Any]:
    return {
        "TRANSACTION_ID": [3, 1, 2],
        "TX_DATETIME": [START + timedelta(seconds=s) for s in (60, 0, 0)],
        "CUSTOMER_ID": [5, 6, 7],
        "TERMINAL_ID": [8, 9, 8],
        # 108.35000000000001 is 21.67 * 5 in binary; it is 108.35 that was meant.
        "TX_AMOUNT": [21.67 * 5, 0.07, 1108.85],
        "TX_FRAUD": [1, 0, 0],
    }


def written(folder: Path, **changed: Any) -> Path:
    path = folder / "cards.parquet"
    kept = {name: values for name, values in (columns() | changed).items() if values is not None}
    pl.DataFrame(kept).write_parquet(path)
    return path


def test_rows_come_in_time_order_with_exact_cents(tmp_path: Path) -> None:
    payments = read_payments(written(tmp_path))
    start = parse_time("2018-05-10T00:00:00Z")
    assert payments.number.tolist() == [1, 2, 3]
    assert payments.at.tolist() == [start, start, start + 60 * SECOND]
    assert payments.cents.tolist() == [7, 110885, 10835]
    assert payments.fraud.tolist() == [False, False, True]
    assert payments.customer.tolist() == [6, 7, 5]


def test_progress_says_what_is_being_done(tmp_path: Path) -> None:
    said: list[str] = []
    read_payments(written(tmp_path), said.append)
    assert said == ["reading cards.parquet", "checking 3 payments"]


def test_columns_that_are_not_needed_are_left_alone(tmp_path: Path) -> None:
    assert len(read_payments(written(tmp_path, TX_FRAUD_SCENARIO=[1, 2, 3]))) == 3


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"TX_AMOUNT": [1.0, 2.0, 3.005]}, "TX_AMOUNT holds 3.005 in row 2 .*whole cents"),
        ({"TX_AMOUNT": [1.0, -2.0, 3.0]}, "TX_AMOUNT holds -2.0 in row 1"),
        ({"TX_AMOUNT": [1.0, float("nan"), 3.0]}, "TX_AMOUNT holds nan in row 1"),
        ({"TX_AMOUNT": [1.0, 2.0, 1e12]}, "TX_AMOUNT holds 1000000000000.0 in row 2"),
        ({"TX_AMOUNT": [1.0, None, 3.0]}, "TX_AMOUNT has 1 empty values"),
        ({"TX_AMOUNT": ["1", "2", "3"]}, "TX_AMOUNT holds String, expected floating-point"),
        ({"TX_FRAUD": [0, 2, 1]}, "TX_FRAUD holds 2 in row 1 .*between 0 and 1"),
        ({"CUSTOMER_ID": [0.0, 1.0, 2.0]}, "CUSTOMER_ID holds Float64, expected whole numbers"),
        ({"TRANSACTION_ID": [1, 1, 2]}, "every payment number once|order of time"),
        ({"TERMINAL_ID": [-1, 1, 2]}, "TERMINAL_ID holds -1 in row 0"),
        ({"TERMINAL_ID": None}, "no column TERMINAL_ID"),
        ({"TX_DATETIME": [datetime(1970, 1, 1, tzinfo=UTC)] * 3}, "TX_DATETIME holds Datetime"),
        ({"TX_DATETIME": [datetime(1970, 1, 1)] * 3}, "whole microseconds from 2000"),  # noqa: DTZ001 - a stamp without a zone is what the file holds
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(CardsFileRefused, match=why):
        read_payments(written(tmp_path, **changed))


def test_a_file_that_is_not_there_or_not_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardsFileRefused, match="cannot be read"):
        read_payments(tmp_path / "missing.parquet")
    text = tmp_path / "text.parquet"
    text.write_text("TRANSACTION_ID,TX_DATETIME\n")
    with pytest.raises(CardsFileRefused, match="cannot be read"):
        read_payments(text)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    pl.DataFrame(columns()).clear().write_parquet(path)
    with pytest.raises(CardsFileRefused, match="no rows"):
        read_payments(path)
