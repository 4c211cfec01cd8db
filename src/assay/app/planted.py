"""A simulated shop in which the classic skew is planted on purpose."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from assay.app.workloads import workload_named
from assay.contracts.event import Event
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry
from assay.runtime.skew import SkewReport, measure_skew
from assay.simulate.settings import MarketplaceSettings
from assay.simulate.world import simulate


def planted_skew(
    *,
    days: int,
    bookings: int,
    seed: int,
    progress: Callable[[str, int], None] = lambda _what, _count: None,
) -> SkewReport:
    """Simulate a shop, plant the skew, measure it; see `measure_skew`.

    Args:
        days: how long the shop is simulated; labels take weeks.
        bookings: honest ones on an average day.
        seed: of the world.
        progress: see `measure_skew`.

    Raises:
        NotEnoughData: the world is too small or too short.
    """
    world = MarketplaceSettings(
        seed=seed,
        days=days,
        bookings_per_day=bookings,
        users=max(22 * bookings, 1_000),
        listings=max(3 * bookings, 200),
        hosts=max(2 * bookings, 100),
    )
    log = MemoryLog()
    for batch in simulate(world):
        log.append(list(_entries(batch.events(), log.last_seq())))
    return measure_skew(log, workload_named("checkout"), progress=progress)


def _entries(events: Iterable[Event], last: int) -> Iterator[Entry]:
    numbers = count(last + 1)
    for event in events:
        yield Entry(seq=next(numbers), event=event, known_at=event.ts, accepted=True)
