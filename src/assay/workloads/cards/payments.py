"""How does a table of past card payments become the events the platform would have received?

Each payment is one ``transaction`` event when it happens and one ``label`` event seven days later,
fraud or not. Ids are padded so that their order as text is their order as numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.core.time import DAY
from assay.workloads.cards.contracts import LABEL, LABEL_DELAY, TRANSACTION

_BATCH = 65_536  # rows turned into Python integers at a time: memory stays flat


@dataclass(frozen=True)
class Payments:
    """Past payments as columns of equal length, in order of ``(at, number)``.

    Args:
        number: the source's own id of the payment, at least 0 and below 10**9.
        at: microseconds UTC.
        customer: who paid, at least 0.
        terminal: where, at least 0.
        cents: whole cents.
        fraud: what it turned out to be.

    Raises:
        Invalid: columns of unequal length, rows out of order, or a number used twice.
    """

    number: NDArray[np.int64]
    at: NDArray[np.int64]
    customer: NDArray[np.int64]
    terminal: NDArray[np.int64]
    cents: NDArray[np.int64]
    fraud: NDArray[np.bool_]

    def __post_init__(self) -> None:
        columns = (self.number, self.customer, self.terminal, self.cents, self.fraud)
        if any(column.shape != self.at.shape for column in columns):
            raise Invalid(
                f"expected columns of {len(self)} rows, got {[len(column) for column in columns]}"
            )
        step, tie = np.diff(self.at), np.diff(self.number)
        if ((step < 0) | ((step == 0) & (tie <= 0))).any():
            raise Invalid("expected payments in order of time, then of their number")
        if np.unique(self.number).size != len(self):
            raise Invalid("expected every payment number once")

    def __len__(self) -> int:
        return int(self.at.shape[0])

    @property
    def known_at(self) -> NDArray[np.int64]:
        """When the outcome of each payment becomes known, shape ``(n,)``."""
        return self.at + LABEL_DELAY

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """The UTC day number of each payment, shape ``(n,)``."""
        return self.at // DAY

    def first(self, rows: int) -> "Payments":
        """The same table, cut after that many rows."""
        return Payments(
            number=self.number[:rows],
            at=self.at[:rows],
            customer=self.customer[:rows],
            terminal=self.terminal[:rows],
            cents=self.cents[:rows],
            fraud=self.fraud[:rows],
        )

    def transaction(self, row: int) -> Event:
        """The request as the issuer sent it."""
        return Event(
            transaction_id(int(self.number[row])),
            TRANSACTION.type,
            int(self.at[row]),
            _payload(
                int(self.customer[row]),
                int(self.terminal[row]),
                int(self.cents[row]),
                int(self.at[row]),
            ),
        )

    def events(self, start: int, end: int) -> Iterator[Event]:
        """Payments made and labels that became known in ``[start, end)``, as they arrived.

        Order is ``(ts, id)``; a label known in the interval may belong to an earlier payment.
        """
        first, last = np.searchsorted(self.at, [start, end])
        oldest, newest = np.searchsorted(self.known_at, [start, end])
        row = np.concatenate([np.arange(oldest, newest), np.arange(first, last)])
        is_request = np.arange(row.size) >= newest - oldest
        ts = np.where(is_request, self.at[row], self.known_at[row])
        order = np.lexsort((self.number[row], is_request, ts))
        row, is_request = row[order], is_request[order]
        for low in range(0, row.size, _BATCH):
            yield from self._batch(row[low : low + _BATCH], is_request[low : low + _BATCH])

    def _batch(self, row: NDArray[np.int64], is_request: NDArray[np.bool_]) -> Iterator[Event]:
        columns = (self.number, self.at, self.customer, self.terminal, self.cents, self.fraud)
        lists = [column[row].tolist() for column in columns]
        for request, number, at, customer, terminal, cents, fraud in zip(
            is_request.tolist(), *lists, strict=True
        ):
            payload = _payload(customer, terminal, cents, at)
            if request:
                yield Event(transaction_id(number), TRANSACTION.type, at, payload)
            else:
                payload |= {
                    "request_id": transaction_id(number),
                    "fraud": fraud,
                    "source": "chargeback",
                }
                yield Event(label_id(number), LABEL.type, at + LABEL_DELAY, payload)


def transaction_id(number: int) -> str:
    """The event id of a payment.

    Example:
        >>> transaction_id(374292)
        'tx-000374292'
    """
    return f"tx-{number:09d}"


def label_id(number: int) -> str:
    """The event id of a payment's label; before the payment's in the order of ids."""
    return f"label-{number:09d}"


def _payload(customer: int, terminal: int, cents: int, at: int) -> dict[str, object]:
    return {
        "customer_id": f"c{customer}",
        "terminal_id": f"t{terminal}",
        "amount": cents,
        "local_time": at,
    }
