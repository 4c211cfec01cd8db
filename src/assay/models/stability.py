"""Has a distribution moved since development? Population stability on frozen bins."""

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from assay.core.errors import Invalid

#: Share that stands in for an empty bin, so that its term stays finite and is never dropped.
FLOOR = 1e-4


class Bins(msgspec.Struct, frozen=True):
    """Open-ended bins with edges frozen at development; not-known values have their own bin.

    ``edges`` increase strictly; with ``e`` of them there are ``e + 2`` bins: below the first edge,
    between edges (``edge <= value``), from the last, and last of all "not known".
    """

    edges: tuple[float, ...]

    @classmethod
    def quantiles(cls, reference: NDArray[np.float64], bins: int = 10) -> Self:
        """Edges at the quantiles of the known reference values; equal edges are merged.

        Raises:
            Invalid: fewer than two bins.

        Example:
            >>> import numpy as np
            >>> Bins.quantiles(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), 2).edges
            (3.0,)
        """
        if bins < 2:
            raise Invalid(f"expected at least two bins, got {bins}")
        known = np.sort(reference[~np.isnan(reference)])
        if not known.size:
            return cls(())
        places = (np.arange(1, bins) * known.size) // bins
        edges = np.unique(known[places])
        # The smallest value as an edge would leave the first bin empty by construction.
        return cls(tuple(edges[edges > known[0]].tolist()))

    def counts(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows per bin, shape ``(e + 2,)``, the unknown last."""
        unknown = np.isnan(values)
        place = np.searchsorted(np.asarray(self.edges), values[~unknown], side="right")
        found = np.bincount(place, minlength=len(self.edges) + 1)
        return np.append(found, int(unknown.sum()))


def psi(
    reference: NDArray[np.float64] | NDArray[np.int64],
    current: NDArray[np.float64] | NDArray[np.int64],
    *,
    floor: float = FLOOR,
) -> float:
    """Population stability index of two binned samples, in nats.

    With shares p and q, each at least ``floor``, ``sum((q - p) * ln(q / p))``; at least 0 and the
    same in both directions. A bin that is empty on both sides adds nothing.

    Args:
        reference: counts or shares per bin at development, shape ``(k,)``.
        current: counts or shares per bin now, same bins in the same order.
        floor: smallest share of a bin.

    Raises:
        Invalid: shapes differ, a count is negative, or a side has no rows.

    Source:
        The symmetric divergence of Jeffreys (1946), Proc. R. Soc. Lond. A 186:453-461.

    Example:
        >>> import numpy as np
        >>> p, q = np.array([.1, .2, .3, .25, .15]), np.array([.08, .17, .3, .28, .17])
        >>> round(psi(p, q), 8)
        0.01524156
    """
    if reference.shape != current.shape or reference.ndim != 1 or not reference.size:
        raise Invalid(
            f"expected two lists of bins of equal length, got {reference.shape}, {current.shape}"
        )
    if min(reference.min(), current.min()) < 0 or not (reference.any() and current.any()):
        raise Invalid("expected counts that are not negative and not all zero")
    p = np.maximum(reference / reference.sum(), floor)
    q = np.maximum(current / current.sum(), floor)
    return float(((q - p) * np.log(q / p)).sum())


def psi_noise(bins: int, reference_rows: int, current_rows: int, confidence: float = 0.95) -> float:
    """The PSI that two samples of one distribution stay below with that confidence.

    Under no change PSI is about ``(1/n + 1/m)`` times chi-squared with ``bins - 1`` degrees: a
    limit below this value raises alarms about nothing.

    Source:
        Yurdakul and Naranjo (2020), Statistical properties of the population stability index,
        Journal of Risk Model Validation 14(4).

    Example:
        >>> round(psi_noise(10, 1000, 1000), 4)
        0.0338
    """
    scale = 1.0 / reference_rows + 1.0 / current_rows
    return scale * float(chi2.ppf(confidence, bins - 1))
