"""A small shop on a platform in memory, and a client that calls it without a socket."""

import asyncio
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from assay.app.platform import EngineThread, Platform
from assay.app.settings import LimitSettings, ServerSettings, Settings, TimeSettings
from assay.app.succession import Deciding
from assay.console.room import console_room
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.label import label_contract
from assay.core.time import DAY, HOUR
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Bands, Costs, Policy
from assay.decisions.reason import ReasonText
from assay.features.catalog import Catalog
from assay.features.definition import Derived, Feature
from assay.rules.lists import ListSnapshot
from assay.rules.rule import ListUse, Rule
from assay.runtime.clock import LogClock
from assay.runtime.governance import Governance
from assay.runtime.identity import Role, new_token, new_user
from assay.runtime.memory import MemoryLists, MemoryLog, MemoryObjects
from assay.runtime.memory_cases import MemoryCases
from assay.runtime.memory_governance import MemoryCheckpoints, MemoryGovernance
from assay.runtime.memory_identity import MemoryIdentity
from assay.runtime.online import Engine
from assay.runtime.review import Desk, ReviewDesk
from assay.runtime.telemetry import Telemetry
from assay.serving.door import Door
from assay.serving.problem import status_of
from assay.serving.server import door, metrics_of

NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z

ORDER = EventContract(
    type="order",
    version=1,
    about="Somebody wants to buy something.",
    fields=(
        Field(name="user_id", kind="text", about="who buys"),
        Field(name="amount", kind="money", unit="EUR", low=0, high=10_000_000),
        Field(name="message", kind="text", required=False, length_max=1000),
        Field(name="card_number", kind="text", required=False, sensitivity="secret"),
        Field(name="guest_name", kind="text", required=False),
    ),
    keys=("user_id",),
)
LOGIN = EventContract(
    type="login",
    version=1,
    fields=(Field(name="user_id", kind="text"), Field(name="failed", kind="bool")),
    keys=("user_id",),
)
CONTRACTS = ContractSet([ORDER, LOGIN, label_contract((ORDER.field("user_id"),))])
CATALOG = Catalog(
    request=ORDER,
    contracts=CONTRACTS,
    features=[
        Feature(
            name="orders_1d",
            source="order",
            key=("user_id",),
            aggregate="count",
            window=DAY,
            unit="orders",
            about="Orders of the user in the day before.",
        ),
        Feature(name="logins_1h", source="login", key=("user_id",), aggregate="count", window=HOUR),
    ],
    derived=[
        Derived(
            name="is_large",
            inputs=("amount",),
            function=lambda given: given["amount"] > 500_00,
            kind="bool",
            version="1",
        )
    ],
)
RULES = (
    Rule(name="sanctions", when="sanctioned", then="hold", strength="hard", if_unknown="hold"),
    Rule(name="much", when="amount > 100000", then="review", code="amount_high"),
    Rule(name="fast", when="orders_1d > 3", then="block", code="velocity_high"),
)


def policy(**changes: Any) -> Policy:
    """The shop's policy: rules only."""
    made = Policy(
        name="shop",
        version=1,
        request="order",
        contracts=CONTRACTS.digest,
        catalog=CATALOG.digest,
        model=None,
        rules=RULES,
        lists=(
            ListUse(
                name="sanctioned", field="guest_name", owner="legal", age_max=30 * DAY,
                normalise=True,
            ),
        ),
        bands=Bands(review_at=1.0, block_at=1.0, overflow=Outcome.CHALLENGE),
        costs=Costs(
            currency="EUR", fraud_share=1.0, fraud_fixed=1500, block_share=0.1, block_fixed=500,
            review_fixed=300, reviewer_error=0.1,
        ),
        capacity_per_day=5,
        deadline=1_000_000,
        if_no_score=Outcome.REVIEW,
        amount_field="amount",
        entity_field="user_id",
    )  # fmt: skip
    import msgspec

    return msgspec.structs.replace(made, **changes)


def sanctions(as_of: int) -> MemoryLists:
    """A sanctions list with one name on it."""
    entries = frozenset({"Ivan Bad"})
    return MemoryLists({"sanctioned": ListSnapshot("sanctioned", "sha256:list", as_of, entries)})


def order(number: int, *, ts: int = NOON, event_id: str = "", **data: Any) -> dict[str, Any]:
    """An order as the shop sends it."""
    fields = {"user_id": "u-1", "amount": 2500, "guest_name": "Ann Good", **data}
    return {"id": event_id or f"o-{number}", "type": "order", "ts": ts + number, "data": fields}


@dataclass
class Shop:
    """A platform with one token per role, and a client on its door."""

    platform: Platform
    door: Door
    tokens: dict[str, str]
    log: MemoryLog
    identity: MemoryIdentity
    runner: asyncio.Runner
    engine: Engine

    def call(
        self,
        method: str,
        path: str,
        *,
        role: str | None = "service",
        headers: Mapping[str, str] | None = None,
        **given: Any,
    ) -> httpx.Response:
        """One request as somebody of that role."""
        return self.runner.run(self.acall(method, path, role=role, headers=headers, **given))

    async def acall(
        self,
        method: str,
        path: str,
        *,
        role: str | None = "service",
        headers: Mapping[str, str] | None = None,
        **given: Any,
    ) -> httpx.Response:
        """The same inside a running loop."""
        loop = asyncio.get_running_loop()
        self.platform.engine_thread.own(loop.call_soon_threadsafe)
        sent = dict(headers or {})
        if role is not None:
            sent.setdefault("authorization", f"Bearer {self.tokens[role]}")
        transport = httpx.ASGITransport(self.door)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, headers=sent, **given)

    def decide(self, event: Any, **given: Any) -> httpx.Response:
        """Ask for a decision."""
        return self.call("POST", "/v1/decisions", json=event, **given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.platform.close()
        self.runner.close()


def open_shop(
    lists: MemoryLists | None = None,
    limits: LimitSettings | None = None,
    server: ServerSettings | None = None,
    log: MemoryLog | None = None,
) -> Shop:
    """A shop with an empty log."""
    settings = Settings(
        home=Path("nowhere"),
        workload="shop",
        limits=limits or LimitSettings(),
        server=server or ServerSettings(access_log=False),
        time=TimeSettings(clock="log"),
    )
    compiled = CompiledPolicy(policy(), CATALOG, CONTRACTS)
    log = log or MemoryLog()
    clock, identity, objects = LogClock(), MemoryIdentity(), MemoryObjects()
    engine = Engine.recover(
        contracts=CONTRACTS,
        catalog=CATALOG,
        policy=compiled,
        scorer=None,
        lists=lists or sanctions(NOON - HOUR),
        log=log,
        quarantine=log,
        clock=clock,
        horizon=7 * DAY,
    )
    governance = Governance(MemoryGovernance(), MemoryCheckpoints(), clock)
    thread, aside = EngineThread(engine), ThreadPoolExecutor(1)
    costs = compiled.policy.costs
    desk = Desk(contracts=CONTRACTS, amount_field="amount", entity_field="user_id", costs=costs)

    def close() -> None:
        thread.own(None)
        aside.shutdown()
        engine.close()

    def explain(code: str) -> ReasonText:
        return compiled.explain(code)

    platform = Platform(
        settings=settings,
        contracts=CONTRACTS,
        request=ORDER,
        deciding=lambda: Deciding(CATALOG, compiled, None, explain),
        engine=engine,
        log=log,
        objects=objects,
        desk=ReviewDesk(MemoryCases(), thread, log, desk, clock),
        governance=governance,
        identity=identity,
        clock=clock,
        telemetry=Telemetry(),
        gauge=lambda name: {"log_seq": log.last_seq()}.get(name, 0.0),
        trouble=lambda: engine.why_not_ready,
        alarms=lambda: engine.contract_alarms,
        close=close,
        engine_thread=thread,
        aside=aside,
    )
    tokens = {role.value: _token(identity, role, clock.wall()) for role in Role}
    return Shop(platform, made_door(platform), tokens, log, identity, asyncio.Runner(), engine)


def made_door(platform: Platform) -> Door:
    """The door of a platform, with the console behind it."""
    return door(platform, (console_room(platform, status_of),), metrics_of(platform))


def with_limits(shop: Shop, **limits: int) -> Shop:
    """The same shop behind a door with other limits."""
    settings = replace(shop.platform.settings, limits=LimitSettings(**limits))
    platform = replace(shop.platform, settings=settings)
    return replace(shop, platform=platform, door=made_door(platform))


def _token(identity: MemoryIdentity, role: Role, now: int) -> str:
    kind: Any = "service" if role is Role.SERVICE else "human"
    identity.add_user(new_user(f"{role.value}-1", kind, frozenset({role}), now))
    entropy = hashlib.sha512(role.value.encode()).digest()[:38]
    text, token = new_token(f"{role.value}-1", entropy, now, now + DAY)
    identity.add_token(token)
    return text
