"""What would have been served at each past request? The same values, computed in bulk."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.columns import Columns, columns_of, payload_values, taken
from assay.features.combine import combine
from assay.features.derive import Deriver
from assay.features.finalise import Bytes
from assay.features.frame import Frame
from assay.features.group import Asked, Source, Target, fill
from assay.features.layout import Ints
from assay.features.spread import ALONE, Spread
from assay.features.vector import Vector


def backfill(
    catalog: Catalog,
    events: Iterable[Event],
    *,
    wanted: Callable[[Event], bool] | None = None,
    retracted: Collection[str] = (),
) -> Frame:
    """A vector for every event of the request's type (that is ``wanted``), as all events tell now.

    Events may come in any order. The values are those that ``FeatureState`` gives at the same T
    once it has applied all events and ``retracted`` the given ids, bit for bit.
    """
    gone = frozenset(retracted)
    by_type: dict[str, list[Event]] = {}
    for event in events:
        if event.id not in gone:
            by_type.setdefault(event.type, []).append(event)
    fields = fields_read(catalog)
    tables = {
        event_type: columns_of(
            by_type.get(event_type, []), catalog.contracts.get(event_type), names
        )
        for event_type, names in fields.items()
    }
    mask = None
    if wanted is not None:
        requests = by_type.get(catalog.request.type, [])
        mask = np.array([wanted(event) for event in requests], np.bool_)
    return backfill_columns(catalog, tables, wanted=mask)


def backfill_columns(
    catalog: Catalog,
    tables: Mapping[str, Columns],
    *,
    wanted: NDArray[np.bool_] | None = None,
    spread: Spread = ALONE,
) -> Frame:
    """``backfill`` for events held as columns, by event type; ``wanted`` masks the requests.

    Types that the catalog reads and that are absent have no events. Rows of the frame are in
    (ts, id) order. ``spread`` shares out the work.

    Raises:
        Invalid: a column of another kind than its contract says.
    """
    plan, encoders = catalog.plan, catalog.plan.encoders
    sources = {
        event_type: Source(event_type, tables.get(event_type, _EMPTY), encoders.get(event_type))
        for event_type in {catalog.request.type, *encoders}
    }
    source = sources[catalog.request.type]
    places = source.places()
    if wanted is not None:
        places = places[wanted[places]]
    asked = Asked(source, places, wanted is None, np.arange(len(places)))
    shape = len(places), len(catalog)
    frame = Frame(
        names=catalog.names,
        kinds=catalog.kinds,
        bits=np.empty(shape, np.int64),
        known=np.empty(shape, np.uint8),
        at=np.ascontiguousarray(source.columns.ts[places], np.int64),
        event_ids=_ids_at(source.columns.ids, places),
    )
    target = Target(frame.bits, frame.known, {place: place for place in range(len(catalog))})
    overflows = 0
    for number, group in enumerate(plan.groups):
        events = sources[plan.tables[group.table].source]
        overflows += fill(plan, number, events, asked, target, spread)
    lost, failures = finish(catalog, source.columns, places, frame.bits, frame.known)
    return msgspec.structs.replace(frame, overflows=overflows + lost, derived_failures=failures)


def finish(
    catalog: Catalog, requests: Columns, places: NDArray[np.intp], bits: Ints, known: Bytes
) -> tuple[int, int]:
    """Compute what follows from the features, once those of every group are in place.

    Args:
        catalog: whose combined and derived values.
        requests: the payloads of the requests.
        places: the request of each row of ``bits`` and ``known``.
        bits: values in catalog order, shape ``(n, m)``; those of features are read.
        known: which of them are known.

    Returns:
        How many combined values did not fit, and how many functions failed; neither are known.
    """
    lost = int(combine(catalog.combining, bits, known)) if len(catalog.combining) else 0
    if not catalog.derived:
        return lost, 0
    deriver = Deriver(catalog)
    names = catalog.request_fields
    columns = [payload_values(taken(requests.column(name), places)) for name in names]
    for row in range(len(places)):
        payload = {name: column[row] for name, column in zip(names, columns, strict=True)}
        deriver.fill(Vector(bits[row], known[row]), payload)
    return lost, deriver.failures


def fields_read(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """The payload fields that a backfill needs, by event type; the request's type is first."""
    plan, request = catalog.plan, catalog.request
    used: dict[str, dict[str, None]] = {request.type: {}}
    for source, encoder in plan.encoders.items():
        used.setdefault(source, {}).update(dict.fromkeys(item.field for item in encoder.inputs))
    for table in plan.tables:
        used[table.source].update(dict.fromkeys(table.key))
    for group in plan.groups:
        used[request.type].update(dict.fromkeys(group.key))
    used[request.type].update(dict.fromkeys(catalog.request_fields))
    return {source: tuple(names) for source, names in used.items()}


def _ids_at(ids: Sequence[str] | Ints, places: NDArray[np.intp]) -> Sequence[str] | Ints:
    return ids[places] if isinstance(ids, np.ndarray) else [ids[at] for at in places.tolist()]


_EMPTY = Columns(np.zeros(0, np.int64), (), {})
