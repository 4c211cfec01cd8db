"""A change of the catalog is told beforehand: values by counting them, decisions by deciding."""

import json
from pathlib import Path

import pytest
from tests.integration.served_home import START, booking, make_home
from tests.unit.decisions.small import AT, CATALOG, FAST, MODEL, LinearScorer, compiled
from tests.unit.runtime.engines import body, make_engine

from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.cli.main import main
from assay.core.time import HOUR, SECOND
from assay.decisions.compiled import CompiledPolicy
from assay.features.catalog import Catalog
from assay.features.document import Change, changed
from assay.runtime.memory import MemoryLog
from assay.runtime.what_if import WhatIf, what_if

SHORTER = Change(change={"user_count_1d": {"window": HOUR}})


def replayed(
    log: MemoryLog,
    policy: CompiledPolicy,
    change: Change,
    since: int | None = None,
    until: int | None = None,
) -> WhatIf:
    def after(catalog: Catalog) -> Catalog:
        return changed(catalog, change)

    scorers = {MODEL: LinearScorer()}
    return what_if(log, {policy.policy.digest: policy}, scorers, after, since=since, until=until)


@pytest.fixture
def log() -> MemoryLog:
    """Ten requests of one user, twenty minutes apart: after four the rule sends them to review."""
    log = MemoryLog()
    engine = make_engine(log, policy=compiled(rules=(FAST,), model=None))
    for number in range(10):
        engine.decide(body(f"b{number}", AT + number * 1_200 * SECOND)).result(5)
    engine.close()
    return log


def test_values_and_decisions_that_a_shorter_window_changes_are_counted(log: MemoryLog) -> None:
    policy = compiled(rules=(FAST,), model=None)
    found = replayed(log, policy, SHORTER)
    # The day holds n earlier requests, the hour at most 3 (one exactly an hour old counts).
    (count,) = found.by_value
    assert (count.name, count.what, count.served, count.differing) == (
        "user_count_1d", "changed", 10, 6,
    )  # fmt: skip
    assert (count.examples[0].request, count.examples[0].was) == ("b4", "4")
    assert count.examples[0].would_be == "3"
    assert found.values == 10 * len(CATALOG)
    assert found.differing == 6
    (moved,) = found.by_outcome
    assert (moved.was, moved.would_be, moved.decisions) == ("review", "approve", 6)
    assert (moved.amount, moved.frauds) == (6 * 5_000, 0)
    assert found.changed_decisions == 6


def test_only_the_period_is_looked_at_and_all_before_it_is_folded(log: MemoryLog) -> None:
    policy = compiled(rules=(FAST,), model=None)
    since, until = AT + 5 * 1_200 * SECOND, AT + 7 * 1_200 * SECOND
    found = replayed(log, policy, SHORTER, since=since, until=until)
    assert (found.decisions, found.differing, found.changed_decisions) == (2, 2, 2)


def test_no_change_changes_nothing_with_a_model_too() -> None:
    log, policy = MemoryLog(), compiled()
    engine = make_engine(log, policy=policy)
    for number in range(12):
        engine.decide(body(f"b{number}", AT + number, amount=9_000 * number)).result(5)
    engine.close()
    found = replayed(log, policy, Change())
    assert (found.decisions, found.differing, found.changed_decisions) == (12, 0, 0)
    assert found.by_value == ()
    gone = replayed(log, policy, Change(remove=("user_mean_1d",)))
    (mean,) = gone.by_value
    assert (mean.what, mean.differing) == ("removed", 11)
    assert gone.changed_decisions > 0


def test_the_command_tells_what_a_home_would_have_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    make_home(home)
    platform = open_platform(read_settings(home, {}))
    for number in range(12):
        platform.engine.decide(json.dumps(booking(number, user_id="u1")).encode()).result(10)
    late = booking(99, user_id="u1") | {"ts": START + 3 * HOUR}
    platform.engine.decide(json.dumps(late).encode()).result(10)
    platform.close()
    file = tmp_path / "change.toml"
    file.write_text('[change.user_bookings_24h]\nwindow = "2h"\n', encoding="utf-8")
    assert main(["features", "diff", str(file), "--home", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["decisions"], told["differing"]) == (13, 1)
    assert told["by_value"][0]["name"] == "user_bookings_24h"
    assert told["by_value"][0]["examples"][0] == {"request": "bk-99", "was": "12", "would_be": "0"}
    assert main(["features", "diff", str(file), "--home", str(home)]) == 0
    assert "user_bookings_24h" in capsys.readouterr().out
