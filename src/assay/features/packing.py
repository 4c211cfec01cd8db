"""How does a row leave its slab, and how does it get back into another one?

Packed, a row is its times, masks, columns and the summaries of its whole blocks, each without the
room that a slab keeps for more; identities stay at home.
"""

from typing import NamedTuple

from assay.features.arena import capacity
from assay.features.compiled import compiled
from assay.features.layout import BLOCK, SUMMARY, Ints, Word


class Packed(NamedTuple):
    """``n`` events of a row, all there are from ``since`` on (``NULL``: all); ``ids`` if needed."""

    n: int
    since: int
    words: Ints
    ids: tuple[bytes, ...] = ()


@compiled
def packed_size(n: Word, columns: Word, masked: Word, lanes: Word) -> int:
    """Words of ``n`` packed events."""
    return int(n * (1 + masked + columns) + n // BLOCK * lanes * SUMMARY)


@compiled
def size_class_for(n: Word) -> int:
    """The smallest size class that holds ``n`` events."""
    size_class = 0
    while capacity(size_class) < n:
        size_class += 1
    return size_class


@compiled
def slab_size(size_class: Word, columns: Word, masked: Word, lanes: Word) -> int:
    """Words of a slab of a size class."""
    cap = capacity(size_class)
    return int(cap * (2 + masked + columns) + cap // BLOCK * lanes * SUMMARY)


@compiled
def pack(pool: Ints, slab: tuple[Word, Word, Word], shape: tuple[Word, Word, Word],
         skip: Word, out: Ints) -> None:  # fmt: skip
    """Copy the events of a slab after the first ``skip`` (whole blocks) to ``out``.

    ``slab`` is its start, size class and number of events; ``shape`` is columns, masked, lanes.
    """
    start, cap, n = slab[0], capacity(slab[1]), slab[2]
    columns, masked, lanes = shape
    left = n - skip
    to: Word = 0
    for array in range(2 + masked + columns):
        if array == 1:
            continue
        at = start + array * cap + skip
        for i in range(left):
            out[to + i] = pool[at + i]
        to += left
    first = skip // BLOCK * lanes * SUMMARY
    at = start + (2 + masked + columns) * cap
    for i in range(first, n // BLOCK * lanes * SUMMARY):
        out[to] = pool[at + i]
        to += 1


@compiled
def unpack(words: Ints, n: Word, shape: tuple[Word, Word, Word], pool: Ints,
           slab: tuple[Word, Word]) -> None:  # fmt: skip
    """Lay ``n`` packed events into a slab: its start and size class; identities become 0."""
    columns, masked, lanes = shape
    start, cap = slab[0], capacity(slab[1])
    source: Word = 0
    for array in range(2 + masked + columns):
        at = start + array * cap
        if array == 1:
            for i in range(n):
                pool[at + i] = 0
            continue
        for i in range(n):
            pool[at + i] = words[source + i]
        source += n
    at = start + (2 + masked + columns) * cap
    for i in range(n // BLOCK * lanes * SUMMARY):
        pool[at + i] = words[source + i]
