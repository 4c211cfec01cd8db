"""Is enough of the history here to learn from, or does a part of it wait in the quarantine?

A producer's change must not retrain a model in silence: features over events that were refused
read as if nothing had happened.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Protocol

from assay.contracts.event import LoggedEvent
from assay.contracts.quarantine import Refusal
from assay.core.errors import Invalid
from assay.runtime.contract_watch import type_of

#: Of the bodies of one event type, at most this share may be missing; a few always are.
MISSING_MAX, REFUSED_MIN = 0.01, 20


class HistoryIncomplete(Invalid):
    """Too much of what happened is in the quarantine and not in the log."""

    code = "history_incomplete"


class Known(Protocol):
    """What is read of the event log."""

    def read(self, after: int = 0, until: int | None = None) -> Iterator[LoggedEvent]:
        """The events in ``seq`` order."""
        ...


def check_complete(log: Known, refusals: Iterable[Refusal], types: frozenset[str]) -> None:
    """Return when at most a hundredth of every event type is missing.

    Args:
        log: what was taken in.
        refusals: what was not.
        types: event types that are learned from; bodies without a readable type count for none.

    Raises:
        HistoryIncomplete: names the type, the share, the commonest place, and what to do.
    """
    broken: dict[str, Counter[str]] = {}
    for refusal in refusals:
        event_type = type_of(refusal.raw)
        if event_type in types:
            broken.setdefault(event_type, Counter())[refusal.path] += 1
    suspects = {name: counts for name, counts in broken.items() if counts.total() >= REFUSED_MIN}
    if not suspects:
        return
    taken = Counter(logged.event.type for logged in log.read() if logged.event.type in suspects)
    for name, counts in suspects.items():
        missing = counts.total()
        share = missing / (missing + taken[name])
        if share > MISSING_MAX:
            [(path, often)] = counts.most_common(1)
            raise HistoryIncomplete(
                f"{missing} of {missing + taken[name]} {name!r} events ({share:.1%}) are in the "
                f"quarantine, {often} of them broken at {path}: put the contract right and "
                "run `assay quarantine replay`, or say --despite-quarantine"
            )
