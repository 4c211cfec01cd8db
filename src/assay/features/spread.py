"""How is work on many rows shared out? As the caller says: this room starts no threads itself."""

from collections.abc import Callable, Iterable

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """``run`` calls a function for each of ``parts`` numbers, at once or one after the other.

    It is ``map``, or that of an executor: ``Spread(4, pool.map)``. The kernels let other threads
    run, and no number of parts changes a bit of what is computed.
    """

    parts: int = 1
    run: Callable[[Callable[[int], int], Iterable[int]], Iterable[int]] = map


ALONE = Spread()
