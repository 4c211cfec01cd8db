"""What happens on one day, before it has names: blocks of integer columns, one list per type.

Everything that behaves (``honest``, ``fraud``) writes blocks here; ``render`` turns the finished
day into events. Countries, message kinds, patterns and entities are numbers until then.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.core.time import DAY
from assay.simulate.draws import Draws, Ints

Block = dict[str, Ints]

COLUMNS: dict[str, tuple[str, ...]] = {
    "booking": (
        *("ts", "user", "device", "card", "listing", "host", "amount", "nightly", "suggested"),
        *("nights", "guests", "lead", "account_age", "host_age", "listing_age"),
        *("ip", "card_country", "kind", "slot", "pattern"),
    ),
    "payment": ("ts", "user", "device", "card", "amount", "ok", "failure", "ip", "card_country"),
    "login": ("ts", "user", "device", "ok", "new", "ip"),
    "message": ("ts", "user", "host", "listing", "kind", "slot"),
    "listing_created": ("ts", "listing", "host", "nightly", "suggested", "host_age"),
    "review": ("ts", "request", "user", "listing", "host", "author", "rating"),
    "label": (
        *("ts", "request", "fraud", "source", "amount"),
        *("user", "device", "card", "listing", "host"),
    ),
}


class Pattern(IntEnum):
    """What a booking truly is; only the truth kept apart ever says it."""

    NONE = 0
    CARD_TESTING = 1
    ACCOUNT_TAKEOVER = 2
    FAKE_LISTING = 3
    REVIEW_RING = 4
    FRIENDLY_FRAUD = 5
    MISTAKEN_DISPUTE = 6


class Failure(IntEnum):
    """Why an issuer said no; positions in the contract's choices."""

    INSUFFICIENT_FUNDS = 0
    INCORRECT_CVC = 1
    DO_NOT_HONOUR = 2
    EXPIRED_CARD = 3


class Stream(IntEnum):
    """Which part of a day draws: each has a stream of its own, so one never shifts another."""

    HONEST = 1
    AROUND = 2
    BACKGROUND = 3
    CARD_TESTING = 4
    TAKEOVER = 5
    FAKE_LISTING = 6
    RING = 7
    DISPUTES = 8
    FOLLOW_UP = 9


class Draft:
    """The blocks of one day, as they are written.

    Args:
        start: first instant of the day, microseconds.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self._blocks: dict[str, list[Block]] = {name: [] for name in COLUMNS}

    def add(self, event_type: str, **columns: Ints | int) -> None:
        """Add rows; a single number stands for a column of it. Times are held inside the day.

        Raises:
            Invalid: the columns are not exactly those of the type.
        """
        expected = COLUMNS[event_type]
        if set(columns) != set(expected):
            odd = sorted(set(columns) ^ set(expected))
            raise Invalid(f"block of {event_type!r}: expected {expected}, differs in {odd}")
        size = np.broadcast(*columns.values()).size
        block = {
            name: np.broadcast_to(np.asarray(columns[name], dtype=np.int64), (size,))
            for name in expected
        }
        block["ts"] = np.clip(block["ts"], self.start, self.start + DAY - 1)
        self._blocks[event_type].append(block)

    def take(self, event_type: str) -> Block:
        """All rows of a type in the order of their time, and forget them."""
        blocks = self._blocks[event_type]
        self._blocks[event_type] = []
        if not blocks:
            return empty(event_type)
        names = COLUMNS[event_type]
        stacked = {name: np.concatenate([block[name] for block in blocks]) for name in names}
        order = np.argsort(stacked["ts"], kind="stable")
        return {name: column[order] for name, column in stacked.items()}


def empty(event_type: str) -> Block:
    """A block without rows."""
    return {name: np.zeros(0, dtype=np.int64) for name in COLUMNS[event_type]}


def rows(block: Block, chosen: Ints | NDArray[np.bool_]) -> Block:
    """The chosen rows of a block."""
    return {name: column[chosen] for name, column in block.items()}


def repeated(counts: Ints) -> tuple[Ints, Ints]:
    """For each row repeated ``counts`` times: its row number, and which repetition it is.

    Example:
        >>> [part.tolist() for part in repeated(np.array([2, 0, 1]))]
        [[0, 0, 2], [0, 1, 0]]
    """
    owner = np.repeat(np.arange(counts.size, dtype=np.int64), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(owner.size, dtype=np.int64) - first[owner]


def seconds(draws: Draws, low: int, high: int, size: int) -> Ints:
    """``size`` durations from ``low`` to ``high`` seconds, to the microsecond."""
    return draws.between(low, high - 1, size) * 1_000_000 + draws.below(1_000_000, size)
