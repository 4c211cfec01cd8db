"""How much forecast and how many frauds fall into each equal-width bin? One pass, compiled.

A separate file, because numba's cache follows the file of the function it compiled.
"""

import numpy as np
from numpy.typing import NDArray

from assay.features.compiled import compiled


@compiled
def bin_sums(
    probs: NDArray[np.float64],
    labels: NDArray[np.int64] | NDArray[np.int8] | NDArray[np.bool_],
    forecast: NDArray[np.float64],
    frauds: NDArray[np.float64],
) -> bool:
    """Add every row to its bin; False at the first probability or label that has no meaning.

    Rows are added in order, so the sums have the bits of ``numpy.bincount``.
    """
    bins = forecast.size
    for row in range(probs.size):
        prob, label = probs[row], labels[row]
        # Written so that NaN, which satisfies no comparison, is refused too.
        if not (prob >= 0.0 and prob <= 1.0) or (label != 0 and label != 1):
            return False
        place = min(int(prob * bins), bins - 1)
        forecast[place] += prob
        frauds[place] += label
    return True
