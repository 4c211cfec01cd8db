"""How long do labels take, when only those that have come can be seen?"""

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid


def arrived_by(
    delay: NDArray[np.int64], watched: NDArray[np.int64], ages: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The share of labels that have arrived at each age, among those that ever will be seen.

    A request watched for ten days can only show delays up to ten: taking the delays as they are
    would make labels look faster than they are. The product-limit estimate in reversed time
    corrects for that. It says nothing about delays longer than the longest watch, so the share is
    relative to what arrives within it.

    Args:
        delay: from request to label, of labels that have arrived, shape ``(n,)``.
        watched: from request to now, at least the delay, same unit and shape.
        ages: where the share is wanted, shape ``(k,)``.

    Returns:
        Shares in [0, 1] that never decrease with age, shape ``(k,)``.

    Raises:
        Invalid: no labels, shapes differ, or a delay is negative or longer than its watch.

    Source:
        Lagakos, Barraj and De Gruttola (1988), Nonparametric analysis of truncated survival data,
        Biometrika 75:515-523.

    Example:
        >>> import numpy as np
        >>> arrived_by(np.array([1, 1, 3]), np.array([2, 4, 4]), np.array([1, 2, 3]))
        array([0.5, 0.5, 1. ])
    """
    if not delay.size or delay.shape != watched.shape:
        raise Invalid(f"expected delays and watches of one length, got {delay.shape}")
    if (delay < 0).any() or (delay > watched).any():
        raise Invalid("expected delays of at least 0 and at most as long as the request is watched")
    levels, count = np.unique(delay, return_counts=True)
    # At risk at a delay u, looking back: labels that came by u on requests watched for u or more.
    came = np.cumsum(count)
    unwatched = np.searchsorted(np.sort(watched), levels, side="left")
    at_risk = came - unwatched
    stays = 1.0 - count / at_risk
    # The share at age a is the product over all delays longer than a.
    later = np.append(np.cumprod(stays[::-1])[::-1], 1.0)
    shares: NDArray[np.float64] = later[np.searchsorted(levels, ages, side="right")]
    return shares
