"""The handbook's 15 features and ours, against slow recomputations that share no code with them."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from assay.contracts.event import Event
from assay.core.time import DAY, HOUR, SECOND, parse_time
from assay.features.backfill import backfill, backfill_columns
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.values import as_values
from assay.runtime.cards_frames import payment_columns, vectors_at
from assay.workloads.cards import features, handbook
from assay.workloads.cards.payments import Payments

START = parse_time("2018-06-01T00:00:00Z")  # a Friday
WEEK = 7 * DAY


def stream(seed: int, rows: int = 160) -> Payments:
    """A few customers at a few terminals, every six hours or at once: edges and ties are common."""
    generator = np.random.default_rng(seed)
    at = START + np.sort(generator.integers(0, 45 * 4, rows)) * 6 * HOUR
    return Payments(
        number=np.arange(rows, dtype=np.int64),
        at=at,
        customer=generator.integers(0, 3, rows),
        terminal=generator.integers(0, 4, rows),
        cents=generator.integers(1, 30_000, rows),
        fraud=generator.random(rows) < 0.3,
    )


def served(catalog: Catalog, payments: Payments, row: int) -> dict[str, int | float | bool | None]:
    """The values at one payment, from the state a server would hold just before it."""
    state = FeatureState(catalog)
    state.apply_all(payments.events(0, int(payments.at[row])))
    vector, _ = state.read(payments.transaction(row))
    return as_values(vector, catalog)


def within(payments: Payments, at: Sequence[int], low: int, high: int) -> set[int]:
    """Rows with ``low <= at < high``."""
    return {row for row in range(len(payments)) if low <= at[row] < high}


@pytest.mark.parametrize("seed", range(3))
def test_the_handbooks_features_are_what_its_definitions_say(seed: int) -> None:
    payments = stream(seed)
    at, cents = payments.at.tolist(), payments.cents.tolist()
    known = [moment + WEEK for moment in at]
    for row in range(40, len(payments), 17):
        values, now = served(handbook.CATALOG, payments, row), at[row]
        clock = datetime.fromtimestamp(now / SECOND, UTC)
        assert values["amount_now"] == cents[row]
        assert values["during_weekend"] is (clock.weekday() >= 5)
        assert values["during_night"] is (clock.hour <= 6)
        for days in (1, 7, 30):
            mine = {
                other
                for other in within(payments, at, now - days * DAY, now)
                if payments.customer[other] == payments.customer[row]
            } | {row}
            assert values[f"customer_count_{days}d"] == len(mine)
            assert values[f"customer_mean_{days}d"] == sum(cents[i] for i in mine) / len(mine)
            there = {
                other
                for other in within(payments, known, now - days * DAY, now)
                if payments.terminal[other] == payments.terminal[row]
            }
            risk = sum(bool(payments.fraud[i]) for i in there) / len(there) if there else None
            assert values[f"terminal_count_{days}d"] == len(there)
            assert values[f"terminal_risk_{days}d"] == risk


@pytest.mark.parametrize("seed", range(3))
def test_our_features_are_what_their_names_say(seed: int) -> None:
    payments = stream(seed)
    at, cents, fraud = payments.at.tolist(), payments.cents.tolist(), payments.fraud.tolist()
    known = [moment + WEEK for moment in at]
    for row in range(60, len(payments), 19):
        values, now = served(features.CATALOG, payments, row), at[row]
        mine = [
            i for i in range(row) if at[i] < now and payments.customer[i] == payments.customer[row]
        ]
        usual = [cents[i] for i in mine]
        mean = sum(usual) / len(usual)
        std = math.sqrt(sum((c - mean) ** 2 for c in usual) / len(usual))
        recent = [cents[i] for i in mine if at[i] >= now - 7 * DAY]
        assert values["customer_mean_ever"] == mean
        assert values["customer_max_ever"] == max(usual)
        assert values["customer_std_ever"] == pytest.approx(std, rel=1e-12)
        assert values["customer_max_7d"] == (max(recent) if recent else None)
        assert values["amount_to_mean_ever"] == cents[row] / mean
        assert values["amount_surprise_ever"] == pytest.approx((cents[row] - mean) / std, rel=1e-9)
        assert values["peak_7d_to_mean_ever"] == (max(recent) / mean if recent else None)
        there = [i for i in range(row) if payments.terminal[i] == payments.terminal[row]]
        bad = [i for i in there if fraud[i] and now - 28 * DAY <= known[i] < now]
        plain = [i for i in bad if cents[i] < 15_000]
        settled = [i for i in there if now - 60 * DAY <= known[i] < now]
        assert values["terminal_frauds_28d"] == len(bad)
        assert values["terminal_ordinary_frauds_28d"] == len(plain)
        assert values["first_fraud_age_28d"] == (now - at[bad[0]] if bad else None)
        assert values["terminal_last_was_fraud_60d"] == (fraud[settled[-1]] if settled else None)
        good = [known[i] for i in settled if not fraud[i]]
        assert values["terminal_since_good_60d"] == (now - good[-1] if good else None)


def test_a_label_counts_only_after_the_instant_it_became_known() -> None:
    """Exactly seven days later the outcome is arriving, not known; a microsecond on, it is."""
    payments = Payments(
        number=np.array([1, 2, 3]),
        at=np.array([START, START + WEEK, START + WEEK + 1]),
        customer=np.array([1, 2, 2]),
        terminal=np.array([9, 9, 9]),
        cents=np.array([100, 100, 100]),
        fraud=np.array([True, False, False]),
    )
    assert served(features.CATALOG, payments, 1)["terminal_frauds_7d"] == 0
    assert served(features.CATALOG, payments, 2)["terminal_frauds_7d"] == 1


@pytest.mark.parametrize("catalog", [features.CATALOG, handbook.CATALOG], ids=["ours", "handbook"])
def test_columns_and_events_give_the_same_bits(catalog: Catalog) -> None:
    payments = stream(5)
    by_event = backfill(catalog, payments.events(0, 2**60))
    by_column = backfill_columns(catalog, payment_columns(payments))
    assert np.array_equal(by_event.bits, by_column.bits)
    assert np.array_equal(by_event.known, by_column.known)


def test_a_reviewers_verdict_does_not_move_the_windows() -> None:
    """Verdicts cover the suspicious few and come early: counting them would skew the shares."""
    payments = stream(1)
    before = served(features.CATALOG, payments, 100)
    state = FeatureState(features.CATALOG)
    now = int(payments.at[100])
    state.apply_all(payments.events(0, now))
    label = next(e for e in payments.events(0, now) if e.type == "label")
    verdict = type(label)(
        "verdict",
        "label",
        now - 1,
        {**label.payload, "terminal_id": f"t{payments.terminal[100]}", "source": "review"},
    )
    state.apply(verdict)
    assert as_values(state.read(payments.transaction(100))[0], features.CATALOG) == before


def test_a_first_payment_has_unknown_ratios_and_no_failure() -> None:
    values = served(features.CATALOG, stream(2), 0)
    assert values["amount_to_mean_ever"] is None
    assert values["amount_surprise_ever"] is None
    assert values["first_fraud_age_28d"] is None
    assert values["customer_count_30d"] == 0


def test_no_instant_is_a_model_input() -> None:
    """An instant lets a model learn the calendar of its training weeks."""
    assert not [name for name in features.INPUTS if name.startswith("terminal_first")]
    assert set(features.INPUTS) < set(features.CATALOG.names)


def test_the_handbook_has_fifteen_columns() -> None:
    assert len(handbook.COLUMNS) == len(set(handbook.COLUMNS)) == 15
    assert set(handbook.COLUMNS) == set(handbook.CATALOG.names)


def test_the_values_of_another_instant_are_those_a_state_gives_then() -> None:
    payments = stream(5)
    rows = np.arange(30, len(payments), 3)
    midnights = payments.at[rows] // DAY * DAY
    frame = vectors_at(features.CATALOG, payments, rows, midnights)
    different = 0
    for place, row in enumerate(rows.tolist()):
        request = payments.transaction(row)
        state = FeatureState(features.CATALOG)
        state.apply_all(payments.events(0, int(midnights[place])))
        asked = Event(request.id, request.type, int(midnights[place]), request.payload)
        assert frame.vector(place).digest == state.read(asked)[0].digest
        now = served(features.CATALOG, payments, row)
        different += as_values(frame.vector(place), features.CATALOG) != now
    assert 0 < different < rows.size
