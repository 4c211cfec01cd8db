"""The handbook's chapter-3 features: our catalog against a plain pandas computation, bit for bit.

pandas is the oracle here and nowhere else. It gets whole cents, so that its running sums are exact,
and windows ``[T - w, T)`` (``closed="left"``). Its left-closed windows count the earlier of two
rows at the same instant; those few payments are compared with a filter over all rows instead.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from tests.integration.public_data import CARD_STREAM, needs_card_stream

from assay.core.time import DAY
from assay.features.backfill import backfill_columns
from assay.runtime.cards_file import read_payments
from assay.runtime.cards_frames import payment_columns
from assay.workloads.cards import handbook
from assay.workloads.cards.contracts import LABEL_DELAY
from assay.workloads.cards.payments import Payments

#: Whole customers and terminals, so that no window loses an event.
CUSTOMERS, TERMINALS, DAYS = 150, 300, (1, 7, 30)

pytestmark = needs_card_stream


@pytest.fixture(scope="module")
def payments() -> Payments:
    return read_payments(CARD_STREAM)


@pytest.fixture(scope="module")
def ours(payments: Payments) -> pd.DataFrame:
    """Our values by payment number, NaN where not known."""
    wanted = (payments.customer < CUSTOMERS) | (payments.terminal < TERMINALS)
    frame = backfill_columns(handbook.CATALOG, payment_columns(payments), wanted=wanted)
    return pd.DataFrame(frame.floats(), columns=list(frame.names), index=list(frame.event_ids))


def table(payments: Payments) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "at": pd.to_datetime(payments.at, unit="us"),
            "customer": payments.customer,
            "terminal": payments.terminal,
            "cents": payments.cents.astype(float),
            "fraud": payments.fraud.astype(float),
        },
        index=payments.number,
    )


def rolled(rows: pd.DataFrame, key: str, value: str, days: int) -> tuple[pd.Series, pd.Series]:
    """Count and sum of the earlier rows of the same key in the window, by row."""
    parts = []
    for _, group in rows.groupby(key):
        windows = group.set_index("at")[value].rolling(f"{days}D", closed="left", min_periods=0)
        both = pd.DataFrame({"n": windows.count().to_numpy(), "sum": windows.sum().to_numpy()})
        parts.append(both.set_index(group.index))
    found = pd.concat(parts).loc[rows.index]
    tied = rows.duplicated([key, "at"], keep=False)
    for number, row in rows[tied].iterrows():
        since = row["at"] - pd.Timedelta(days=days)
        window = rows[(rows[key] == row[key]) & (rows["at"] >= since) & (rows["at"] < row["at"])]
        found.loc[number] = (len(window), window[value].sum())
    return found["n"], found["sum"]


def same(ours: pd.Series, theirs: pd.Series) -> None:
    """Equal to the last bit; not known where theirs is NaN."""
    mine, other = ours.to_numpy(float), theirs.to_numpy(float)
    assert np.array_equal(
        mine.view(np.int64)[~np.isnan(other)], other.view(np.int64)[~np.isnan(other)]
    )
    assert np.isnan(mine[np.isnan(other)]).all()


@pytest.mark.parametrize("days", DAYS)
def test_what_a_customer_spent(payments: Payments, ours: pd.DataFrame, days: int) -> None:
    rows = table(payments)
    rows = rows[rows["customer"] < CUSTOMERS]
    count, total = rolled(rows, "customer", "cents", days)
    mine = ours.loc[rows.index]
    assert len(rows) > 20_000
    same(mine[f"customer_count_{days}d"], count + 1)
    same(mine[f"customer_mean_{days}d"], (total + rows["cents"]) / (count + 1))


@pytest.mark.parametrize("days", DAYS)
def test_how_risky_a_terminal_was_a_week_ago(
    payments: Payments, ours: pd.DataFrame, days: int
) -> None:
    """Labels stand where they become known: payments and labels in one table, labels counted."""
    made = table(payments)
    made = made[made["terminal"] < TERMINALS]
    known = made.assign(at=made["at"] + pd.Timedelta(microseconds=LABEL_DELAY))
    known.index = -1 - known.index  # a label is told from its payment by the sign
    asked = made.assign(fraud=np.nan)
    rows = pd.concat([known, asked]).sort_values("at", kind="stable")
    count, frauds = rolled(rows, "terminal", "fraud", days)
    tied = rows.duplicated(["terminal", "at"], keep=False)
    mine = ours.loc[made.index]
    assert (len(made) > 20_000, int(tied.sum()) < 500) == (True, True)
    for number, row in rows[tied & (rows.index >= 0)].iterrows():
        since = row["at"] - pd.Timedelta(days=days)
        window = known[
            (known["terminal"] == row["terminal"])
            & (known["at"] >= since)
            & (known["at"] < row["at"])
        ]
        count.loc[number], frauds.loc[number] = len(window), window["fraud"].sum()
    count, frauds = count.loc[made.index], frauds.loc[made.index]
    same(mine[f"terminal_count_{days}d"], count)
    same(mine[f"terminal_risk_{days}d"], (frauds / count).where(count > 0))


def test_the_hour_and_the_day(payments: Payments, ours: pd.DataFrame) -> None:
    rows = table(payments)
    rows = rows[rows["customer"] < CUSTOMERS]
    mine = ours.loc[rows.index]
    night: NDArray[np.bool_] = (rows["at"].dt.hour <= 6).to_numpy()
    assert np.array_equal(mine["during_night"], night)
    assert np.array_equal(mine["during_weekend"], (rows["at"].dt.day_of_week >= 5).to_numpy())
    assert np.array_equal(mine["amount_now"], rows["cents"])
    assert int(payments.at[-1] - payments.at[0]) > 90 * DAY
