"""A longer world needs no more memory."""

import tracemalloc

import msgspec
from tests.unit.simulate.worlds import SMALL

from assay.simulate.world import simulate


def peak_bytes(days: int) -> int:
    """The most memory that was allocated while a world went by, day by day."""
    settings = msgspec.structs.replace(SMALL, days=days)
    for _ in simulate(msgspec.structs.replace(SMALL, days=2)):
        pass  # caches of the interpreter and of numpy are filled first
    tracemalloc.start()
    try:
        for batch in simulate(settings):
            sum(1 for _ in batch.events())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_flat_in_the_number_of_days() -> None:
    """Four times the days, at most a fifth more: what waits to be labelled or reviewed."""
    assert peak_bytes(20) < 1.2 * peak_bytes(5)
