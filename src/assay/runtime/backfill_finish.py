"""What is computed once the look-ups of a request are together? Combined and derived values."""

import numpy as np
from numpy.typing import NDArray

from assay.features.catalog import Catalog
from assay.features.columns import Columns, payload_values
from assay.features.derive import Deriver
from assay.features.vector import Vector


def finish(
    catalog: Catalog, bits: NDArray[np.int64], known: NDArray[np.uint8], requests: Columns
) -> int:
    """Complete vectors whose features are in place, shape ``(n, m)``; returns failed functions.

    ``requests`` holds the payload fields that derived values need.
    """
    if not catalog.derived:
        return 0
    deriver = Deriver(catalog)
    names = list(requests.fields)
    columns = [payload_values(requests.column(name)) for name in names]
    for row in range(len(bits)):
        payload = {name: column[row] for name, column in zip(names, columns, strict=True)}
        deriver.fill(Vector(bits[row], known[row]), payload)
    return deriver.failures
