"""A model that loses its approval stops deciding in the server that runs, and comes back."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.integration.approved_versions import approve, go_live, person, registered
from tests.integration.http_shop import NOON, open_shop, order
from tests.integration.served_home import booking, make_home

from assay.app.home import Home, control
from assay.app.platform import Platform
from assay.app.settings import Settings, TimeSettings
from assay.app.succession import Chosen
from assay.app.wire import choose, open_platform
from assay.app.workloads import compiled, rules_only, workload_named
from assay.core.canonical import digest
from assay.core.errors import GateRefused
from assay.core.time import DAY
from assay.decisions.record import DecisionRecord
from assay.governance.facts import State
from assay.models.score import Score
from assay.models.scorer import Scorer
from assay.runtime.identity import Role
from assay.serving.upkeep import upkeep

MODEL = digest("a model")


class Always:
    """A model that says the same of everybody."""

    digest = MODEL

    def __init__(self, given: str) -> None:
        self.inputs = (given,)

    def score(self, _row: NDArray[np.float64]) -> Score:
        """The same."""
        return Score(0.25, 0.25, "")

    def contributions(self, _row: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
        """None."""
        return ()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """A home whose live version has a model."""
    path = tmp_path / "home"
    make_home(path)
    workload = workload_named("checkout")
    policy = msgspec.structs.replace(rules_only(workload), model=MODEL, deadline=10_000_000)
    scorer = cast("Scorer", Always(workload.catalog.names[0]))
    with control(Home(path)) as parts:
        key = registered(parts.governance, policy.digest, MODEL)
        go_live(parts.governance, key, MODEL)
    chosen = Chosen(workload, compiled(policy, workload), scorer, key)
    settings = Settings(home=path, time=TimeSettings(clock="log"))
    opened = open_platform(settings, lambda *_: chosen)
    yield opened
    opened.close()


def test_a_suspended_model_stops_deciding_and_an_approved_one_decides_again(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    home, key = Home(platform.settings.home), platform.live
    assert key is not None
    numbers = itertools.count(1)

    async def decide() -> DecisionRecord:
        raw = json.dumps(booking(next(numbers))).encode()
        return await asyncio.wrap_future(platform.engine.decide(raw))

    async def until(admitted: float) -> None:
        for _ in range(100):
            if platform.gauge("model_admitted") == admitted:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"model_admitted did not become {admitted}")

    async def journey() -> None:
        keeping = asyncio.create_task(upkeep(platform))
        before = await decide()
        assert (before.score.probability, before.degraded) == (0.25, ())
        with control(home) as parts:
            parts.governance.suspend(person("val", Role.VALIDATOR), key, "drift")
        await until(0.0)
        without = await decide()
        assert without.score.probability is None
        assert "model_unavailable" in without.degraded
        with control(home) as parts:
            approve(parts.governance, key, MODEL)
            parts.governance.promote(person("app", Role.APPROVER), key, State.LIVE, "mended")
        await until(1.0)
        assert (await decide()).score.probability == 0.25
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    asyncio.run(journey())
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(said) == 1
    assert f"{key} is withdrawn" in said[0]
    assert "suspended" in said[0]


def test_an_inventory_that_cannot_be_read_admits_nothing(platform: Platform) -> None:
    assert platform.admission is not None
    assert platform.admission.ask(0.0) == ""
    (platform.settings.home / "audit.checkpoint").unlink()
    assert platform.admission.ask(59.0) == ""
    assert "checkpoint" in platform.admission.ask(61.0)


def test_a_home_whose_control_database_was_deleted_is_not_served(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_home(home.path)
    with control(home) as parts:
        assert choose("checkout", parts, home).key is None, "a new home needs no model"
        registered(parts.governance, digest("a policy"))
    for path in home.path.glob("control.db*"):
        path.unlink()
    with (
        control(home) as parts,
        pytest.raises(GateRefused, match="the inventory is empty and the audit log does not verif"),
    ):
        choose("checkout", parts, home)


def test_a_case_nobody_looked_at_lapses_while_the_server_serves() -> None:
    with open_shop() as shop:
        assert shop.decide(order(1, amount=200_000)).json()["outcome"] == "review"
        (case,) = shop.platform.desk.waiting(10)
        assert case.lapsed_to is None
        shop.platform.clock.observe(NOON + 30 * DAY)

        async def serve_a_little() -> None:
            keeping = asyncio.create_task(upkeep(shop.platform))
            for _ in range(100):
                await asyncio.sleep(0.05)
                if shop.platform.desk.get(case.id).lapsed_to is not None:
                    break
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

        shop.runner.run(serve_a_little())
        assert shop.platform.desk.get(case.id).lapsed_to is not None
