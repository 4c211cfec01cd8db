"""Whom may the decisions treat differently? Tests by group, as evidence; small groups stay closed.

What is favourable here is being let through without a delay. A group that is reviewed or blocked
more often than the reference group bears a cost, whether or not anybody meant it to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.governance.disparity import Count, Estimate, chance, gap, impact_ratio, mean_difference
from assay.governance.treated import Attribute, FairnessLimits, Treated
from assay.models.intervals import jeffreys

__all__ = ["Attribute", "FairnessLimits", "Treated", "fairness_tests"]

Cell = str | int | float | bool | None
Row = dict[str, Cell]


def fairness_tests(case: Treated) -> tuple[Evidence, ...]:
    """Every fairness test, in the order a reader wants them."""
    return (
        coverage(case),
        adverse_impact(case),
        false_positives(case),
        equal_opportunity(case),
        calibration(case),
        score_difference(case),
    )


def coverage(case: Treated) -> Evidence:
    """Which divisions were looked at, how finely, and which were not possible."""
    table: list[Row] = []
    for attribute in case.attributes:
        known = attribute.groups[attribute.groups != ""]
        sizes = np.unique(known, return_counts=True)[1]
        table.append(
            {
                "attribute": attribute.name,
                "basis": attribute.basis,
                "why": attribute.why,
                "groups": int(sizes.size),
                "judged": int((sizes >= case.limits.rows_min).sum()),
                "not known": float(1.0 - known.size / max(attribute.groups.size, 1)),
            }
        )
    absent = ", ".join(case.absent)
    return _result(
        case,
        "fairness.coverage",
        "Divisions of customers that were looked at",
        len(case.attributes),
        table=table,
        ok=len(case.attributes) > 0,
        limit=">= 1",
        note=f"Not known, and so not audited: {absent}." if absent else "",
    )


def adverse_impact(case: Treated) -> Evidence:
    """Share let through against the reference group; the four-fifths rule with an exact test."""

    def judge(group: NDArray[np.bool_], reference: NDArray[np.bool_]) -> _Finding | None:
        one = Count(int(case.let_through[group].sum()), int(group.sum()))
        two = Count(int(case.let_through[reference].sum()), int(reference.sum()))
        found = impact_ratio(one, two, case.limits.confidence)
        if found is None:
            return None
        return _Finding(found, one.share, chance(one, two))

    limit = case.limits.impact_ratio_min
    return _compare(
        case,
        "fairness.adverse_impact",
        "Lowest ratio of shares let through, group over reference",
        judge,
        beyond=lambda value: value < limit,
        worst=min,
        limit=f">= {limit:g}, or explained by chance",
        label="let through",
    )


def false_positives(case: Treated) -> Evidence:
    """Good customers delayed or blocked: the gap to the reference group."""
    return _rate_gap(
        case,
        "fairness.false_positive_rate",
        "Largest gap in good customers delayed or blocked",
        among=~case.fraud,
        hit=~case.let_through,
        limit=case.limits.false_positive_gap_max,
        label="good customers stopped",
    )


def equal_opportunity(case: Treated) -> Evidence:
    """Frauds stopped: the gap to the reference group, whose customers are protected as well."""
    return _rate_gap(
        case,
        "fairness.equal_opportunity",
        "Largest gap in frauds stopped",
        among=case.fraud,
        hit=~case.let_through,
        limit=case.limits.gap_max,
        label="frauds stopped",
    )


def calibration(case: Treated) -> Evidence:
    """Forecast against realised fraud rate in every group."""
    table: list[Row] = []
    worst: float | None = None
    failed = False
    limits = case.limits
    for attribute, name, rows in _groups(case):
        size = int(rows.sum())
        row: Row = {"attribute": attribute.name, "group": name}
        if size < limits.rows_min:
            table.append(row | _closed(size, limits))
            continue
        forecast = float(case.probability[rows].mean())
        rate = jeffreys(int(case.fraud[rows].sum()), size, limits.confidence)
        off = abs(forecast - rate.value)
        worst = max(worst or 0.0, off)
        outside = not rate.low <= forecast <= rate.high
        failed |= off > limits.calibration_gap_max and outside
        table.append(
            row
            | {"requests": size, "forecast": forecast, "realised": rate.value}
            | {"low": rate.low, "high": rate.high, "judged": True}
        )
    return _result(
        case,
        "fairness.calibration",
        "Widest gap between forecast and realised fraud rate of a group",
        worst,
        table=table,
        ok=None if worst is None else not failed,
        limit=f"<= {limits.calibration_gap_max:g}, or explained by chance",
        note="" if worst is not None else "no group is large enough to be judged",
    )


def score_difference(case: Treated) -> Evidence:
    """Mean forecast of a group against the reference, in standard deviations; reported only."""

    def judge(group: NDArray[np.bool_], reference: NDArray[np.bool_]) -> "_Finding | None":
        value = mean_difference(case.probability[group], case.probability[reference])
        if value is None:
            return None
        return _Finding(Estimate(value, None, None), float(case.probability[group].mean()), None)

    return _compare(
        case,
        "fairness.score_difference",
        "Largest difference of mean forecasts, in standard deviations",
        judge,
        beyond=None,
        worst=lambda values: max(values, key=abs),
        limit="",
        label="mean forecast",
    )


@dataclass(frozen=True, slots=True)
class _Finding:
    """One group beside its reference: the comparison, the group's own figure, p of chance."""

    estimate: Estimate
    own: float
    p: float | None


_Judge = Callable[[NDArray[np.bool_], NDArray[np.bool_]], _Finding | None]


def _rate_gap(
    case: Treated,
    test: str,
    title: str,
    *,
    among: NDArray[np.bool_],
    hit: NDArray[np.bool_],
    limit: float,
    label: str,
) -> Evidence:
    def judge(group: NDArray[np.bool_], reference: NDArray[np.bool_]) -> _Finding | None:
        one = Count(int((hit & among & group).sum()), int((among & group).sum()))
        two = Count(int((hit & among & reference).sum()), int((among & reference).sum()))
        if min(one.rows, two.rows) < case.limits.events_min:
            return None
        return _Finding(gap(one, two, case.limits.confidence), one.share, chance(one, two))

    return _compare(
        case,
        test,
        title,
        judge,
        beyond=lambda value: abs(value) > limit,
        worst=lambda values: max(values, key=abs),
        limit=f"within +/- {limit:g}, or explained by chance",
        label=label,
    )


def _compare(
    case: Treated,
    test: str,
    title: str,
    judge: _Judge,
    *,
    beyond: Callable[[float], bool] | None,
    worst: Callable[[list[float]], float],
    limit: str,
    label: str,
) -> Evidence:
    """Judge every group of every attribute against the attribute's reference."""
    table: list[Row] = []
    values: list[float] = []
    failed = False
    for attribute, name, rows in _groups(case):
        reference_name = _reference(attribute)
        row: Row = {"attribute": attribute.name, "group": name}
        reference = attribute.groups == reference_name
        size = int(rows.sum())
        enough = min(size, int(reference.sum())) >= case.limits.rows_min
        found = judge(rows, reference) if enough else None
        if found is None:
            table.append(row | (_closed(size, case.limits) if not enough else _few(size)))
            continue
        same = name == reference_name
        table.append(row | _shown(found, size, label, same))
        if not same:
            values.append(found.estimate.value)
            if beyond is not None and found.p is not None:
                failed |= beyond(found.estimate.value) and found.p < case.limits.significance
    value = worst(values) if values else None
    return _result(
        case,
        test,
        title,
        value,
        table=table,
        ok=None if value is None or beyond is None else not failed,
        limit=limit,
        note="" if values else "no group besides the reference is large enough to be judged",
    )


def _shown(found: _Finding, size: int, label: str, same: bool) -> Row:
    estimate = found.estimate
    return {
        "requests": size,
        label: found.own,
        "against reference": None if same else estimate.value,
        "low": None if same else estimate.low,
        "high": None if same else estimate.high,
        "p (exact)": None if same else found.p,
        "role": "reference" if same else "compared",
    }


def _closed(size: int, limits: FairnessLimits) -> Row:
    """A group too small to judge; a very small one does not even show its size."""
    if size < limits.shown_min:
        return {"requests": f"fewer than {limits.shown_min}", "role": "too small"}
    return {"requests": size, "role": "too small"}


def _few(size: int) -> Row:
    return {"requests": size, "role": "too few cases"}


def _groups(case: Treated) -> Iterator[tuple[Attribute, str, NDArray[np.bool_]]]:
    for attribute in case.attributes:
        for name in np.unique(attribute.groups).tolist():
            if name:
                yield attribute, name, attribute.groups == name


def _reference(attribute: Attribute) -> str:
    if attribute.reference:
        return attribute.reference
    names, sizes = np.unique(attribute.groups[attribute.groups != ""], return_counts=True)
    return str(names[int(sizes.argmax())]) if names.size else ""


def _result(
    case: Treated,
    test: str,
    title: str,
    value: Cell,
    *,
    table: list[Row],
    ok: bool | None,
    limit: str,
    note: str,
) -> Evidence:
    limits = case.limits
    return Evidence(
        test=test,
        subject=case.subject,
        title=title,
        value=value,
        verdict="info" if ok is None else "pass" if ok else "fail",
        code=case.code,
        data=case.data,
        at=case.at,
        confidence=limits.confidence,
        limit=limit,
        rows=int(case.let_through.size),
        parameters={
            "group judged from": limits.rows_min,
            "cases needed": limits.events_min,
            "significance": limits.significance,
        },
        table=tuple(table),
        note=note,
    )
