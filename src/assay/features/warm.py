"""Is everything compiled before the first request? Run this, then say ready."""

from collections.abc import Iterable
from typing import get_args

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.core.time import TIME_MIN
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.check import CAPPED, request_key
from assay.features.definition import CAP, Aggregate, Combined, Feature, Ties, Where
from assay.features.state import FeatureState

#: Events that no first slab of a row has room for.
_FILLING = 9


def warm(catalog: Catalog) -> None:
    """Compile, or load from the cache, every kernel that serves this or any other catalog.

    Seconds at the very first start on a machine (the folder ``NUMBA_CACHE_DIR`` keeps the result),
    a fraction of one after that. Kernels interpret programs, so a definition that comes later
    compiles nothing.
    """
    _exercise(everything())
    _exercise(catalog)


def everything() -> Catalog:
    """A small catalog in which every aggregate, window and combination occurs."""
    fields = (Field(name="who", kind="text"), Field(name="what", kind="int", required=False))
    contract = EventContract(type="warm_up", version=1, fields=fields, keys=("who",))
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


def _exercise(catalog: Catalog) -> None:
    """Apply, read, retract and backfill a few events of a catalog."""
    state = FeatureState(catalog)
    events: list[Event] = []
    for table in catalog.plan.tables:
        payload = _payload(catalog.contracts.get(table.source), table.key)
        # At one instant, so that the path for ties is compiled too; a full row grows.
        events += [
            Event(f"warm-{table.index}-{index}", table.source, TIME_MIN, payload)
            for index in range(_FILLING)
        ]
    state.apply_all(events)
    asked = [name for feature in catalog.features for name in request_key(feature)]
    payload = _payload(catalog.request, asked)
    request = Event("warm", catalog.request.type, TIME_MIN + 1, payload)
    state.read(request)
    for event in events:
        state.retract(event)
    backfill(catalog, [*events, request])


def _payload(contract: EventContract, names: Iterable[str]) -> dict[str, str | int]:
    return {name: "a" if contract.field(name).kind == "text" else 1 for name in names}
