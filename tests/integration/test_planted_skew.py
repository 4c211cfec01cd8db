"""The classic skew, planted: counted value by value, and visible in what a model is told."""

import numpy as np
import pytest

from assay.app.planted import planted_skew
from assay.app.workloads import workload_named
from assay.cli.main import main
from assay.core.errors import AssayError
from assay.core.time import DAY
from assay.features.backfill import backfill
from assay.models.frame import split_times
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.skew import snapshot_frame
from assay.runtime.train_history import read_history, training_rows
from assay.simulate.settings import MarketplaceSettings
from assay.simulate.world import simulate


def log_of(days: int, bookings: int) -> MemoryLog:
    world = MarketplaceSettings(
        seed=4, days=days, bookings_per_day=bookings, users=1_000, listings=200, hosts=100
    )
    events = [event for batch in simulate(world) for event in batch.events()]
    return MemoryLog(
        Entry(seq=number, event=event, known_at=event.ts, accepted=True)
        for number, event in enumerate(events, start=1)
    )


def test_the_values_of_midnight_are_those_of_a_log_that_ends_there() -> None:
    log, workload = log_of(45, 25), workload_named("checkout")
    history = read_history(log, workload.request.type, workload.label_type)
    split = split_times(history.first, history.newest, maturity=workload.maturity)
    learned = training_rows(workload, history, split, "as_corrected")
    frame = snapshot_frame(workload, history.events, learned, lambda _what, _count: None)
    counted = workload.catalog.index("user_bookings_ever")
    requests = {e.id: e for e in history.events if e.type == workload.request.type}
    for row in range(0, len(frame), max(len(frame) // 40, 1)):
        asked = requests[str(frame.event_ids[row])]
        before = [
            e for e in requests.values()
            if e.ts < asked.ts // DAY * DAY and e.payload["user_id"] == asked.payload["user_id"]
        ]  # fmt: skip
        assert frame.bits[row, counted] == len(before)
    live = backfill(workload.catalog, history.events)
    assert not np.array_equal(live.bits[-len(frame) :], frame.bits)


@pytest.mark.slow
def test_the_planted_skew_is_named_counted_and_moves_the_model() -> None:
    report = planted_skew(days=55, bookings=400, seed=1)
    assert "daily-snapshot" in report.name
    assert 0.02 < report.share < 0.5
    by_name = {one.name: one for one in report.values}
    assert by_name["listing_bookings_24h"].share > by_name["user_bookings_ever"].share
    assert report.score_shift > 0.001
    assert report.decisions_moved > 0
    assert report.served != report.believed != report.sound


def test_a_shop_that_is_too_small_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssayError):
        planted_skew(days=3, bookings=20, seed=1)
    assert main(["features", "skew", "--days", "3", "--bookings", "20", "--json"]) == 3
    assert "data" in capsys.readouterr().err
