"""Another version goes live: the running server prepares it, switches to it, and goes back.

The second version decides with a changed catalog, which exists only as data in the home.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from tests.integration.approved_versions import go_live, person, record
from tests.integration.served_home import booking, make_home

from assay.app.definitions import changed_workload, keep
from assay.app.home import Home, control
from assay.app.platform import Platform
from assay.app.promises import check_decisions, check_features
from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.app.workloads import rules_only, workload_named
from assay.cli.main import main
from assay.core.canonical import canonical
from assay.core.errors import Invalid
from assay.decisions.policy import Policy
from assay.decisions.record import DecisionRecord
from assay.features.document import Change
from assay.features.memory import memory
from assay.runtime.identity import Role
from assay.serving.upkeep import upkeep

CHANGE = Change(
    change={"user_bookings_24h": {"window": "36h"}},
    add=(
        {
            "name": "user_bookings_2h", "source": "booking", "key": ["user_id"],
            "aggregate": "count", "window": "2h",
        },
    ),
)  # fmt: skip


#: One column more in the dearest table.
DEARER = Change(
    add=(
        {
            "name": "user_nights_2h", "source": "booking", "key": ["user_id"],
            "aggregate": "sum", "of": "nights", "window": "2h",
        },
    ),
)  # fmt: skip


@dataclass
class World:
    """A home with two registered versions, the first one live."""

    home: Home
    first: str
    second: str
    policies: dict[str, Policy]

    def live(self, key: str) -> None:
        """Take a version through the whole gate."""
        with control(self.home) as parts:
            go_live(parts.governance, key, self.policies[key].digest)

    def suspend(self, key: str) -> None:
        """Take a version off traffic."""
        with control(self.home) as parts:
            parts.governance.suspend(person("val", Role.VALIDATOR), key, "it drifts")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_of(tmp_path, CHANGE)


def world_of(tmp_path: Path, change: Change) -> World:
    """A home whose second version decides on a changed catalog."""
    make_home(tmp_path)
    home, code = Home(tmp_path), workload_named("checkout")
    changed = changed_workload(code, change)
    keep(changed, home.catalogs())
    policies = {}
    with control(home) as parts:
        for number, definitions in enumerate((code, changed), start=1):
            policy = rules_only(definitions)
            home.objects().put(canonical(policy))
            made = msgspec.structs.replace(record(policy.digest), version=number)
            key = parts.governance.register(person("dev", Role.ENGINEER), made).key
            policies[key] = policy
    first, second = policies
    world = World(home, first, second, policies)
    world.live(first)
    return world


@pytest.fixture
def platform(world: World) -> Iterator[Platform]:
    opened = open_platform(read_settings(world.home.path, {}))
    yield opened
    opened.close()


class Server:
    """The part of a server that this is about: its upkeep, and requests between."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.sent = platform, 0

    async def decide(self) -> DecisionRecord:
        """The durable record of one more request."""
        self.sent += 1
        raw = json.dumps(booking(self.sent)).encode()
        return await asyncio.wrap_future(self.platform.engine.decide(raw))

    async def until(self, key: str) -> None:
        """Go on deciding until a version decides."""
        for _ in range(400):
            await self.decide()
            if self.platform.live == key:
                return
            await asyncio.sleep(0.02)
        status = self.platform.succession.status if self.platform.succession else ""
        pytest.fail(f"{key} does not decide: {status}")

    async def eventually(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        for _ in range(300):
            if holds():
                return
            await asyncio.sleep(0.02)
        pytest.fail("it did not come about")


def test_a_version_that_goes_live_takes_over_and_gives_back_without_a_restart(
    world: World, platform: Platform
) -> None:
    server = Server(platform)

    async def journey() -> None:
        keeping = asyncio.create_task(upkeep(platform))
        for _ in range(30):
            await server.decide()
        before = await server.decide()
        world.live(world.second)
        await server.until(world.second)
        after = await server.decide()
        assert before.policy == world.policies[world.first].digest
        assert after.policy == world.policies[world.second].digest
        assert after.receipt.catalog == world.policies[world.second].catalog
        assert before.receipt.catalog != after.receipt.catalog
        assert len(after.known) == len(before.known) + 1
        assert platform.gauge("catalogs_kept") == 2
        world.suspend(world.second)
        await server.until(world.first)
        back = await server.decide()
        assert back.receipt.catalog == before.receipt.catalog
        await server.eventually(lambda: platform.gauge("catalogs_kept") == 1)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    asyncio.run(journey())
    features = check_features(world.home, "checkout")
    assert (features.records, features.mismatches) == (server.sent, 0), features.differences
    assert check_decisions(world.home, "checkout").mismatches == 0


def test_of_two_live_versions_a_restart_takes_the_one_that_went_live_last(world: World) -> None:
    world.live(world.second)
    opened = open_platform(read_settings(world.home.path, {}))
    try:
        assert opened.live == world.second
    finally:
        opened.close()


def test_a_version_whose_catalog_is_gone_does_not_take_over_and_says_so(
    world: World, platform: Platform
) -> None:
    digest = world.policies[world.second].catalog.removeprefix("sha256:")
    (world.home.path / "catalogs" / f"{digest}.json").unlink()
    server = Server(platform)

    async def journey() -> None:
        keeping = asyncio.create_task(upkeep(platform))
        world.live(world.second)
        assert platform.succession is not None
        await server.eventually(lambda: bool(platform.succession and platform.succession.status))
        assert digest in platform.succession.status
        made = await server.decide()
        assert made.policy == world.policies[world.first].digest
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    asyncio.run(journey())


def test_a_version_that_costs_more_memory_than_a_key_may_does_not_take_over_and_says_so(
    tmp_path: Path,
) -> None:
    world = world_of(tmp_path, DEARER)
    code = workload_named("checkout").catalog
    most = max(table.bytes_per_key for table in memory(code, 100))
    given = {"ASSAY_FEATURES_BYTES_PER_KEY_MAX": str(most)}
    platform = open_platform(read_settings(tmp_path, given))
    server = Server(platform)

    async def journey() -> None:
        keeping = asyncio.create_task(upkeep(platform))
        world.live(world.second)
        assert platform.succession is not None
        await server.eventually(lambda: bool(platform.succession and platform.succession.status))
        assert "features.bytes_per_key_max" in platform.succession.status
        assert "booking by user_id" in platform.succession.status
        made = await server.decide()
        assert made.policy == world.policies[world.first].digest
        assert platform.gauge("catalogs_kept") == 1
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    try:
        asyncio.run(journey())
    finally:
        platform.close()
    with pytest.raises(Invalid, match="bytes_per_key_max"):  # a start is refused as it was before
        open_platform(read_settings(tmp_path, given))
    open_platform(read_settings(tmp_path, {})).close()


def test_status_says_which_catalogs_there_are_and_that_no_server_answers(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = world.policies[world.second].catalog.removeprefix("sha256:")
    (world.home.path / "catalogs" / f"{digest}.json").unlink()
    url = "http://127.0.0.1:9"
    home = str(world.home.path)
    assert main(["features", "status", "--home", home, "--url", url, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    states = {row["version"]: (row["state"], row["stored"]) for row in told["versions"]}
    assert states[world.first][0] == "live"
    assert told["server"]["status"].startswith("no answer")
