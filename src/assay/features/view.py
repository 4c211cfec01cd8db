"""Which part of a vector comes from one source about one entity? A view: a table by its name.

What is fresh or stale, there or missing, is a view as a whole; the features over it share its fate.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from assay.contracts.event import Event
from assay.core.errors import Unknown
from assay.features.plan import Plan, Table
from assay.features.vector import Vector


class Served(NamedTuple):
    """A vector and what it was made from.

    ``newest`` is the ts of the newest event used. ``cut`` maps a partition to the last ``seq``
    that was visible. ``absent`` maps each view that could not be had to the reason code: its
    values are not known. ``seen`` maps each view that was asked for to
    the newest accepted ts of its source at the cut, None where there is none.
    """

    vector: Vector
    newest: int | None
    cut: dict[str, int]
    absent: dict[str, str]
    seen: dict[str, int | None]


#: Given the ``seen`` of a request, the views that are too old to be used, with a reason code.
Stale = Callable[[Mapping[str, int | None]], Mapping[str, str]]


class FeatureSource(Protocol):
    """Where the vectors of requests come from, if not from the state in this process."""

    def serve(self, request: Event, stale: Stale | None = None) -> Served:
        """The vector at ``T = request.ts``; what cannot be had is not known, never an error."""


class LookUp(NamedTuple):
    """One way a request names an entity: the view asked, its source, the request's fields."""

    view: str
    source: str
    key: tuple[str, ...]


def look_ups(plan: Plan) -> tuple[LookUp, ...]:
    """Every look-up of a read."""
    return tuple(
        LookUp(view_name(table), table.source, group.key)
        for group in plan.groups
        for table in [plan.tables[group.table]]
    )


def consulted(plan: Plan, request: Event) -> tuple[str, ...]:
    """The views that a request names an entity of."""
    return tuple(seen_by(look_ups(plan), request, {}))


def seen_by(
    asked: Iterable[LookUp], request: Event, newest_of: Mapping[str, int]
) -> dict[str, int | None]:
    """For each view that a request names an entity of, the newest ts of its source, None for none.

    Args:
        asked: see `look_ups`.
        request: what is asked about.
        newest_of: the newest accepted ts of each event type.
    """
    payload = request.payload
    return {
        view: newest_of.get(source)
        for view, source, key in asked
        if all(payload.get(field) is not None for field in key)
    }


def view_name(table: Table) -> str:
    """How people and policies call a table.

    Example:
        >>> view_name(Table(index=0, source="paid", key=("card", "shop")))
        'paid.card+shop'
    """
    return f"{table.source}.{'+'.join(table.key)}"


def view_names(plan: Plan) -> tuple[str, ...]:
    """The views of a plan, in the order of its tables."""
    return tuple(view_name(table) for table in plan.tables)


def groups_without(plan: Plan, absent: Iterable[str]) -> tuple[int, ...]:
    """The look-ups of a read that find nothing when these views are absent.

    Raises:
        Unknown: the plan has no such view; names the nearest.
    """
    wanted, known = set(absent), view_names(plan)
    for name in wanted - set(known):
        raise Unknown("view", name, known=known)
    return tuple(place for place, group in enumerate(plan.groups) if known[group.table] in wanted)
