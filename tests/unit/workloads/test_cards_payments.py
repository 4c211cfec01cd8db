"""A table of payments becomes the events the platform would have received, and nothing else."""

import numpy as np
import pytest

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.core.time import DAY, SECOND, parse_time
from assay.workloads.cards.payments import Payments

START = parse_time("2018-06-01T00:00:00Z")


def payments(*rows: tuple[int, int, int, int, int, bool]) -> Payments:
    """Rows of (number, seconds after START, customer, terminal, cents, fraud)."""
    number, at, customer, terminal, cents, fraud = zip(*rows, strict=True)
    return Payments(
        number=np.array(number),
        at=START + np.array(at) * SECOND,
        customer=np.array(customer),
        terminal=np.array(terminal),
        cents=np.array(cents),
        fraud=np.array(fraud),
    )


TWO = payments((7, 0, 1, 2, 1250, False), (12, 60, 3, 4, 99, True))


def test_a_payment_is_a_request_now_and_a_label_a_week_later() -> None:
    request, label = list(payments((7, 5, 1, 2, 1250, True)).events(START, START + 8 * DAY))
    at = START + 5 * SECOND
    payload = {"customer_id": "c1", "terminal_id": "t2", "amount": 1250, "local_time": at}
    assert request == Event("tx-000000007", "transaction", at, payload)
    outcome = {"request_id": "tx-000000007", "fraud": True, "source": "chargeback"}
    assert label == Event("label-000000007", "label", at + 7 * DAY, payload | outcome)


def test_events_come_in_order_of_time_then_id() -> None:
    many = payments(
        (5, 0, 1, 1, 1, False),
        (3, 7 * 86_400, 1, 1, 1, True),  # paid in the very second the first label is known
        (10, 7 * 86_400, 2, 1, 1, False),
    )
    events = list(many.events(START, START + 30 * DAY))
    assert [e.id for e in events[:4]] == [
        "tx-000000005",
        "label-000000005",
        "tx-000000003",
        "tx-000000010",
    ]
    assert [(e.ts, e.id) for e in events] == sorted((e.ts, e.id) for e in events)


def test_an_interval_is_closed_at_its_start_and_open_at_its_end() -> None:
    assert [e.id for e in TWO.events(START, START + 60 * SECOND)] == ["tx-000000007"]
    assert [e.id for e in TWO.events(START + 7 * DAY, START + 7 * DAY + 1)] == ["label-000000007"]


def test_two_intervals_that_meet_hold_every_event_once() -> None:
    middle = START + 30 * SECOND
    halves = [*TWO.events(0, middle), *TWO.events(middle, START + 30 * DAY)]
    assert halves == list(TWO.events(0, START + 30 * DAY))
    assert len(halves) == 4


def test_one_row_gives_the_same_request_as_the_stream() -> None:
    assert TWO.transaction(1) == next(e for e in TWO.events(0, 2**60) if e.id == "tx-000000012")


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([(1, 5, 1, 1, 1, False), (2, 4, 1, 1, 1, False)], "order of time"),
        ([(2, 5, 1, 1, 1, False), (1, 5, 1, 1, 1, False)], "order of time"),
        ([(1, 5, 1, 1, 1, False), (1, 6, 1, 1, 1, False)], "number once"),
    ],
)
def test_rows_out_of_order_or_doubled_are_refused(
    rows: list[tuple[int, int, int, int, int, bool]], why: str
) -> None:
    with pytest.raises(Invalid, match=why):
        payments(*rows)
