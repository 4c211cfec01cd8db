"""What comes back later? Reviews after the stay, and what disputes reveal, when it is known.

The delay from booking to label is long-tailed (median about 12 days, one in ten later than 43) and
some fraud is never reported. What is due later waits in columns, at most ``_DELAY_MAX`` days, so
the memory it takes does not grow with the length of the world.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from assay.core.time import DAY, HOUR
from assay.simulate.draft import Block, Draft, Pattern, Stream, empty, rows, seconds
from assay.simulate.draws import Draws, Ints
from assay.simulate.settings import MarketplaceSettings

#: Hours from booking to a chargeback's report, as deciles.
_CHARGEBACK_HOURS = tuple(24 * days for days in (1, 3, 5, 7, 9, 12, 15, 20, 28, 43, 100))
#: Days that an investigation of collusion takes, the same way.
_INVESTIGATION_HOURS = tuple(24 * days for days in (4, 7, 10, 13, 16, 20, 24, 30, 38, 50, 90))
_REVERSAL_HOURS = tuple(24 * days for days in (10, 20, 30, 45))
_DELAY_MAX = 150
#: How often each pattern is ever reported, in 1/10,000, by position of ``Pattern``.
_REPORTED = np.array((0, 9_300, 9_000, 9_200, 6_500, 10_000, 10_000), dtype=np.int64)
_STARS, _STARS_RING = (2, 3, 8, 27, 60), (0, 0, 0, 4, 96)
#: A request is named by its day and its place in the day until it gets its id.
REQUEST_DAY = 1 << 20


class Source(IntEnum):
    """Who says what a request was; positions in the label contract's choices."""

    CHARGEBACK = 0
    REVIEW = 1
    MANUAL = 2
    REVERSAL = 3


class Followups:
    """What is still to come: one block a type, from which each day takes what is due."""

    def __init__(self, settings: MarketplaceSettings) -> None:
        self._settings = settings
        self._waiting = {name: empty(name) for name in ("label", "review")}

    def plan(self, day: int, bookings: Block) -> None:
        """Schedule what follows from the day's bookings, given in their final order."""
        draws = Draws(self._settings.seed, Stream.FOLLOW_UP, day)
        size = bookings["ts"].size
        request = day * REQUEST_DAY + np.arange(size, dtype=np.int64)
        self._labels(draws, bookings, request)
        self._reviews(draws, bookings, request)

    def deliver(self, draft: Draft) -> None:
        """Write what is due on the draft's day, and forget it."""
        for event_type, block in self._waiting.items():
            due = block["ts"] < draft.start + DAY
            if due.any():
                draft.add(event_type, **rows(block, due))
                self._waiting[event_type] = rows(block, ~due)

    def _labels(self, draws: Draws, bookings: Block, request: Ints) -> None:
        pattern = bookings["pattern"]
        known = draws.chance(_REPORTED[pattern], pattern.size)
        ring = pattern == Pattern.REVIEW_RING
        hours = np.where(
            ring,
            draws.spread(_INVESTIGATION_HOURS, pattern.size),
            draws.spread(_CHARGEBACK_HOURS, pattern.size),
        )
        ts = bookings["ts"] + hours * HOUR + seconds(draws, 0, 3_600, pattern.size)
        source = np.where(ring, int(Source.MANUAL), int(Source.CHARGEBACK))
        self._label(bookings, request, ts, source, fraud=1, chosen=known)
        later = ts + draws.spread(_REVERSAL_HOURS, pattern.size) * HOUR
        mistaken = pattern == Pattern.MISTAKEN_DISPUTE
        reversal = np.full(pattern.size, int(Source.REVERSAL), dtype=np.int64)
        self._label(bookings, request, later, reversal, fraud=0, chosen=mistaken)

    def _label(
        self,
        bookings: Block,
        request: Ints,
        ts: Ints,
        source: Ints,
        *,
        fraud: int,
        chosen: NDArray[np.bool_],
    ) -> None:
        names = ("amount", "user", "device", "card", "listing", "host")
        block = {name: bookings[name] for name in names}
        block |= {"ts": ts, "request": request, "source": source}
        block["fraud"] = np.full(ts.size, fraud, dtype=np.int64)
        self._schedule("label", rows(block, chosen))

    def _reviews(self, draws: Draws, bookings: Block, request: Ints) -> None:
        size = request.size
        ring = bookings["pattern"] == Pattern.REVIEW_RING
        good = ~np.isin(bookings["pattern"], (1, 2, 3))
        pause = np.where(ring, 0, draws.between(0, 6, size))
        ts = bookings["ts"] + (bookings["lead"] + bookings["nights"] + pause) * DAY
        for author, share in ((0, 3_000), (1, 1_200)):
            rating = np.where(ring, draws.choose(_STARS_RING, size), draws.choose(_STARS, size))
            block = {name: bookings[name] for name in ("user", "listing", "host")}
            block |= {"request": request, "rating": 1 + rating}
            block["ts"] = ts + seconds(draws, 3_600, 40_000, size)
            block["author"] = np.full(size, author, dtype=np.int64)
            written = draws.chance(np.where(ring, 6_500, share), size)
            self._schedule("review", rows(block, good & written))

    def _schedule(self, event_type: str, block: Block) -> None:
        settings = self._settings
        end = settings.start + settings.days * DAY
        if block["ts"].size:
            asked = settings.start + int(block["request"][0]) // REQUEST_DAY * DAY
            end = min(end, asked + _DELAY_MAX * DAY)
        waiting, coming = self._waiting[event_type], rows(block, block["ts"] < end)
        self._waiting[event_type] = {
            name: np.concatenate((waiting[name], coming[name])) for name in waiting
        }
