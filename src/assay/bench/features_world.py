"""Which payments and which features are the feature benchmarks run on? The same for every peer."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.core.time import DAY, HOUR, MINUTE, TIME_MIN
from assay.features.catalog import Catalog
from assay.features.columns import Coded, Column, Columns, coded
from assay.features.definition import Aggregate, Feature, Where

#: Three windows as in the published comparison of window engines that the notes follow.
WINDOWS = (HOUR, DAY, 7 * DAY)
_SPAN, _CARDS, _SHOPS, _USERS = 30 * DAY, 50_000, 2_000, 20_000

PAID = EventContract(
    type="paid",
    version=1,
    fields=(
        Field(name="card", kind="text"),
        Field(name="user", kind="text"),
        Field(name="device", kind="text"),
        Field(name="shop", kind="text"),
        Field(name="cents", kind="money", unit="EUR"),
    ),
    keys=("card", "user", "device", "shop"),
)
_CONTRACTS = ContractSet([PAID])


class Payments(msgspec.Struct, frozen=True):
    """Payments in order of time, each column of shape ``(n,)``; entities as whole numbers."""

    ts: NDArray[np.int64]
    card: NDArray[np.int64]
    user: NDArray[np.int64]
    device: NDArray[np.int64]
    shop: NDArray[np.int64]
    cents: NDArray[np.int64]

    def columns(self, count: int) -> Columns:
        """What a backfill by card needs of the first ``count`` payments."""
        fields: dict[str, Column] = {
            "card": Coded(self.card[:count], [f"card-{n}" for n in range(_CARDS)]),
            "shop": Coded(self.shop[:count], [f"shop-{n}" for n in range(_SHOPS)]),
            "cents": self.cents[:count],
        }
        return Columns(self.ts[:count], np.arange(count), fields)

    def columns_of_groups(self, count: int, size: int) -> list[Columns]:
        """The first ``count`` payments as columns, so many at a time, each with its own texts."""
        cards, shops = _names("card", self.card[:count]), _names("shop", self.shop[:count])
        ids = [f"payment-{number:08}" for number in range(count)]
        return [
            Columns(
                self.ts[at : min(at + size, count)],
                ids[at : at + size],
                {
                    "card": coded(cards[at : at + size]),
                    "shop": coded(shops[at : at + size]),
                    "cents": self.cents[at : min(at + size, count)],
                },
            )
            for at in range(0, count, size)
        ]

    def events(self, count: int) -> Iterator[Event]:
        """The first ``count`` payments one by one."""
        columns = (self.ts, self.card, self.user, self.device, self.shop, self.cents)
        rows = zip(*(column[:count].tolist() for column in columns), strict=True)
        for number, (ts, card, user, device, shop, cents) in enumerate(rows):
            payload = {
                "card": f"card-{card}",
                "user": f"user-{user}",
                "device": f"device-{device}",
                "shop": f"shop-{shop}",
                "cents": cents,
            }
            yield Event(f"payment-{number:08}", "paid", ts, payload)


def payments(seed: int, count: int) -> Payments:
    """Payments of a month; the busiest of 50,000 cards makes about 0.6 % of them."""
    rng = np.random.default_rng(seed)

    def entities(kinds: int) -> NDArray[np.int64]:
        weights = 1 / (np.arange(kinds) + 20.0)
        edges = np.cumsum(weights / weights.sum())
        return np.minimum(np.searchsorted(edges, rng.random(count)), kinds - 1).astype(np.int64)

    return Payments(
        ts=TIME_MIN + np.sort(rng.integers(0, _SPAN, count)),
        card=entities(_CARDS),
        user=entities(_USERS),
        device=entities(_USERS),
        shop=entities(_SHOPS),
        cents=rng.integers(100, 100_000, count),
    )


def by_card(*, distinct: bool) -> Catalog:
    """Count, sum, mean, max and perhaps distinct shops of a card, over three windows."""
    aggregates: list[tuple[Aggregate, str]] = [(name, "cents") for name in _PLAIN]
    if distinct:
        aggregates.append(("distinct", "shop"))
    features = [
        _feature("card", aggregate, of, window)
        for window in WINDOWS
        for aggregate, of in aggregates
    ]
    return Catalog(request=PAID, contracts=_CONTRACTS, features=features)


def by_card_more() -> Catalog:
    """What is computed from the values of a card's day themselves."""
    median = _feature("card", "quantile", "cents", DAY)
    features = [
        msgspec.structs.replace(median, permille=500),
        _feature("card", "entropy", "shop", DAY),
        _feature("card", "top_share", "shop", DAY),
    ]
    return Catalog(request=PAID, contracts=_CONTRACTS, features=features)


def wide() -> Catalog:
    """Four entities with 50 features each: ten aggregates over five windows."""
    features = []
    for key in ("card", "user", "device", "shop"):
        other = "shop" if key != "shop" else "card"
        for window in (10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY):
            features += [_feature(key, aggregate, "cents", window) for aggregate in _ALL]
            features.append(_feature(key, "distinct", other, window))
            large = msgspec.structs.replace(
                _feature(key, "count", "cents", window),
                name=f"{key}_large_{window}",
                where=(Where("cents", ">", 50_000),),
            )
            features.append(large)
    return Catalog(request=PAID, contracts=_CONTRACTS, features=features)


def _names(entity: str, numbers: NDArray[np.int64]) -> list[str]:
    return [f"{entity}-{number}" for number in numbers.tolist()]


def _feature(key: str, aggregate: Aggregate, of: str, window: int) -> Feature:
    return Feature(
        name=f"{key}_{aggregate}_{of}_{window}",
        source="paid",
        key=(key,),
        aggregate=aggregate,
        of=of,
        window=window,
    )


_PLAIN: tuple[Aggregate, ...] = ("count", "sum", "mean", "max")
_ALL: tuple[Aggregate, ...] = ("count", "sum", "mean", "min", "max", "std", "last", "time_since")
