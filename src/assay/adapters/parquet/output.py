"""How do the values of several look-ups become one file of output?"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import (
    AT,
    bits_of,
    columns_of_table,
    output_schema,
    value_column,
    whole,
)
from assay.adapters.parquet.digests import file_digest
from assay.adapters.parquet.slots import committed
from assay.core.time import format_time
from assay.features.catalog import Catalog
from assay.runtime.backfill_finish import finish

Ints = NDArray[np.int64]
_ROW_GROUP = 1 << 17
_ZSTD_LEVEL = 1


def join_range(catalog: Catalog, asked: Any, filled: Iterable[Any], path: Path) -> dict[str, Any]:
    """Write the values of some requests; what the manifest says of the file.

    Args:
        catalog: whose values they are.
        asked: the requests in order of their ordinals: ordinal, id, ts, their own fields.
        filled: tables of ordinals and bits, a column named by its place in the catalog a value.
        path: of the file; none is written for no requests.
    """
    ordinals, count = whole(asked.column("ordinal")), asked.num_rows
    bits = np.zeros((count, len(catalog)), np.int64, order="F")
    known = np.zeros((count, len(catalog)), np.uint8, order="F")
    for table in filled:
        rows = np.searchsorted(ordinals, whole(table.column("ordinal")))
        for name in table.schema.names:
            if name != "ordinal":
                bits[rows, int(name)], known[rows, int(name)] = bits_of(table.column(name))
    columns = columns_of_table(pa.table(asked), ordinals, catalog.request_fields)
    overflows, failures = finish(catalog, bits, known, columns)
    facts = {"rows": count, "overflows": overflows, "derived_failures": failures}
    if not count:
        return facts
    table = output_table(catalog, asked.column("id"), asked.column("ts"), bits, known)
    return {**facts, **write_part(table, path)}


def output_table(catalog: Catalog, ids: Any, ts: Any, bits: Ints, known: NDArray[np.uint8]) -> Any:
    """Values as the output holds them."""
    schema = output_schema(catalog)
    values = [
        value_column(bits[:, place], known[:, place], kind)
        for place, kind in enumerate(catalog.kinds)
    ]
    return pa.table([ids, ts.cast(schema.field(AT).type), *values], schema=schema)


def write_part(table: Any, path: Path) -> dict[str, Any]:
    """Write one file of output; its name, span of time and checksum."""
    with committed(path) as aside:
        pq.write_table(
            table,
            aside,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            row_group_size=_ROW_GROUP,
            use_dictionary=False,
            store_schema=True,
        )
        sha256, size = file_digest(aside), aside.stat().st_size
    times = whole(table[AT].cast(pa.int64()))
    return {
        "name": path.name,
        "first": format_time(int(times[0])),
        "last": format_time(int(times[-1])),
        "bytes": size,
        "digest": sha256,
    }
