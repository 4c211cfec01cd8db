"""What does a vector say, in doubles for a model and in named values for rules and people?"""

import numpy as np
from numpy.typing import NDArray

from assay.features.catalog import Catalog
from assay.features.derive import decoded
from assay.features.vector import Vector


def as_floats(vector: Vector, catalog: Catalog) -> NDArray[np.float64]:
    """The values as doubles, shape ``(n,)``; NaN where not known.

    A whole number beyond 2**53 is rounded to the nearest double; the vector keeps it exactly.
    """
    return floats(vector.bits, vector.known, catalog.real_mask)


def as_values(vector: Vector, catalog: Catalog) -> dict[str, int | float | bool | None]:
    """The values by name, of their own kind; None where not known."""
    return {
        name: decoded(bits, kind) if known else None
        for name, kind, bits, known in zip(
            catalog.names, catalog.kinds, vector.bits.tolist(), vector.known.tolist(), strict=True
        )
    }


def floats(
    bits: NDArray[np.int64], known: NDArray[np.uint8], reals: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Bits as doubles, any shape ``(..., n)``; ``reals`` of shape ``(n,)`` marks doubles."""
    values = np.where(reals, bits.view(np.float64), bits)
    values[known == 0] = np.nan
    return values
