"""What becomes of many events at once: from a caller, from the quarantine, from a history?"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any

import msgspec

from assay.contracts.contract import ContractSet
from assay.contracts.decode import check_event, encode_event
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.core.errors import Invalid
from assay.runtime.intake import Ack, Intake
from assay.runtime.live import Live
from assay.runtime.ports import Entry

#: Events of a history that are taken in together, and how many such groups may wait for the disk.
_CHUNK, _CHUNKS_WAITING = 2_000, 3

Known = Callable[[Event], int]
Check = Callable[[Event], Event]


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a history: ``late`` ones are kept and count nowhere."""

    accepted: int
    late: int
    duplicates: int
    refused: int


class Batch:
    """Events taken in together: the new entries, and one result each in the order given."""

    __slots__ = ("entries", "results")

    def __init__(self, entries: Sequence[Entry], results: list[Ack | Refusal]) -> None:
        self.entries, self.results = tuple(entries), results

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The refused ones, in order."""
        return tuple(result for result in self.results if isinstance(result, Refusal))

    def answer(self, ids: Sequence[int]) -> list[Ack | Refusal]:
        """The results, the refusals with their places in the quarantine, if they got any."""
        if not ids:
            return self.results
        places = iter(ids)
        return [
            msgspec.structs.replace(result, id=next(places))
            if isinstance(result, Refusal)
            else result
            for result in self.results
        ]


def take_raws(
    intake: Intake,
    live: Live,
    raws: Sequence[bytes],
    future: Future[Any],
    check: Check | None = None,
) -> Batch:
    """Take in JSON bodies; one that ``check`` raises Invalid on is refused."""

    def decode(raw: bytes) -> Event:
        event = intake.decode(raw)
        return event if check is None else check(event)

    return _take(intake, live, raws, decode, bytes, future, None)


def take_events(
    intake: Intake,
    live: Live,
    events: Sequence[Event],
    contracts: ContractSet,
    future: Future[Any],
    known_at: Known | None,
) -> Batch:
    """Take in events that did not come as JSON; a refused one is kept in its wire form."""

    def checked(event: Event) -> Event:
        return check_event(event, contracts)

    return _take(intake, live, events, checked, encode_event, future, known_at)


def load_events(
    events: Iterable[Event], submit: Callable[[Sequence[Event]], Future[list[Ack | Refusal]]]
) -> LoadReport:
    """Submit a history in groups, a few of them on their way to the disk at a time."""
    counts = dict.fromkeys(("accepted", "late", "duplicates", "refused"), 0)
    waiting: deque[Future[list[Ack | Refusal]]] = deque()
    for chunk in _chunks(events):
        waiting.append(submit(chunk))
        if len(waiting) > _CHUNKS_WAITING:
            _count(waiting.popleft().result(), counts)
    for future in waiting:
        _count(future.result(), counts)
    return LoadReport(**counts)


def _take(
    intake: Intake,
    live: Live,
    items: Sequence[Any],
    decode: Callable[[Any], Event],
    raw: Callable[[Any], bytes],
    future: Future[Any],
    known_at: Known | None,
) -> Batch:
    events: list[Event] = []
    refused: dict[int, Invalid] = {}
    for place, item in enumerate(items):
        try:
            events.append(decode(item))
        except Invalid as error:
            refused[place] = error
    entries, taken = intake.take(live, events, future, known_at)
    if not refused and all(isinstance(result, Ack) for result in taken):
        return Batch(entries, taken)  # type: ignore[arg-type]  # just checked
    results: list[Ack | Refusal] = []
    following = iter(taken)
    for place, item in enumerate(items):
        result = refused[place] if place in refused else next(following)
        results.append(result if isinstance(result, Ack) else intake.refusal(raw(item), result))
    return Batch(entries, results)


def _chunks(events: Iterable[Event]) -> Iterator[list[Event]]:
    stream = iter(events)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk


def _count(results: Iterable[Ack | Refusal], counts: dict[str, int]) -> None:
    for result in results:
        if isinstance(result, Refusal):
            counts["refused"] += 1
        elif result.duplicate:
            counts["duplicates"] += 1
        else:
            counts["accepted" if result.accepted else "late"] += 1
