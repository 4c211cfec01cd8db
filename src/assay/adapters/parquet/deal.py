"""To which bucket of a look-up does a row go, and what does a bucket hold when it is read?"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import column_of, columns_of_table, whole
from assay.adapters.parquet.hashes import buckets_of
from assay.runtime.backfill_job import Lookup, Rows

Slots = NDArray[np.int64]
#: What orders a row and says when it happened: of the tables given here, and of those made.
_HEAD = ("ordinal", "id", "ts")


def dealt_events(lookup: Lookup, events: Any, buckets: int) -> tuple[Any, Slots]:
    """Rows for the buckets of a look-up and where they go; -1 for those that belong to nobody.

    Where requests are events themselves, the column ``asked`` says which rows ask.
    """
    count = events.num_rows
    slots = buckets_of(_arrays(events, lookup.key), count, buckets)
    if not lookup.own:
        return _selected(events, lookup.fields), slots
    rows, asked = _selected(events, (*lookup.fields, *lookup.asked)), slots >= 0
    if lookup.key != lookup.asked:
        # A request that asks for another key than its own is also put where that key is; there
        # nobody asks for its own key, so that it counts once.
        asks = buckets_of(_arrays(events, lookup.asked), count, buckets)
        elsewhere = (asks >= 0) & (asks != slots)
        asked = np.concatenate((asks == slots, np.ones(int(elsewhere.sum()), np.bool_)))
        rows = pa.concat_tables([rows, rows.filter(pa.array(elsewhere))])
        slots = np.concatenate((slots, asks[elsewhere]))
    return rows.append_column("asked", pa.array(asked)), slots


def dealt_requests(lookup: Lookup, requests: Any, buckets: int) -> tuple[Any, Slots]:
    """The same for requests that are of another type than the events they ask for."""
    slots = buckets_of(_arrays(requests, lookup.asked), requests.num_rows, buckets)
    return _selected(requests, lookup.asked), slots


def dealt_rows(lookup: Lookup, events: Any, requests: Any) -> Rows:
    """A bucket as the kernel takes it; its tables have the column ``ordinal``."""
    if not lookup.own:
        asking = columns_of_table(requests, whole(requests["ordinal"]), lookup.asked)
        held = columns_of_table(events, whole(events["ordinal"]), lookup.fields)
        return Rows(held, None, asking)
    names = tuple(dict.fromkeys((*lookup.fields, *lookup.asked)))
    held = columns_of_table(events, whole(events["ordinal"]), names)
    return Rows(held, np.asarray(column_of(events["asked"])), None)


def _selected(table: Any, names: tuple[str, ...]) -> Any:
    """Without ids where ordinals have taken their place."""
    head = [name for name in _HEAD if name in table.column_names]
    if "ordinal" in head:
        head.remove("id")
    return table.select(list(dict.fromkeys((*head, *names))))


def _arrays(table: Any, names: tuple[str, ...]) -> list[Any]:
    """Columns in one piece each."""
    found = [table[name].combine_chunks() for name in names]
    return [
        (column.chunk(0) if column.num_chunks else pa.array([], column.type))
        if isinstance(column, pa.ChunkedArray)
        else column
        for column in found
    ]
