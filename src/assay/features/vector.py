"""What was known about an entity at T, bit for bit, and the receipt that proves it."""

import hashlib

import msgspec
import numpy as np
from numpy.typing import NDArray


class Vector:
    """The values of one catalog, in catalog order.

    ``bits`` holds integers as they are and reals as the 64 bits of the double; ``known`` is 0
    where the value is not known (its bits are then 0). Both have shape ``(n,)``.
    """

    __slots__ = ("bits", "known")

    def __init__(self, bits: NDArray[np.int64], known: NDArray[np.uint8]) -> None:
        self.bits, self.known = bits, known

    @property
    def digest(self) -> str:
        """SHA-256 over bits and presence (little-endian): equal if and only if bit-identical."""
        data = self.bits.astype("<i8").tobytes() + self.known.tobytes()
        return "sha256:" + hashlib.sha256(data).hexdigest()


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is needed to recompute a served vector: definition, T, cut, and what came out.

    ``cut`` maps a partition of the log to the last ``seq`` that was visible. ``newest`` is the
    ``ts`` of the newest event used, None when no event was. ``absent`` maps each view that could
    not be had to the reason code: its values are not known. ``seen`` holds, for each view whose
    freshness was watched, the newest accepted ts of its source within the cut, None for none.
    """

    catalog: str
    at: int
    cut: dict[str, int]
    vector: str
    newest: int | None
    absent: dict[str, str] = {}
    seen: dict[str, int | None] = {}
