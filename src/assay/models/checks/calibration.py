"""Do the probabilities mean what they say on later requests, overall and in every segment?"""

import numpy as np

from assay.core.errors import Invalid
from assay.core.evidence import Evidence
from assay.models.calibration import calibration_line, spiegelhalter
from assay.models.checks.candidate import Candidate, Cell
from assay.models.intervals import jeffreys
from assay.models.metrics import expected_calibration_error

BINS = 10


def error(case: Candidate) -> Evidence:
    """Expected calibration error, with the reliability of ten equally filled groups."""
    test = case.test
    value = expected_calibration_error(test.probability, test.labels, BINS)
    table: list[dict[str, Cell]] = []
    for group in np.array_split(np.argsort(test.probability, kind="stable"), BINS):
        rate = jeffreys(int(test.labels[group].sum()), group.size, case.limits.confidence)
        table.append(
            {"requests": int(group.size), "forecast": float(test.probability[group].mean()),
             "realised": rate.value, "low": rate.low, "high": rate.high}
        )  # fmt: skip
    return case.result(
        "calibration.ece",
        "Expected calibration error",
        value,
        ok=value <= case.limits.ece_max,
        limit=f"<= {case.limits.ece_max:g}",
        rows=len(test),
        parameters={"bins": BINS},
        table=tuple(table),
    )


def line(case: Candidate) -> Evidence:
    """Slope and intercept of outcomes on forecasts; 1 and 0 are perfect."""
    low, high = case.limits.slope_low, case.limits.slope_high
    limit = f"slope in [{low:g}, {high:g}]"
    try:
        found = calibration_line(case.test.probability, case.test.labels)
    except Invalid as why:
        return case.result(
            "calibration.slope", "Slope of the calibration line", None, limit=limit, note=str(why)
        )
    return case.result(
        "calibration.slope",
        "Slope of the calibration line",
        found.slope,
        ok=low <= found.slope <= high,
        limit=limit,
        rows=len(case.test),
        table=(
            {"term": "slope", "value": found.slope, "standard error": found.slope_error},
            {"term": "intercept", "value": found.intercept,
             "standard error": found.intercept_error},
        ),
        note="Below 1 the forecasts are too extreme, above 1 too timid.",
    )  # fmt: skip


def scatter(case: Candidate) -> Evidence:
    """Spiegelhalter's z: reported, not judged, because frauds come in groups and not alone."""
    try:
        z, p = spiegelhalter(case.test.probability, case.test.labels)
    except Invalid as why:
        return case.result("calibration.spiegelhalter", "Spiegelhalter's z", None, note=str(why))
    return case.result(
        "calibration.spiegelhalter",
        "Spiegelhalter's z",
        z,
        rows=len(case.test),
        parameters={"p": p},
        note="Assumes independent outcomes; frauds of one gang are not, so p is too small.",
    )


def by_segment(case: Candidate) -> Evidence:
    """Forecast against realised fraud rate in every segment; the widest gap is judged."""
    table: list[dict[str, Cell]] = []
    worst: float | None = None
    for name, column in sorted(case.test.segments.items()):
        for group in np.unique(column):
            rows = column == group
            labels = case.test.labels[rows]
            forecast = float(case.test.probability[rows].mean())
            rate = jeffreys(int(labels.sum()), labels.size, case.limits.confidence)
            enough = labels.size >= case.limits.segment_rows_min
            if enough:
                worst = max(worst or 0.0, abs(forecast - rate.value))
            table.append(
                {"segment": name, "group": str(group), "requests": int(labels.size),
                 "forecast": forecast, "realised": rate.value, "low": rate.low,
                 "high": rate.high, "judged": enough}
            )  # fmt: skip
    limit = case.limits.segment_gap_max
    return case.result(
        "calibration.by_segment",
        "Widest gap between forecast and realised fraud rate of a segment",
        worst,
        ok=None if worst is None else worst <= limit,
        limit=f"<= {limit:g} where there are {case.limits.segment_rows_min} requests or more",
        rows=len(case.test),
        table=tuple(table),
        note="" if worst is not None else "no segment holds enough requests to be judged",
    )
