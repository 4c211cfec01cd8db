"""How much does it matter that some facts came late? Values that differ between ways to look back.

A model may learn from values as they were served, as they were known at the time, or as they are
known now. Where the ways differ, training on one and serving by another is skew.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

#: As served: from the receipts. As known: from facts known at T. As corrected: from all facts.
Mode = Literal["as_served", "as_known", "as_corrected"]
MODES: tuple[Mode, ...] = ("as_served", "as_known", "as_corrected")


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """How many values differ between the modes, value by value of a catalog.

    ``mode`` is the one used for ``rows`` rows, of which ``served`` have a receipt; what a frame as
    served has no receipt for is as known. Each count is one a name: of the values served and those
    known at T, of those known at T and those known now, of those served and those known now.
    ``delays`` says how late facts without a known moment were taken to be, by event type
    (microseconds).
    """

    mode: Mode
    rows: int
    served: int
    names: tuple[str, ...]
    served_known: tuple[int, ...]
    known_corrected: tuple[int, ...]
    served_corrected: tuple[int, ...]
    delays: dict[str, int]

    @property
    def late_data(self) -> int:
        """Values that are other now than they were known at T."""
        return sum(self.known_corrected)

    @property
    def used_corrected(self) -> int:
        """Values used that are other than those known now."""
        by_mode = {
            "as_served": sum(self.served_corrected),
            "as_known": sum(self.known_corrected),
            "as_corrected": 0,
        }
        return by_mode[self.mode]


def differing(
    one: tuple[NDArray[np.int64], NDArray[np.uint8]],
    other: tuple[NDArray[np.int64], NDArray[np.uint8]],
    where: NDArray[np.bool_] | None = None,
) -> tuple[int, ...]:
    """Values of two frames of ``(bits, known)`` that differ in any bit, column by column.

    With ``where``, of the same shape, only those are compared.

    Example:
        >>> bits, known = np.array([[1, 2]]), np.array([[1, 1]], np.uint8)
        >>> differing((bits, known), (np.array([[1, 3]]), known))
        (0, 1)
    """
    if one[0] is other[0] and one[1] is other[1]:
        return (0,) * int(one[0].shape[1])
    wrong = (one[0] != other[0]) | (one[1] != other[1])
    if where is not None:
        wrong &= where
    counts: list[int] = np.count_nonzero(wrong, axis=0).tolist()
    return tuple(counts)
