"""Is everything compiled before the first request? Run this, then say ready."""

from collections.abc import Iterable
from typing import get_args

import msgspec

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.core.time import DAY, TIME_MIN
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.check import CAPPED, request_key
from assay.features.definition import CAP, Aggregate, Combined, Feature, Ties, Where
from assay.features.state import FeatureState

#: Events that no first slab of a row has room for.
_FILLING = 9


def warm(catalog: Catalog) -> None:
    """Compile, or load from the cache, every kernel that serves this or any other catalog.

    Half a minute at the very first start on a machine (the folder ``NUMBA_CACHE_DIR`` keeps the
    result), a second after that. Kernels interpret programs, so a definition that comes later
    compiles nothing.
    """
    for each in (everything(), catalog):
        _serve(each)


def warm_backfill() -> None:
    """The same for the kernels of backfills, which a server has no use for."""
    made = everything()
    events, request = _events(made)
    nowhere = {name: value for name, value in request.payload.items() if name != "where"}
    backfill(made, [*events, request, Event("nowhere", request.type, request.ts, nowhere)])


def everything() -> Catalog:
    """A small catalog in which every aggregate, window and combination occurs."""
    fields = (
        Field(name="who", kind="text"),
        Field(name="where", kind="text", required=False),
        Field(name="what", kind="int", required=False),
    )
    contract = EventContract(type="warm_up", version=1, fields=fields, keys=("who", "where"))
    edges: tuple[tuple[int, Ties], ...] = ((0, "exclude"), (0, "before"), (1, "exclude"))
    features = [
        Feature(
            name=f"{aggregate}_{number}_{cap}",
            source="warm_up",
            key=("who",),
            aggregate=aggregate,
            of="what",
            window=5,
            where=(Where("what", ">", 0),),
            include_current=number == 1,
            permille=500 if aggregate == "quantile" else 0,
            cap=cap,
            every=every,
            ttl=5,
            ties=ties,
        )
        for aggregate in get_args(Aggregate)
        for number, (every, ties) in enumerate(edges)
        for cap in ((1, CAP) if aggregate in CAPPED else (CAP,))
    ]
    keys: tuple[tuple[str, ...], ...] = (("who", "where"), ("where",))
    features += [
        Feature(
            name="by_" + "_".join(key),
            source="warm_up",
            key=key,
            aggregate="count",
            window=5,
            ttl=5,
        )
        for key in keys
    ]
    name = features[0].name
    combined = [
        Combined(name="ratio", how="ratio", of=(name, name)),
        Combined(name="difference", how="difference", of=(name, name)),
        Combined(name="rate", how="rate", of=(name,)),
        Combined(name="over", how="over", of=(name,)),
    ]
    return Catalog(
        request=contract, contracts=ContractSet([contract]), features=features, combined=combined
    )


def _serve(catalog: Catalog) -> None:
    """Apply, read, forget and retract a few events of a catalog."""
    state = FeatureState(catalog, lookback=1)
    events, request = _events(catalog)
    for event in events:
        state.apply(event)
    state.read(request)
    for event in events[::2]:
        state.retract(event)
    later = [msgspec.structs.replace(e, id=e.id + "-later", ts=e.ts + DAY) for e in events]
    state.apply_batch(later)
    state.evict(TIME_MIN + 2 * DAY)


def _events(catalog: Catalog) -> tuple[list[Event], Event]:
    """Events for every table of a catalog, and a request that finds them."""
    events: list[Event] = []
    for table in catalog.plan.tables:
        payload = _payload(catalog.contracts.get(table.source), table.key)
        # At one instant, so that the path for ties is compiled too; a full row grows.
        events += [
            Event(f"warm-{table.index}-{index}", table.source, TIME_MIN, payload)
            for index in range(_FILLING)
        ]
    asked = [name for feature in catalog.features for name in request_key(feature)]
    payload = _payload(catalog.request, asked)
    return events, Event("warm", catalog.request.type, TIME_MIN + 1, payload)


def _payload(contract: EventContract, names: Iterable[str]) -> dict[str, str | int]:
    return {name: "a" if contract.field(name).kind == "text" else 1 for name in names}
