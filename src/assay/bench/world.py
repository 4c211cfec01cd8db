"""Which traffic is a whole decision measured on? A shop's orders and card attempts, 100 features.

Deterministic by seed: 20,000 users over 30 days, the busiest with about 0.4 % of the events, and
attacks that try cards from one device until an order goes through. The live requests continue the
history, and about one in a hundred of them belongs to an attack.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.bench.load import NUMBER, TIME
from assay.bench.world_rules import BLOCKED_CARDS, RULES
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.contracts.label import label_contract
from assay.core.time import DAY, HOUR, MINUTE, TIME_MIN
from assay.decisions.policy import Costs
from assay.features.catalog import Catalog
from assay.features.definition import Aggregate, Feature, Where
from assay.workloads.workload import Workload

SPAN = 30 * DAY
START = TIME_MIN
_USERS, _LISTINGS, _ATTACKED = 20_000, 5_000, 0.02
_KEYS = ("user", "card", "device", "listing")
_LENGTHS = {"10m": 10 * MINUTE, "1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
Ints = NDArray[np.int64]

_ENTITIES = tuple(Field(name=key, kind="text", length_max=64) for key in _KEYS)
_AMOUNT = Field(name="amount", kind="money", unit="EUR", low=0, high=100_000_000)
ORDER = EventContract(
    type="order",
    version=1,
    keys=_KEYS,
    fields=(
        *_ENTITIES,
        _AMOUNT,
        Field(name="items", kind="int", low=1, high=99),
        Field(name="account_age_days", kind="int", unit="days", low=0, high=36_500),
        Field(name="new_device", kind="bool"),
        Field(name="ip_country", kind="text", length_max=2),
        Field(name="card_country", kind="text", length_max=2),
    ),
)
ATTEMPT = EventContract(
    type="attempt",
    version=1,
    keys=_KEYS[:3],
    fields=(*_ENTITIES[:3], _AMOUNT, Field(name="succeeded", kind="bool")),
)
CONTRACTS = ContractSet((ORDER, ATTEMPT, label_contract((*_ENTITIES, _AMOUNT))))


def _windowed(
    source: str, key: str, name: str, windows: str, aggregate: Aggregate, of: str | None
) -> list[Feature]:
    where = (Where("succeeded", "==", False),) if name == "failed" else ()
    return [
        Feature(
            name=f"{key}_{name}_{window}",
            source=source,
            key=(key,),
            aggregate=aggregate,
            of=of,
            window=_LENGTHS[window],
            where=where,
        )
        for window in windows.split()
    ]


def _features() -> Iterator[Feature]:
    for key in _KEYS:
        other = "user" if key != "user" else "card"
        yield from _windowed("order", key, "orders", "10m 1h 24h 7d 30d", "count", None)
        yield from _windowed("order", key, "spent", "1h 24h 7d 30d", "sum", "amount")
        yield from _windowed("order", key, "mean", "7d 30d", "mean", "amount")
        yield from _windowed("order", key, "most", "24h 30d", "max", "amount")
        yield from _windowed("order", key, "least", "30d", "min", "amount")
        yield from _windowed("order", key, "spread", "30d", "std", "amount")
        yield from _windowed("order", key, "since", "30d", "time_since", None)
        yield from _windowed("order", key, f"{other}s", "24h 30d", "distinct", other)
    yield from _windowed("order", "listing", "devices", "7d", "distinct", "device")
    for key in _KEYS[:3]:
        other = "user" if key == "card" else "card"
        yield from _windowed("attempt", key, "failed", "10m 1h 24h 7d", "count", None)
        yield from _windowed("attempt", key, "attempts", "1h 24h", "count", None)
        yield from _windowed("attempt", key, f"{other}s_tried", "24h", "distinct", other)
        yield from _windowed("attempt", key, "tried", "24h", "sum", "amount")
        yield from _windowed("attempt", key, "last_tried", "30d", "last", "amount")


FEATURES = tuple(_features())
CATALOG = Catalog(request=ORDER, contracts=CONTRACTS, features=FEATURES)
WORKLOAD = Workload(
    name="bench",
    contracts=CONTRACTS,
    request=ORDER,
    catalog=CATALOG,
    rules=RULES,
    lists=BLOCKED_CARDS,
    costs=Costs(
        currency="EUR",
        fraud_share=1.0,
        fraud_fixed=2_000,
        block_share=0.15,
        block_fixed=1_500,
        review_fixed=450,
        reviewer_error=0.05,
    ),
    capacity=100_000,
    amount_field="amount",
    entity_field="user",
    inputs=CATALOG.names,
    maturity=30 * DAY,
)


class Traffic(msgspec.Struct, frozen=True):
    """Events in order of time, each column of shape ``(n,)``; ``attack`` is the hidden truth."""

    ts: Ints
    ordered: NDArray[np.bool_]
    entities: dict[str, Ints]
    amount: Ints
    small: dict[str, Ints]
    attack: NDArray[np.bool_]


def traffic(seed: int, count: int) -> Traffic:
    """The history: orders and attempts in about equal parts."""
    rng = np.random.default_rng(seed)
    found = _people(rng, count)
    attacked = int(count * _ATTACKED) // 20
    # An attack is twenty events of one device with seven cards; number 0 is the latest.
    attack = np.zeros(count, np.bool_)
    starts = rng.choice(max(1, count - 200), attacked, replace=False).tolist()
    for number, first in enumerate(sorted(starts, reverse=True)):
        places = np.arange(first, min(count, first + 180), 9)
        attack[places] = True
        found["device"][places] = 10 * _USERS + number
        found["card"][places] = 10 * _USERS + 7 * number + rng.integers(0, 7, places.size)
    ordered = rng.random(count) < np.where(attack, 0.3, 0.5)
    return _traffic(rng, START + np.sort(rng.integers(0, SPAN, count)), ordered, found, attack)


def events(made: Traffic) -> Iterator[Event]:
    """The history one by one."""
    succeeded = np.where(made.attack, made.small["luck"] < 25, made.small["luck"] < 93).tolist()
    for place, payload in enumerate(_payloads(made)):
        ts = int(made.ts[place])
        if made.ordered[place]:
            yield Event(f"order-{place:07}", "order", ts, payload)
        else:
            tried = {key: payload[key] for key in ("user", "card", "device", "amount")}
            tried["succeeded"] = succeeded[place]
            yield Event(f"attempt-{place:07}", "attempt", ts, tried)


def bodies(seed: int, count: int) -> bytes:
    """Order requests as the load process takes them, one a line, number and time left open."""
    rng = np.random.default_rng([seed, 1])
    found = _people(rng, count)
    attack = rng.random(count) < 0.01
    found["device"][attack] = 10 * _USERS + rng.integers(0, 20, attack.sum())
    made = _traffic(rng, np.zeros(count, np.int64), np.ones(count, np.bool_), found, attack)
    number, time = NUMBER.decode(), msgspec.json.decode(TIME)
    lines = [
        msgspec.json.encode({"id": f"live-{number}", "type": "order", "ts": time, "data": payload})
        for payload in _payloads(made)
    ]
    return b"\n".join(lines)


def _people(rng: np.random.Generator, count: int) -> dict[str, Ints]:
    user, listing = _skewed(rng, _USERS, count), _skewed(rng, _LISTINGS, count)
    # One order in ten is paid with another card, or made on another device, than usual.
    card = user + _USERS * (rng.random(count) < 0.1)
    device = user + _USERS * (rng.random(count) < 0.1)
    return {"user": user, "card": card, "device": device, "listing": listing}


def _skewed(rng: np.random.Generator, kinds: int, count: int) -> Ints:
    weights = (np.arange(kinds) + 20.0) ** -0.9
    edges = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(edges, rng.random(count)), kinds - 1).astype(np.int64)


def _traffic(
    rng: np.random.Generator,
    ts: Ints,
    ordered: NDArray[np.bool_],
    found: dict[str, Ints],
    attack: NDArray[np.bool_],
) -> Traffic:
    count = len(ts)
    amount = (np.exp(rng.normal(8.5, 0.9, count)) * np.where(attack, 2.0, 1.0)).astype(np.int64)
    small = {
        "items": rng.integers(1, 9, count),
        "age": (found["user"] * 7919) % 2_000,
        "new": rng.integers(0, 100, count),
        "abroad": rng.integers(0, 100, count),
        "luck": rng.integers(0, 100, count),
    }
    return Traffic(ts, ordered, found, amount, small, attack)


def _payloads(made: Traffic) -> Iterator[dict[str, Any]]:
    entities = [made.entities[key].tolist() for key in _KEYS]
    new = (made.small["new"] < np.where(made.attack, 60, 8)).tolist()
    abroad = (made.small["abroad"] < np.where(made.attack, 50, 5)).tolist()
    amounts, items, ages = (
        column.tolist() for column in (made.amount, made.small["items"], made.small["age"])
    )
    for place in range(len(amounts)):
        user, card, device, listing = (column[place] for column in entities)
        yield {
            "user": f"user-{user}",
            "card": f"card-{card}",
            "device": f"device-{device}",
            "listing": f"listing-{listing}",
            "amount": amounts[place],
            "items": items[place],
            "account_age_days": ages[place],
            "new_device": new[place],
            "ip_country": "DE",
            "card_country": "FR" if abroad[place] else "DE",
        }
