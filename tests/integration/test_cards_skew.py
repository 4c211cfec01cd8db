"""The classic skew on card payments: counted by value, judged on validation weeks only."""

import os
from pathlib import Path

import numpy as np
import pytest

from assay.cli.main import main
from assay.core.errors import Invalid
from assay.core.time import DAY, parse_time
from assay.runtime.cards_file import read_payments
from assay.runtime.cards_frames import earlier, own_frames
from assay.runtime.cards_skew import measure_cards_skew
from assay.workloads.cards.payments import Payments
from assay.workloads.cards.protocol import TEST_WEEK, VALIDATION_WEEKS
from assay.workloads.cards.selection import CHOSEN, LOG

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "cards" / "transactions_2018-05-10_2018-08-14.parquet"


def made_up(rows: int, *, until: int) -> Payments:
    """Payments from spring on; a few terminals turn bad for days, and then most there is fraud."""
    generator = np.random.default_rng(2)
    start = parse_time("2018-05-10T00:00:00Z")
    at = np.sort(generator.integers(start, until, rows))
    terminal = generator.integers(0, 60, rows)
    bad = (terminal * 7 + at // (9 * DAY)) % 20 == 0
    fraud = generator.random(rows) < np.where(bad, 0.6, 0.004)
    return Payments(
        number=np.arange(rows, dtype=np.int64),
        at=at,
        customer=generator.integers(0, 400, rows),
        terminal=terminal,
        cents=generator.integers(100, 20_000, rows),
        fraud=fraud,
    )


def test_the_skew_of_a_stream_is_counted_and_both_models_are_judged_on_one_week() -> None:
    week = VALIDATION_WEEKS[-1]
    report = measure_cards_skew(made_up(12_000, until=week.end), weeks=[week], draws=20)
    by_name = {one.name: one for one in report.values}
    assert by_name["amount_now"].differing == 0, "what the request says is known to both"
    assert by_name["customer_count_1d"].share > by_name["customer_max_ever"].share > 0
    assert 0 < by_name["customer_count_1d"].relative < 1
    assert 0.1 < report.share < 0.9
    (found,) = report.weeks
    assert found.week == "2018-07-25"
    trained = [(m.trained_on, m.fed) for m in (found.sound, found.believed, found.served)]
    assert trained == [
        ("values of T", "values of T"), ("midnight", "midnight"), ("midnight", "values of T"),
    ]  # fmt: skip
    assert found.sound.auc_roc > 0.6, "there is something to learn"
    lost = found.lost["auc_roc"]
    assert lost.value == pytest.approx(found.served.auc_roc - found.sound.auc_roc)
    assert lost.low <= lost.value <= lost.high
    assert report.mean_lost["auc_roc"] == lost.value
    assert 0 < found.rank_shift < 0.5


def test_a_stream_that_ends_before_the_week_is_refused() -> None:
    week = VALIDATION_WEEKS[-1]
    short = made_up(500, until=week.start)
    with pytest.raises(Invalid, match="the stream ends before"):
        measure_cards_skew(short, weeks=[week])
    with pytest.raises(Invalid, match="at least one week"):
        measure_cards_skew(short, weeks=[])
    with pytest.raises(Invalid, match="the vectors end with"):
        earlier(own_frames(short, VALIDATION_WEEKS[0]), week)


def test_no_week_that_is_asked_about_overlaps_the_frozen_test_week() -> None:
    assert all(week.end <= TEST_WEEK.cutoff for week in VALIDATION_WEEKS)


@pytest.mark.parametrize(
    "options",
    [
        ["--workload", "cards"],
        ["--data", "x.parquet"],
        ["--workload", "cards", "--data", "x.parquet", "--seed", "2"],
        ["--weeks", "2"],
        ["--workload", "cards", "--data", "x.parquet", "--weeks", "5"],
    ],
)
def test_options_that_say_nothing_about_the_workload_are_refused(options: list[str]) -> None:
    assert main(["features", "skew", *options]) == 2


@pytest.mark.slow
@pytest.mark.skipif(not FILE.is_file(), reason=f"the public card stream is not at {FILE}")
def test_the_public_stream_shows_it_against_the_model_that_was_chosen() -> None:
    report = measure_cards_skew(read_payments(FILE), weeks=VALIDATION_WEEKS[-1:], draws=50)
    (found,) = report.weeks
    (logged,) = (t for t in LOG if t.candidate == CHOSEN.name and t.history == "mature")
    assert found.sound.auc_roc == pytest.approx(logged.auc_roc[-1], abs=0.002)
    assert found.sound.average_precision == pytest.approx(logged.average_precision[-1], abs=0.002)
    assert report.share == pytest.approx(0.3371, abs=0.001)
    assert found.served.auc_roc < found.sound.auc_roc
