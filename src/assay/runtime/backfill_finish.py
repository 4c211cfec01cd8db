"""What is computed once the look-ups of a request are together? Combined and derived values."""

import numpy as np
from numpy.typing import NDArray

from assay.features.catalog import Catalog
from assay.features.columns import Columns, payload_values
from assay.features.combine import combine
from assay.features.derive import Deriver
from assay.features.vector import Vector


def finish(
    catalog: Catalog, bits: NDArray[np.int64], known: NDArray[np.uint8], requests: Columns
) -> tuple[int, int]:
    """Complete vectors whose features are in place, shape ``(n, m)``.

    ``requests`` holds the payload fields that derived values need. Returns how many combined values
    did not fit, and how many functions failed.
    """
    lost = combine(catalog.combining, bits, known) if catalog.combined else 0
    if not catalog.derived:
        return lost, 0
    deriver = Deriver(catalog)
    names = list(requests.fields)
    columns = [payload_values(requests.column(name)) for name in names]
    for row in range(len(bits)):
        payload = {name: column[row] for name, column in zip(names, columns, strict=True)}
        deriver.fill(Vector(bits[row], known[row]), payload)
    return lost, deriver.failures
