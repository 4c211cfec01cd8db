"""Has a producer changed what it sends? Refusals at the door, judged by type and place.

One broken body is a mistake; a share of a type's traffic that breaks at the same place is a
release somebody made without us. What is refused waits in the quarantine, and features and
training would quietly do without it: so it is said aloud.
"""

from collections import Counter
from typing import TypeVar

import msgspec

from assay.contracts.contract import ContractSet
from assay.contracts.violation import ContractViolation
from assay.core.errors import AssayError
from assay.core.time import MINUTE

#: An alarm looks back so far, and needs so many refusals and such a share of the type's traffic.
WINDOW, REFUSED_MIN, SHARE_MIN = 10 * MINUTE, 20, 0.05
UNKNOWN = "unknown"  #: the type of a body that names none of ours
_Counted = TypeVar("_Counted")
_PLACES_MAX = 1_000  #: different places a minute; a sender cannot make more
_EXAMPLES_MAX = _PLACES_MAX * (WINDOW // MINUTE)  #: places that can be counted at one time


class ContractAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """Bodies of one event type that break at one place, of those that came in the window."""

    type: str
    path: str
    refused: int
    arrived: int
    example: str

    def __str__(self) -> str:
        """One line for a log."""
        of = f"{self.refused} of {self.arrived} ({self.refused / self.arrived:.0%})"
        return f"{of} {self.type!r} bodies break at {self.path}, such as: {self.example}"


class ContractWatch:
    """Counts by minute, for as many minutes as an alarm looks back; one thread counts.

    Example:
        >>> watch = ContractWatch(ContractSet([]))
        >>> broken = ContractViolation("$.data.amount", "money", "text")
        >>> for _ in range(REFUSED_MIN):
        ...     watch.refused(b'{"type": "paid"}', broken, now=0)
        >>> [(alarm.type, alarm.path, alarm.refused) for alarm in watch.alarms(now=MINUTE)]
        [('unknown', '$.data.amount', 20)]
        >>> watch.alarms(now=11 * MINUTE)
        ()
    """

    def __init__(self, contracts: ContractSet) -> None:
        self._types = frozenset(contract.type for contract in contracts)
        self._arrived: dict[int, Counter[str]] = {}
        self._refused: dict[int, Counter[tuple[str, str]]] = {}
        self._examples: dict[tuple[str, str], str] = {}

    def arrived(self, event_type: str, now: int) -> None:
        """An event of that type was taken in (``now`` in microseconds)."""
        _minute(self._arrived, now)[event_type] += 1

    def refused(self, raw: bytes, error: AssayError, now: int) -> None:
        """A body was refused; only a broken contract counts."""
        if not isinstance(error, ContractViolation):
            return
        event_type = type_of(raw)
        if event_type not in self._types:
            event_type = UNKNOWN
        counts = _minute(self._refused, now)
        place = (event_type, error.path)
        if place in counts or len(counts) < _PLACES_MAX:
            counts[place] += 1
            self._keep(place, str(error))
        _minute(self._arrived, now)[event_type] += 1

    def _keep(self, place: tuple[str, str], example: str) -> None:
        """The newest example of a place; those of places that no alarm can name any more go.

        A sender names the places, so they must not outlive what is counted.
        """
        if place not in self._examples and len(self._examples) >= 2 * _EXAMPLES_MAX:
            counted = set().union(*self._refused.values())
            self._examples = {at: said for at, said in self._examples.items() if at in counted}
        self._examples[place] = example

    def alarms(self, now: int) -> tuple[ContractAlarm, ...]:
        """What is broken now, the most frequent first; any thread may ask."""
        arrived = _since(self._arrived, now)
        refused = _since(self._refused, now)
        return tuple(
            ContractAlarm(
                type=place[0],
                path=place[1],
                refused=count,
                arrived=arrived[place[0]],
                example=self._examples.get(place, ""),
            )
            for place, count in refused.most_common()
            if count >= REFUSED_MIN and count >= SHARE_MIN * arrived[place[0]]
        )


def type_of(raw: bytes) -> str:
    """The event type a body names, ``unknown`` when it cannot be read."""
    try:
        named = msgspec.json.decode(raw, type=_Named).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNKNOWN
    return named if isinstance(named, str) else UNKNOWN


class _Named(msgspec.Struct):
    type: object = None


def _minute(counts: dict[int, Counter[_Counted]], now: int) -> Counter[_Counted]:
    """The counts of this minute; those too old for any alarm are forgotten."""
    minute = now // MINUTE
    found = counts.get(minute)
    if found is None:
        found = counts[minute] = Counter()
        for old in [at for at in counts if at <= minute - WINDOW // MINUTE]:
            del counts[old]
    return found


def _since(counts: dict[int, Counter[_Counted]], now: int) -> Counter[_Counted]:
    total: Counter[_Counted] = Counter()
    for minute, found in list(counts.items()):
        if minute > now // MINUTE - WINDOW // MINUTE:
            total.update(dict(found))
    return total
