"""How does a history get into a home folder? Through the same door as live events, in bulk.

The clock is the log's own, since a history lies in the past. No feature state is kept meanwhile:
the next server folds it from the log.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import msgspec

from assay.adapters.files.home import HomeLock
from assay.app.home import Home
from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.features.catalog import Catalog
from assay.runtime.clock import LogClock
from assay.runtime.ingest import Tally
from assay.runtime.intake import Ack
from assay.runtime.online import Engine, LoadReport
from assay.runtime.ports import Clock, Quarantine
from assay.runtime.tables import Row

_PROGRESS_EVERY = 5_000
_LINES_AT_ONCE = 2_000

Progress = Callable[[int], None]
Refused = Callable[[Refusal], None]


def import_history(
    home: Home,
    contracts: ContractSet,
    request: EventContract,
    events: Iterable[Event],
    *,
    horizon: int,
    progress: Progress = lambda _: None,
) -> LoadReport:
    """Append decoded events to the log; they count as known when they happened.

    Args:
        home: the folder; made when missing.
        contracts: the event types taken in; what breaks one goes to quarantine.
        request: the one that is decided (its catalog stays empty here).
        events: in any order, although order of time is fastest.
        horizon: microseconds; older events than that behind the newest are kept but not counted.
        progress: called with the number of further events every few thousand.

    Raises:
        HomeLocked: a server has the folder open.
        Unavailable: the disk failed; what was taken in is recognised when repeated.
    """
    with _opened(home, contracts, request, horizon) as (engine, _):
        return engine.load(_counted(events, progress))


def import_lines(
    home: Home,
    contracts: ContractSet,
    request: EventContract,
    lines: Iterable[tuple[str, bytes]],
    *,
    horizon: int,
    progress: Progress = lambda _: None,
    refused: Refused = lambda _: None,
) -> LoadReport:
    """Append events in wire form, one JSON object a line; see `import_history`.

    A line that is no event goes to quarantine whole, with the reason; blank lines are passed over.
    A line comes with its place (``FILE:N``), which the quarantine keeps; ``refused`` is told every
    refusal.
    """
    stream = ((place, line) for place, text in lines if (line := text.strip()))
    with _opened(home, contracts, request, horizon) as (engine, log):
        tally = Tally()
        while chunk := list(islice(stream, _LINES_AT_ONCE)):
            results = engine.ingest([line for _, line in chunk]).result()
            tally.add(results)
            _note(log, [place for place, _ in chunk], results, refused)
            progress(len(chunk))
        return tally.report()


def import_rows(
    home: Home,
    contracts: ContractSet,
    request: EventContract,
    rows: Iterable[Row],
    *,
    horizon: int,
    progress: Progress = lambda _: None,
    refused: Refused = lambda _: None,
) -> LoadReport:
    """Append the rows of tables, known when their files say; see `import_lines`."""
    held: dict[int, Row] = {}
    places: deque[str] = deque()  # of what was given and is not settled, in order

    def events() -> Iterator[Event]:
        for row in rows:
            held[id(row.event)] = row
            places.append(row.place)
            yield row.event

    def known_at(event: Event) -> int:
        row = held.pop(id(event))  # asked once of every event, while its group is held
        if row.trouble is not None:
            raise row.trouble
        return row.known_at

    with _opened(home, contracts, request, horizon) as (engine, log):

        def told(results: Sequence[Ack | Refusal]) -> None:
            _note(log, [places.popleft() for _ in results], results, refused)

        return engine.load(_counted(events(), progress), known_at=known_at, told=told)


def _note(
    log: Quarantine,
    places: Sequence[str],
    results: Sequence[Ack | Refusal],
    refused: Refused,
) -> None:
    """Keep with each refusal where it stood, and say it."""
    found: dict[int, str] = {}
    for place, result in zip(places, results, strict=True):
        if isinstance(result, Refusal):
            refused(msgspec.structs.replace(result, place=place))
            if result.id is not None and place:
                found.setdefault(result.id, place)
    if found:
        log.note_places(found)


def replay_quarantine(
    home: Home, contracts: ContractSet, request: EventContract, *, horizon: int, clock: Clock
) -> LoadReport:
    """Take in what was refused before, now that whatever was wrong has been put right.

    What is taken in leaves the quarantine; what is refused again stays as it is.

    Args:
        home: the folder.
        contracts: the event types taken in.
        request: the one that is decided.
        horizon: see `import_history`.
        clock: what ``ts`` is compared with, as a server of this home would.

    Raises:
        HomeLocked: a server has the folder open: stop it first.
    """
    with _opened(home, contracts, request, horizon, clock) as (engine, _):
        tally = Tally()
        tally.add(engine.replay_quarantine())
        return tally.report()


@contextmanager
def _opened(
    home: Home,
    contracts: ContractSet,
    request: EventContract,
    horizon: int,
    clock: Clock | None = None,
) -> Iterator[tuple[Engine, Quarantine]]:
    home.create()
    with HomeLock(home.path):
        log = home.open_log()
        try:
            engine = Engine.recover(
                contracts=contracts,
                catalog=Catalog(request=request, contracts=contracts, features=()),
                policy=None,
                scorer=None,
                lists=home.lists(),
                log=log,
                quarantine=log,
                clock=clock or LogClock(),
                horizon=horizon,
            )
            try:
                yield engine, log
            finally:
                engine.close()
        finally:
            log.close()


def _counted(events: Iterable[Event], progress: Progress) -> Iterator[Event]:
    since = 0
    for event in events:
        yield event
        since += 1
        if since == _PROGRESS_EVERY:
            progress(since)
            since = 0
    progress(since)
