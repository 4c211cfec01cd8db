"""Do the probabilities mean what they say? Tests of calibration with known null laws."""

import msgspec
import numpy as np
from scipy.special import betainc, expit, logit, ndtr
from scipy.stats import binom, chi2

from assay.core.errors import Invalid
from assay.models.metrics import Floats, Labels, checked_probs


class Line(msgspec.Struct, frozen=True):
    """Slope and intercept of the outcome's log-odds on the forecast's, with standard errors.

    Perfect calibration has slope 1 and intercept 0; a slope below 1 means forecasts too extreme.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float


class Murphy(msgspec.Struct, frozen=True):
    """Brier score = reliability - resolution + uncertainty, over groups of equal forecast."""

    reliability: float
    resolution: float
    uncertainty: float


def spiegelhalter(probs: Floats, labels: Labels) -> tuple[float, float]:
    """The z and two-sided p of the hypothesis that the outcomes were drawn from the probabilities.

    Raises:
        Invalid: every forecast is 0, 1/2 or 1, which leaves the statistic undefined.

    Source:
        Spiegelhalter (1986), Statistics in Medicine 5:421-433.

    Example:
        >>> import numpy as np
        >>> p = np.array([.1, .2, .3, .4, .5, .6, .7, .8, .9, .95])
        >>> z, chance = spiegelhalter(p, np.array([0, 0, 1, 0, 1, 0, 1, 1, 1, 1]))
        >>> round(z, 8), round(chance, 5)
        (-0.41103969, 0.68104)
    """
    probs, labels = checked_probs(probs, labels)
    lean = 1.0 - 2.0 * probs
    spread = float((lean * lean * probs * (1.0 - probs)).sum())
    if spread <= 0.0:
        raise Invalid("every forecast is 0, 1/2 or 1: Spiegelhalter's z is not defined")
    z = float(((labels - probs) * lean).sum()) / spread**0.5
    return z, float(2.0 * ndtr(-abs(z)))


def calibration_line(probs: Floats, labels: Labels) -> Line:
    """Logistic regression of the outcome on the log-odds of the forecast (Cox's calibration).

    Raises:
        Invalid: a forecast of 0 or 1, one class or one forecast only, or no finite answer (the
            forecasts separate the classes perfectly).

    Source:
        Cox (1958), Biometrika 45:562-565.
    """
    probs, labels = checked_probs(probs, labels)
    if float(probs.min()) <= 0.0 or float(probs.max()) >= 1.0:
        raise Invalid("expected forecasts strictly between 0 and 1")
    if not 0 < int(labels.sum()) < labels.size or float(np.ptp(probs)) == 0.0:
        raise Invalid("expected two classes and more than one forecast to fit a line")
    inputs = np.column_stack([np.ones(probs.size), logit(probs)])
    point = np.array([0.0, 1.0])
    for _ in range(50):
        fitted = expit(inputs @ point)
        slope = inputs.T @ (labels - fitted)
        bend = (inputs * (fitted * (1.0 - fitted))[:, None]).T @ inputs
        if not np.isfinite(bend).all() or np.linalg.cond(bend) > 1e14:
            raise Invalid("the forecasts separate the classes: no finite calibration line exists")
        step = np.linalg.solve(bend, slope)
        point = point + step
        if float(np.abs(step).max()) < 1e-10:
            errors = np.sqrt(np.diag(np.linalg.inv(bend)))
            return Line(float(point[1]), float(point[0]), float(errors[1]), float(errors[0]))
    raise Invalid("the calibration line did not converge in 50 steps: check the forecasts")


def jeffreys_test(rows: int, frauds: int, rate: float) -> float:
    """One-sided p of "the true rate is at most ``rate``"; small means under-estimated.

    Source:
        European Central Bank (2019), Instructions for reporting the validation results of
        internal models, section 2.5.3.1.

    Example:
        >>> round(jeffreys_test(1000, 20, 0.01), 8)
        0.00223073
    """
    _check_counts(rows, frauds, rate)
    return float(betainc(frauds + 0.5, rows - frauds + 0.5, rate))


def binomial_test(rows: int, frauds: int, rate: float) -> float:
    """The chance of at least ``frauds`` among ``rows`` independent ones at ``rate``.

    Example:
        >>> round(binomial_test(1000, 20, 0.01), 8)
        0.00328836
    """
    _check_counts(rows, frauds, rate)
    return float(binom.sf(frauds - 1, rows, rate))


def hosmer_lemeshow(probs: Floats, labels: Labels, groups: int = 10) -> tuple[float, float]:
    """Chi-squared and p over ``groups`` of equal size by forecast, ``groups`` degrees of freedom.

    For forecasts on rows that were not used to fit them (hence not ``groups - 2``). Rows of equal
    forecast stay in the order given.

    Raises:
        Invalid: fewer rows than groups, or a group whose forecasts are all 0 or all 1.

    Source:
        Hosmer and Lemeshow (1980), Communications in Statistics A9:1043-1069.
    """
    probs, labels = checked_probs(probs, labels)
    if not 2 <= groups <= probs.size:
        raise Invalid(f"expected 2 to {probs.size} groups, got {groups}")
    parts = np.array_split(np.argsort(probs, kind="stable"), groups)
    total = 0.0
    for part in parts:
        expected, rows = float(probs[part].sum()), part.size
        spread = expected * (1.0 - expected / rows)
        if spread <= 0.0:
            raise Invalid("a group's forecasts are all 0 or all 1: use fewer groups")
        total += (float(labels[part].sum()) - expected) ** 2 / spread
    return total, float(chi2.sf(total, groups))


def murphy(probs: Floats, labels: Labels) -> Murphy:
    """The decomposition of the Brier score over groups of exactly equal forecast.

    Source:
        Murphy (1973), Journal of Applied Meteorology 12:595-600.
    """
    probs, labels = checked_probs(probs, labels)
    levels, place = np.unique(probs, return_inverse=True)
    rows = np.bincount(place)
    rate = np.bincount(place, weights=labels) / rows
    base = float(labels.mean())
    return Murphy(
        reliability=float((rows * np.square(levels - rate)).sum() / probs.size),
        resolution=float((rows * np.square(rate - base)).sum() / probs.size),
        uncertainty=base * (1.0 - base),
    )


def _check_counts(rows: int, frauds: int, rate: float) -> None:
    if rows < 1 or not 0 <= frauds <= rows or not 0.0 < rate < 1.0:
        raise Invalid(
            f"expected 0 <= frauds <= rows and a rate in (0, 1), got {frauds} of {rows} at {rate}"
        )
