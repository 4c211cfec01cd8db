"""What do the text columns of some rows say, where not all of it is UTF-8?"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.adapters.parquet.check import value_at
from assay.core.errors import Invalid


def texts_as_they_are(
    path: Path, columns: Sequence[str], start: int, count: int
) -> dict[str, list[str | None]]:
    """The texts of at most ``count`` rows from ``start`` on; bad bytes are lone surrogates.

    Raises:
        Invalid: the file cannot be read.
    """
    found: dict[str, list[str | None]] = {name: [] for name in columns}
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            first, groups, skipped = 0, list[int](), 0
            for group in range(file.metadata.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if first + rows <= start:
                    skipped += rows
                elif first < start + count:
                    groups.append(group)
                first += rows
            at = skipped
            for batch in file.iter_batches(count, row_groups=groups, columns=list(columns)):
                low, high = max(start - at, 0), min(start + count - at, batch.num_rows)
                at += batch.num_rows
                for name in columns:
                    column = batch.column(batch.schema.get_field_index(name))
                    found[name] += [value_at(column, row) for row in range(low, high)]
                if at >= start + count:
                    break
    except (pa.ArrowException, OSError) as error:
        raise Invalid(f"{path.name} cannot be read as Parquet: {error}") from error
    return found
