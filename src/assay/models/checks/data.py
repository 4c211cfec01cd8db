"""Is what the model learned from sound? Populations, label maturity, as-of values, leakage."""

import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.core.time import DAY, SECOND, format_time
from assay.models.checks.candidate import Candidate, Cell
from assay.models.maturity import arrived_by
from assay.models.metrics import auc

_LABELS_MIN = 20
_SHOWN = 15  # rows of a table that a reader still takes in


def populations(case: Candidate) -> Evidence:
    """How many requests and frauds each slice holds, and from when."""
    table: list[dict[str, Cell]] = []
    for name, part in case.parts.items():
        edge = getattr(case.split, name)
        table.append(
            {
                "slice": name,
                "from": format_time(edge.start),
                "to": format_time(edge.end),
                "labels known by": format_time(edge.known_by),
                "requests": len(part),
                "frauds": int(part.labels.sum()),
                "fraud rate": float(part.labels.mean()),
                "value at stake": int((part.frame.amount * part.labels).sum()),
                "entities": int(np.unique(part.frame.entity).size),
            }
        )
    return case.result(
        "data.populations",
        "Requests the model was fitted, calibrated, cut and tested on",
        sum(len(part) for part in case.parts.values()),
        unit="requests",
        table=tuple(table),
        note="Slices follow each other in time; the test slice was looked at once.",
    )


def label_maturity(case: Candidate) -> Evidence:
    """Whether a request without a label can be called good once it reaches the maturity."""
    title, limit = "Fraud labels that arrive within the maturity", case.limits.mature_share_min
    frame, maturity = case.frame, case.split.maturity
    seen = frame.fraud_known_at <= case.known_by
    delay = (frame.fraud_known_at - frame.at)[seen]
    watched = (case.known_by - frame.at)[seen]
    if delay.size < _LABELS_MIN:
        return case.result(
            "data.label_maturity", title, None, limit=f">= {limit:g}", rows=int(delay.size),
            note=f"{delay.size} fraud labels are too few to tell, {_LABELS_MIN} are needed",
        )  # fmt: skip
    longest = int(watched.max())
    ages = np.unique([DAY, 3 * DAY, 7 * DAY, 14 * DAY, maturity, 45 * DAY, 60 * DAY])
    ages = ages[ages <= longest]
    shares = arrived_by(delay, watched, ages)
    share = float(arrived_by(delay, watched, np.array([maturity]))[0])
    return case.result(
        "data.label_maturity",
        title,
        share,
        ok=share >= limit,
        limit=f">= {limit:g}",
        rows=int(delay.size),
        table=tuple(
            {"age in days": float(age / DAY), "labels arrived": float(part)}
            for age, part in zip(ages.tolist(), shares.tolist(), strict=True)
        ),
        parameters={"maturity_days": maturity / DAY, "longest_watch_days": longest / DAY},
        note="Corrected for requests too young to show late labels; relative to labels that "
        "arrive within the longest watch. Later ones count as good and are under-stated.",
    )


def as_of(case: Candidate) -> Evidence:
    """Whether any training value changes when everything at or after the request is removed."""
    if case.as_of is None:
        return case.result(
            "data.as_of", "Values that depend on the future", None, note="the check was not run"
        )
    return case.result(
        "data.as_of",
        "Values that depend on the future",
        case.as_of.mismatches,
        ok=case.as_of.mismatches == 0 and case.as_of.compared > 0,
        limit="= 0",
        unit="values",
        rows=case.as_of.rows,
        parameters={"compared": case.as_of.compared},
        note="Recomputed from a log cut off at a moment and compared bit for bit just before it.",
    )


def late_lift(case: Candidate) -> Evidence:
    """How many values are other now than they were when they were learned from."""
    title, lift = "Values that late facts changed", case.lift
    if lift is None:
        return case.result(
            "data.late_lift", title, None, note="the rows were computed outside the log"
        )
    counts = zip(
        lift.names, lift.served_known, lift.known_corrected, lift.served_corrected, strict=True
    )
    table: list[dict[str, Cell]] = [
        {
            "value": name,
            "served, known": served_known,
            "known, corrected": known_corrected,
            "served, corrected": served_corrected,
        }
        for name, served_known, known_corrected, served_corrected in counts
        if served_known or known_corrected or served_corrected
    ]
    table.sort(key=lambda row: (-_most(row), str(row["value"])))
    return case.result(
        "data.late_lift",
        title,
        lift.late_data,
        unit="values",
        rows=lift.rows,
        table=tuple(table[:_SHOWN]),
        parameters={
            "mode": lift.mode,
            "rows with a receipt": lift.served,
            "values compared": lift.rows * len(lift.names),
            "used and corrected differ": lift.used_corrected,
            **{f"delay of {name} in s": delay / SECOND for name, delay in lift.delays.items()},
        },
        note="Values that differ in any bit between what was known at the request and what is "
        "known now; the table also compares with what was served. The model learned from the "
        "values of the mode.",
    )


def _most(row: dict[str, Cell]) -> int:
    return max(cell for cell in row.values() if isinstance(cell, int))


def missing(case: Candidate) -> Evidence:
    """How often each input is not known."""
    share = np.isnan(case.test.frame.x).mean(axis=0)
    order = np.argsort(-share, kind="stable")[:_SHOWN]
    table = tuple(
        {"input": case.frame.names[place], "not known": float(share[place])} for place in order
    )
    return case.result(
        "data.missing",
        "Inputs that are not known, as a share of all cells",
        float(share.mean()),
        rows=len(case.test),
        table=table,
    )


def single_input(case: Candidate) -> Evidence:
    """Whether one input alone tells fraud apart better than is believable (a leak)."""
    powers = np.array(
        [
            _power(case.test.frame.x[:, place], case.test.labels)
            for place in range(case.scorer.width)
        ]
    )
    order = np.argsort(-powers, kind="stable")[:_SHOWN]
    best = float(powers[order[0]])
    limit = case.limits.single_input_auc_max
    return case.result(
        "leakage.single_input",
        "AUC of the strongest single input",
        best,
        ok=best <= limit,
        limit=f"<= {limit:g}",
        rows=len(case.test),
        table=tuple({"input": case.frame.names[p], "auc": float(powers[p])} for p in order),
        note="An input that alone knows the outcome usually learned it from the outcome.",
    )


def _power(column: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """AUC of one input in its better direction, not-known values lowest or highest."""
    known = ~np.isnan(column)
    if not known.any():
        return 0.5
    areas = [
        auc(np.where(known, column, column[known].min() - 1.0), labels),
        auc(np.where(known, column, column[known].max() + 1.0), labels),
    ]
    return max(max(area, 1.0 - area) for area in areas)
