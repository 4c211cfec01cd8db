"""What was known at many requests? The vectors of a backfill, one row a request."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.features.definition import ValueKind
from assay.features.values import floats
from assay.features.vector import Vector


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Vectors in (ts, event id) order of their requests.

    ``bits`` and ``known`` have shape ``(n, m)`` and mean what they mean in a ``Vector``; ``at``
    holds T, shape ``(n,)``. ``overflows`` and ``derived_failures`` count values that are not
    known because they did not fit, or their function failed.
    """

    names: tuple[str, ...]
    kinds: tuple[ValueKind, ...]
    bits: NDArray[np.int64]
    known: NDArray[np.uint8]
    at: NDArray[np.int64]
    event_ids: Sequence[str] | NDArray[np.int64]
    overflows: int = 0
    derived_failures: int = 0

    def __len__(self) -> int:
        return len(self.at)

    def floats(self) -> NDArray[np.float64]:
        """The values as doubles, shape ``(n, m)``; NaN where not known."""
        reals = np.array([kind == "real" for kind in self.kinds], np.bool_)
        return floats(self.bits, self.known, reals)

    def vector(self, row: int) -> Vector:
        """One row as a vector, sharing its memory."""
        return Vector(self.bits[row], self.known[row])
