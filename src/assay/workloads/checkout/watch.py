"""Who has the most money held back right now, and when did a device first test cards?

Two questions an operations desk asks about a running shop, kept up to date event by event.
"""

from collections.abc import Iterable

from assay.contracts.event import Event
from assay.core.time import MINUTE
from assay.features.burst import earliest_flag_minute
from assay.features.leaderboard import Leaderboard

#: The burst that the rule ``card_testing_velocity`` looks for: an hour, four failed payments.
BURST_MINUTES, BURST_FAILURES = 60, 4
#: Outcomes that keep the money from moving until somebody says otherwise.
_HELD = frozenset({"review", "hold", "block"})


class Watch:
    """Amounts held back by account, in cents.

    Example:
        >>> watch = Watch()
        >>> booking = Event("b1", "booking", 0, {"user_id": "ann", "amount": 25_000})
        >>> watch.decided(booking, "review")
        >>> watch.most_held(1)
        [('ann', 25000)]
        >>> watch.released(booking)
        >>> watch.most_held(1)
        []
    """

    def __init__(self) -> None:
        self._held: Leaderboard[str] = Leaderboard()

    def decided(self, booking: Event, outcome: str) -> None:
        """A booking was decided on."""
        if outcome in _HELD:
            self._held.update(booking.payload["user_id"], booking.payload["amount"])

    def released(self, booking: Event) -> None:
        """A reviewer let a held booking go."""
        self._held.update(booking.payload["user_id"], -booking.payload["amount"])

    def most_held(self, k: int) -> list[tuple[str, int]]:
        """The accounts with the most money held back, and how much; none that has nothing."""
        return [(user, cents) for user, cents in self._held.top_k(k) if cents > 0]


def first_burst(
    payments: Iterable[Event], *, minutes: int = BURST_MINUTES, failures: int = BURST_FAILURES
) -> tuple[int, str] | None:
    """The earliest instant at which a device's failed payments are a burst, and the device.

    It is the first full minute T at which the feature that counts them over ``[T - window, T)``
    reaches the limit. Ties go to the smaller device.

    Args:
        payments: events of type ``payment``, in any order; others are passed over.
        minutes: of the window.
        failures: that make a burst.
    """
    failed: dict[str, list[int]] = {}
    for event in payments:
        device = event.payload.get("device_id")
        if event.type == "payment" and event.payload.get("succeeded") is False and device:
            failed.setdefault(device, []).append(event.ts // MINUTE)
    found = [
        ((minute + 1) * MINUTE, device)
        for device, at in failed.items()
        if (minute := earliest_flag_minute(at, minutes, failures)) >= 0
    ]
    return min(found, default=None)
