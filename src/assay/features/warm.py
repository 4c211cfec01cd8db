"""Is everything compiled before the first request? Run this, then say ready."""

from collections.abc import Iterable

from assay.contracts.contract import EventContract
from assay.contracts.event import Event
from assay.core.time import TIME_MIN
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.check import request_key
from assay.features.state import FeatureState


def warm(catalog: Catalog) -> None:
    """Compile, or load from the cache, every kernel that serves the catalog.

    Seconds at the very first start on a machine (the folder ``NUMBA_CACHE_DIR`` keeps the result),
    a fraction of one after that. A new definition compiles nothing: kernels interpret programs.
    """
    state = FeatureState(catalog)
    events: list[Event] = []
    for table in catalog.plan.tables:
        payload = _payload(catalog.contracts.get(table.source), table.key)
        # Two at one instant, so that the path for ties is compiled too.
        events += [
            Event(f"warm-{table.index}-{index}", table.source, TIME_MIN, payload)
            for index in range(2)
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
