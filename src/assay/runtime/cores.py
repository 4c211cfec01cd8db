"""How does long work on arrays use every core? By threads: the kernels let each other run."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from assay.features.spread import ALONE, Spread


def usable() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def over_cores(threads: int = 0) -> Iterator[Spread]:
    """A way to share out a backfill; as many threads as cores unless told.

    Example:
        >>> with over_cores(2) as spread:
        ...     sorted(spread.run(lambda part: part * part, range(spread.parts)))
        [0, 1]
    """
    parts = threads or usable()
    if parts == 1:
        yield ALONE
        return
    with ThreadPoolExecutor(parts, thread_name_prefix="assay-backfill") as pool:
        yield Spread(parts, pool.map)
