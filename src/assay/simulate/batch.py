"""What does one simulated day hold? Columns per event type, events in order, the truth apart."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event


class Table(msgspec.Struct, frozen=True):
    """The events of one type in the order of their time.

    ``columns`` maps field names to values of the same length; None is "not known".
    """

    type: str
    ids: list[str]
    ts: NDArray[np.int64]
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        """How many events the table holds."""
        return len(self.ids)

    def events(self) -> Iterator[Event]:
        """The rows as events; what is not known is left out of the payload."""
        names = tuple(self.columns)
        optional = any(None in column for column in self.columns.values())
        for id_, ts, *values in zip(
            self.ids, self.ts.tolist(), *self.columns.values(), strict=True
        ):
            payload = dict(zip(names, values, strict=True))
            if optional:
                payload = {name: value for name, value in payload.items() if value is not None}
            yield Event(id_, self.type, ts, payload)


class Truth(msgspec.Struct, frozen=True):
    """What the bookings of a day truly were; the platform never reads it.

    ``pattern`` names the fraud (``none`` and ``mistaken_dispute`` are honest) and ``age_band`` the
    guest's age group, which only a fairness audit may see. All columns have one length.
    """

    request_id: list[str]
    pattern: list[str]
    is_fraud: NDArray[np.bool_]
    user_id: list[str]
    age_band: list[str]

    def __len__(self) -> int:
        """How many bookings the day had."""
        return len(self.request_id)


class DayBatch(msgspec.Struct, frozen=True):
    """One day of the world: what the platform may see (``tables``) and what is true (``truth``)."""

    day: int
    start: int
    tables: dict[str, Table]
    truth: Truth

    def __len__(self) -> int:
        """How many events the day holds."""
        return sum(len(table) for table in self.tables.values())

    def events(self) -> Iterator[Event]:
        """All events of the day in ``(ts, id)`` order."""
        events = [event for table in self.tables.values() for event in table.events()]
        events.sort(key=attrgetter("ts", "id"))
        return iter(events)
