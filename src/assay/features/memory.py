"""What does a catalog cost in memory, before the first event? Computed from its plan."""

import msgspec

from assay.core.errors import Invalid
from assay.features.arena import capacity
from assay.features.catalog import Catalog
from assay.features.layout import BLOCK, ROW_WORDS, SUMMARY

#: Of a key in bytes: its text, its places in a dictionary and a list, its row.
KEY_BYTES = 108 + 60 + 8 * (ROW_WORDS + 1)
#: Of an event's id in bytes, kept once for all tables of its type: ids of about 20 characters.
ID_BYTES = 22


class TableMemory(msgspec.Struct, frozen=True):
    """What one table costs: each event, and a key with its events in their slab, in bytes."""

    table: str
    bytes_per_event: float
    bytes_per_key: int


def memory(catalog: Catalog, events_per_key: int) -> tuple[TableMemory, ...]:
    """What each table costs if a key has so many events that a read can reach.

    Slabs come in sizes a third to a half apart, and a row that is full first forgets a quarter
    or more: the figure is that of the slab which just holds so many events.
    """
    costs = []
    for table in catalog.plan.tables:
        size_class = 0
        while capacity(size_class) < events_per_key:
            size_class += 1
        cap = int(capacity(size_class))
        columns, masked, lanes = len(table.columns), bool(table.filters), len(table.lanes)
        words = cap * (2 + columns + masked) + cap // BLOCK * lanes * SUMMARY
        sharing = len(catalog.plan.by_source[table.source])
        costs.append(
            TableMemory(
                f"{table.source} by {'+'.join(table.key)}",
                table.bytes_per_event,
                8 * words + KEY_BYTES + events_per_key * ID_BYTES // sharing,
            )
        )
    return tuple(costs)


def check_memory(catalog: Catalog, events_per_key: int, most: int | None) -> None:
    """Return when a key of no table costs more than ``most`` bytes; None is no bound.

    Raises:
        Invalid: one does; names the dearest table, its cost and what would make it cheaper.
    """
    if most is None:
        return
    dearest = max(memory(catalog, events_per_key), key=_cost, default=None)
    if dearest is not None and dearest.bytes_per_key > most:
        raise Invalid(
            f"a key of {dearest.table} with {events_per_key} events would cost "
            f"{dearest.bytes_per_key:,} bytes, at most {most:,} are allowed "
            "(features.bytes_per_key_max): shorten its windows, use fewer columns and filters, or "
            "allow more"
        )


def _cost(item: TableMemory) -> int:
    return item.bytes_per_key
