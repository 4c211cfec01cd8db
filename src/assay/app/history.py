"""How does a history get into a home folder? Through the same door as live events, in bulk."""

from collections.abc import Callable, Iterable, Iterator

from assay.adapters.files.home import HomeLock
from assay.app.home import Home
from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.runtime.clock import LogClock
from assay.runtime.online import Engine, LoadReport

_PROGRESS_EVERY = 5_000


def import_history(
    home: Home,
    contracts: ContractSet,
    request: EventContract,
    events: Iterable[Event],
    *,
    horizon: int,
    progress: Callable[[int], None] = lambda _: None,
) -> LoadReport:
    """Append events to the log of a home folder; what breaks its contract goes to quarantine.

    The clock is the log's own, since a history lies in the past; events count as known when they
    happened. No feature state is kept meanwhile: the next server folds it from the log.

    Args:
        home: the folder; made when missing.
        contracts: the event types taken in.
        request: the one that is decided (its catalog stays empty here).
        events: in any order, although order of time is fastest.
        horizon: microseconds; older events than that behind the newest are kept but not counted.
        progress: called with the number of further events every few thousand.

    Raises:
        HomeLocked: a server has the folder open.
        Unavailable: the disk failed; what was taken in is recognised when repeated.
    """
    home.create()
    with HomeLock(home.path):
        log = home.open_log()
        engine = Engine.recover(
            contracts=contracts,
            catalog=Catalog(request=request, contracts=contracts, features=()),
            policy=None,
            scorer=None,
            lists=home.lists(),
            log=log,
            quarantine=log,
            clock=LogClock(),
            horizon=horizon,
        )
        try:
            return engine.load(_counted(events, progress))
        finally:
            engine.close()
            log.close()


def _counted(events: Iterable[Event], progress: Callable[[int], None]) -> Iterator[Event]:
    since = 0
    for event in events:
        yield event
        since += 1
        if since == _PROGRESS_EVERY:
            progress(since)
            since = 0
    progress(since)
