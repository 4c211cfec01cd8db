"""To which bucket does a key belong? A hash of our own, the same on every machine and release.

It moves rows and finds suspects; nothing is equal because its hash is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import text_buffers
from assay.features.compiled import compiled

Hashes = NDArray[np.uint64]
_START = np.uint64(0xCBF29CE484222325)


def row_hashes(columns: Sequence[Any], count: int) -> Hashes:
    """One hash a row over some columns; a null is a value of its own.

    Example:
        >>> import pyarrow as pa
        >>> [f"{found:016x}" for found in row_hashes([pa.array(["a", None])], 2)]
        ['bf20910ab3bb7f90', '8570e250fe4c2473']
    """
    hashes = np.full(count, _START, np.uint64)
    for column in columns:
        known = column.is_valid().to_numpy(zero_copy_only=False)
        if pa.types.is_string(column.type):
            data, offsets = text_buffers(column)
            _mix_texts(data, offsets, known, hashes)
        else:
            _mix_words(_words(column), known, hashes)
    return hashes


def buckets_of(keys: Sequence[Any], count: int, buckets: int) -> NDArray[np.int64]:
    """The bucket of each row's key, -1 where a part of it is not known."""
    hashes = row_hashes(keys, count)
    found = ((hashes >> np.uint64(16)) % np.uint64(buckets)).astype(np.int64)
    for key in keys:
        if key.null_count:
            found[~key.is_valid().to_numpy(zero_copy_only=False)] = -1
    return found


def _words(column: Any) -> NDArray[np.int64]:
    filled = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    values = filled.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        values = (values.astype(np.float64) + 0.0).view(np.int64)
    words: NDArray[np.int64] = values.astype(np.int64)
    return words


@compiled
def _mix_texts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    known: NDArray[np.bool_],
    hashes: Hashes,
) -> None:
    for i in range(len(hashes)):
        h = hashes[i]
        if known[i]:
            for j in range(offsets[i], offsets[i + 1]):
                h = (h ^ np.uint64(data[j])) * np.uint64(0x100000001B3)
            h ^= np.uint64(offsets[i + 1] - offsets[i]) + np.uint64(1)
        h = (h ^ (h >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        hashes[i] = h ^ (h >> np.uint64(29))


@compiled
def _mix_words(words: NDArray[np.int64], known: NDArray[np.bool_], hashes: Hashes) -> None:
    for i in range(len(hashes)):
        h = hashes[i]
        if known[i]:
            h = (h ^ np.uint64(words[i])) * np.uint64(0xD6E8FEB86659FD93) + np.uint64(1)
        h = (h ^ (h >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        hashes[i] = h ^ (h >> np.uint64(29))
