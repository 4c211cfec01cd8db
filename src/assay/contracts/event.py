"""What an event is: something that happened at ``ts``, said once, under one id."""

from typing import Any

import msgspec

from assay.core.canonical import digest

#: What a payload may hold after decoding. ``None`` means "not known" and nothing else.
Scalar = str | int | float | bool | None


class Event(msgspec.Struct, frozen=True):
    """One decoded, validated event.

    ``ts`` is when it happened (int64 microseconds UTC); ``payload`` maps field names of the
    contract to values in the contract's units. Equality of events is equality of ``digest``.
    """

    id: str
    type: str
    ts: int
    payload: dict[str, Any]

    @property
    def digest(self) -> str:
        """The content hash that decides whether the same id means the same event."""
        return digest({"id": self.id, "type": self.type, "ts": self.ts, "data": self.payload})


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event with its place in the log and the verdict on its lateness.

    ``seq`` counts from 1 in its partition; ``known_at`` is when the platform learned of it;
    ``accepted`` is False for an event older than the horizon, and a replay never re-derives it.
    """

    seq: int
    known_at: int
    accepted: bool
    event: Event
