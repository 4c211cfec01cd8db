"""How do rows lie on disk between two stages? One file a step, one compressed batch a slot.

A slot is the bucket or range that reads the batch later, so each later step takes its own batch
out of every file without touching the rest.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.core.errors import Corrupt, Unavailable

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@contextmanager
def committed(path: Path) -> Iterator[Path]:
    """A path to write aside; it is made durable and gets its name when the block ends well.

    Raises:
        Unavailable: it could not be written; says what to do when the disk is full.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        yield aside
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        full = " Make room and start again: what is done stays done" if error.errno == 28 else ""
        raise Unavailable(f"{path} cannot be written: {error}.{full}") from error
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_slots(path: Path, table: Any, slots: NDArray[np.int64], count: int) -> None:
    """Write the rows of a table by slot; rows of a slot below 0 are left out."""
    if len(slots) and (slots[0] < 0 or not bool(np.all(slots[1:] >= slots[:-1]))):
        order = np.argsort(slots, kind="stable")
        order = order[np.searchsorted(slots[order], 0) :]
        table, slots = table.take(pa.array(order)), slots[order]
    edges = np.searchsorted(slots, np.arange(count + 1))
    table = table.combine_chunks()
    with (
        committed(path) as aside,
        pa.OSFile(str(aside), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=_OPTIONS) as writer,
    ):
        for first, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            for batch in _one(table.slice(first, stop - first)):
                writer.write_batch(batch)


def read_slot(path: Path, slot: int) -> Any:
    """One slot of a file, as a record batch.

    Raises:
        Corrupt: the file is not whole.
    """
    try:
        with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
            return reader.get_batch(slot)
    except (pa.ArrowException, OSError) as error:
        raise Corrupt(
            f"{path} is damaged or gone ({error}): remove the output folder and start over"
        ) from error


def read_slots(paths: Iterable[Path], slot: int) -> Any:
    """One slot of several files, as a table; None where there is no file."""
    batches = [read_slot(path, slot) for path in paths]
    return pa.Table.from_batches(batches) if batches else None


def _one(rows: Any) -> list[Any]:
    """Exactly one batch, an empty one for no rows."""
    batches = rows.combine_chunks().to_batches()
    return batches or [pa.RecordBatch.from_pylist([], schema=rows.schema)]
