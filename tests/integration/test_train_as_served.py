"""A marketplace that was served for a month, late events and all, is learned from by receipts."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from tests.integration.test_train_from_log import RECIPE, WORLD

from assay.app.workloads import compiled, rules_only, workload_named
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.core.time import DAY, HOUR
from assay.decisions.outcome import Outcome
from assay.features.catalog import Catalog
from assay.models.frame import split_times
from assay.runtime.clock import LogClock
from assay.runtime.memory import MemoryLists, MemoryLog, MemoryObjects
from assay.runtime.online import Engine
from assay.runtime.ports import Entry
from assay.runtime.train import train_from_log
from assay.runtime.train_history import check_as_of, read_history, training_rows
from assay.simulate.world import simulate

pytestmark = pytest.mark.slow  # a month of decisions one after the other


def arriving() -> Iterator[Event]:
    """The events of the world as they arrive: every ninth that is no request six hours late."""
    events = [event for batch in simulate(WORLD) for event in batch.events()]
    moments = [
        (event.ts + (6 * HOUR if at % 9 == 0 and event.type != "booking" else 0), at)
        for at, event in enumerate(events)
    ]
    return (events[at] for _, at in sorted(moments))


@pytest.fixture(scope="module")
def served() -> tuple[MemoryLog, Catalog]:
    definitions = workload_named("checkout")
    log = MemoryLog()
    engine = Engine.recover(
        contracts=definitions.contracts,
        catalog=definitions.catalog,
        policy=compiled(rules_only(definitions), definitions),
        scorer=None,
        lists=MemoryLists(),
        log=log,
        quarantine=log,
        clock=LogClock(),
        horizon=2 * DAY,
        waiting_max=1_000_000,
    )
    waiting = []
    for event in arriving():
        raw = encode_event(event)
        waiting.append(engine.decide(raw) if event.type == "booking" else engine.ingest([raw]))
    for future in waiting:
        future.result(60)
    engine.close()
    return MemoryLog(map(let_through, log.entries())), definitions.catalog


def let_through(entry: Entry) -> Entry:
    """The entry as if nothing had been held for want of a list: else only labels would tell."""
    if entry.record is None:
        return entry
    record = msgspec.structs.replace(entry.record, outcome=Outcome.APPROVE)
    return msgspec.structs.replace(entry, record=record)


def test_values_as_served_pass_the_check_against_the_future(
    served: tuple[MemoryLog, Catalog],
) -> None:
    log, catalog = served
    recipe = replace(RECIPE, retrain=False)
    result = train_from_log(log, MemoryObjects(), recipe, served_by={catalog.digest: catalog})
    lift = result.candidate.lift
    assert lift is not None
    assert lift.mode == "as_served"
    assert lift.served == lift.rows > 1_000
    assert lift.late_data > 0, "late events changed what is known"
    by_test = {item.test: item for item in result.evidence}
    assert by_test["data.as_of"].verdict == "pass", by_test["data.as_of"]
    told = by_test["data.late_lift"]
    assert told.value == lift.late_data
    assert told.parameters["mode"] == "as_served"
    assert told.table
    # In a log of one clock, known at T is what was served, unless T was already behind it.
    assert sum(lift.served_known) < lift.late_data


@pytest.mark.parametrize("mode", ["as_known", "as_corrected"])
def test_the_other_modes_pass_it_too_each_by_its_own_rule(
    served: tuple[MemoryLog, Catalog], mode: str
) -> None:
    log, _catalog = served
    history = read_history(log, "booking", "label")
    split = split_times(history.first, history.newest, maturity=RECIPE.maturity)
    workload = workload_named("checkout")
    learned = training_rows(workload, history, split, mode)  # type: ignore[arg-type]
    found = check_as_of(workload, history, learned, span=DAY)
    assert found.compared > 1_000
    assert found.mismatches == 0
    # The check can fail: a value that was looked at too late is found.
    bits = learned.vectors.bits.copy()
    bits[np.searchsorted(learned.vectors.at, learned.frame.at[-1]) - 1, 0] += 1
    spoilt = replace(learned, vectors=msgspec.structs.replace(learned.vectors, bits=bits))
    assert check_as_of(workload, history, spoilt, span=DAY).mismatches == 1
