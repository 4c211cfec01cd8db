"""Where does each event stand? By (ts, event id) over all event types, ids compared as bytes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.adapters.parquet.arrow import whole


def ordered(tables: Mapping[str, Any], first: int) -> dict[str, Any]:
    """The same tables in order, with a column ``ordinal`` that counts over all of them.

    ``first`` is the ordinal of the first event; every table has the columns ``id`` and ``ts``.
    """
    ts = np.concatenate([whole(table["ts"]) for table in tables.values()])
    order = np.argsort(ts, kind="stable")
    held = ts[order]
    equal = held[1:] == held[:-1]
    if equal.any():
        tied = np.zeros(len(ts), np.bool_)
        tied[1:] |= equal
        tied[:-1] |= equal
        places = np.flatnonzero(tied)
        ids = pa.chunked_array([chunk for table in tables.values() for chunk in table["id"].chunks])
        pairs = pa.table({"ts": held[places], "id": ids.take(pa.array(order[places]))})
        by_id = pc.sort_indices(pairs, sort_keys=[("ts", "ascending"), ("id", "ascending")])
        order[places] = order[places][by_id.to_numpy()]
    ordinals = np.empty(len(ts), np.int64)
    ordinals[order] = np.arange(first, first + len(ts))
    found, start = {}, 0
    for event_type, table in tables.items():
        own = ordinals[start : start + table.num_rows]
        start += table.num_rows
        by_ordinal = np.argsort(own, kind="stable")
        sorted_table = table.take(pa.array(by_ordinal))
        found[event_type] = sorted_table.append_column("ordinal", pa.array(own[by_ordinal]))
    return found
