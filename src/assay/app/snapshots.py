"""How is a snapshot taken of a home that another process may be serving? By folding beside it."""

from collections.abc import Callable

from assay.app.home import Home, control
from assay.app.settings import Settings
from assay.app.wire import choose
from assay.runtime.live import Live
from assay.runtime.snapshot import Snapshot, take


def take_snapshot(settings: Settings, progress: Callable[[int], None]) -> Snapshot | None:
    """Keep the state at the end of a home's log; None if the newest snapshot is of there.

    Raises:
        NotFound: the folder is no home.
        GateRefused: no version may decide there, so no catalog is known.
        Corrupt: the log is damaged.
        Unavailable: the snapshot could not be written.
    """
    home = Home(settings.home)
    home.check()
    with control(home) as parts:
        chosen = choose(settings.workload, parts, home)
    capacity = chosen.policy.policy.capacity_per_day

    def make() -> Live:
        return Live(chosen.workload.catalog, capacity, 0, lookback=settings.time.request_age)

    log = home.open_log()
    try:
        return take(log, make, home.snapshots(), progress)
    finally:
        log.close()
