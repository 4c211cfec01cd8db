"""Would somebody independent find the same? The validator's tests share no path with development.

Scores are replayed from the bundle's bytes by LightGBM's own predictor and numpy's interpolation,
the AUC is counted pair by pair, days are played request by request, and a challenger is fitted.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.evidence import Evidence
from assay.core.time import DAY
from assay.models.bundle import CALIBRATOR, MODEL
from assay.models.calibration import jeffreys_test
from assay.models.challenger import fit_challenger
from assay.models.checks.candidate import Candidate, Cell
from assay.models.intervals import delong_paired
from assay.models.metrics import auc

_SHOWN = 15


def replicated_scores(case: Candidate) -> Evidence:
    """Whether the bundle's bytes, read by other code, give the scores the tests were run on."""
    import lightgbm

    booster = lightgbm.Booster(model_str=case.bundle.files[MODEL].decode())
    raw = np.asarray(booster.predict(case.test.frame.x, raw_score=True, num_threads=1))
    knots = msgspec.json.decode(case.bundle.files[CALIBRATOR])
    probability = np.interp(raw, knots["raw"], knots["probability"])
    different = int((raw != case.test.raw).sum())
    gap = float(np.abs(probability - case.test.probability).max())
    return case.result(
        "validation.replicated_scores",
        "Scores that differ when replayed from the model's bytes",
        different,
        ok=different == 0 and gap <= 1e-12,
        limit="= 0, and probabilities within 1e-12",
        unit="requests",
        rows=len(case.test),
        parameters={"largest probability gap": gap},
    )


def replicated_auc(case: Candidate) -> Evidence:
    """AUC counted over every pair of a fraud and a good request."""
    raw, labels = case.test.raw, case.test.labels
    goods = raw[labels == 0]
    wins = 0.0
    for fraud in raw[labels == 1].tolist():
        wins += int((goods < fraud).sum()) + 0.5 * int((goods == fraud).sum())
    value = wins / (goods.size * int(labels.sum()))
    gap = abs(value - auc(raw, labels))
    return case.result(
        "validation.replicated_auc",
        "AUC counted pair by pair",
        value,
        ok=gap <= 1e-12 and value >= case.limits.auc_min,
        limit=f">= {case.limits.auc_min:g} and within 1e-12 of the developer's",
        rows=len(case.test),
        parameters={"difference": gap, "pairs": int(goods.size * int(labels.sum()))},
    )


def reproduced(case: Candidate) -> Evidence:
    """Whether training again from the same frame gives the same bytes."""
    if case.retrained is None:
        return case.result(
            "validation.reproduced", "The model made a second time", None, note="not done"
        )
    same = case.retrained == case.bundle.digest
    return case.result(
        "validation.reproduced",
        "The model made a second time has the same digest",
        same,
        ok=same,
        limit="= true",
        parameters={"second digest": case.retrained},
    )


def challenged(case: Candidate) -> Evidence:
    """The model beside a plain logistic regression on the same inputs and rows."""
    fit, test = case.parts["fit"], case.test
    rival = fit_challenger(fit.frame.x, fit.labels).log_odds(test.frame.x)
    found = delong_paired(test.raw, rival, test.labels, case.limits.confidence)
    limit = -case.limits.challenger_gap_max
    return case.result(
        "validation.challenger",
        "AUC of the model minus AUC of a logistic regression",
        found.difference.value,
        ok=found.difference.value >= limit,
        limit=f">= {limit:g}",
        interval=found.difference,
        rows=len(test),
        table=(
            {"model": "candidate", "auc": found.first},
            {"model": "logistic regression", "auc": found.second},
        ),
        parameters={"z": found.z, "p": found.p},
    )


def fraud_ratio(case: Candidate) -> Evidence:
    """Realised over forecast frauds on the whole test slice."""
    frauds, forecast = int(case.test.labels.sum()), float(case.test.probability.sum())
    ratio = frauds / forecast
    low, high = case.limits.fraud_ratio_low, case.limits.fraud_ratio_high
    p = jeffreys_test(len(case.test), frauds, forecast / len(case.test))
    return case.result(
        "validation.fraud_ratio",
        "Realised over forecast frauds",
        ratio,
        ok=low <= ratio <= high,
        limit=f"in [{low:g}, {high:g}]",
        rows=len(case.test),
        parameters={"realised": frauds, "forecast": forecast, "p (Jeffreys, under-forecast)": p},
    )


def time_order(case: Candidate) -> Evidence:
    """Whether every row was mature when its label was read, and the slices do not overlap."""
    broken = 0
    previous = -1
    for name, part in case.parts.items():
        edge = getattr(case.split, name)
        for moment in part.frame.at.tolist():
            young = moment + case.split.maturity > edge.known_by
            outside = not edge.start <= moment < edge.end
            broken += young or outside or moment < previous
        previous = edge.end
    late = int((case.parts["fit"].frame.at > case.split.calibrate.start).sum())
    seen = np.isin(case.test.frame.entity, case.parts["fit"].frame.entity)
    return case.result(
        "validation.time_order",
        "Rows that were too young for their label or in the wrong slice",
        broken + late,
        ok=broken + late == 0,
        limit="= 0",
        unit="requests",
        rows=sum(len(part) for part in case.parts.values()),
        parameters={
            "gap_days": (case.split.calibrate.start - case.split.fit.end) / DAY,
            "test requests of entities seen in fit": float(seen.mean()),
        },
    )


def capacity_replay(case: Candidate) -> Evidence:
    """The test days played request by request: reviews never exceed the people there are."""
    left: dict[int, int] = {}
    most = 0
    test, bands = case.test, case.bands
    for moment, probability in zip(test.frame.at.tolist(), test.probability.tolist(), strict=True):
        if bands.review_at <= probability < bands.block_at:
            day = moment // DAY
            used = left.get(day, 0)
            if used < case.capacity_per_day:
                left[day] = used + 1
                most = max(most, used + 1)
    return case.result(
        "validation.capacity_replay",
        "Reviews on the busiest day, played request by request",
        most,
        ok=most <= case.capacity_per_day,
        limit=f"<= {case.capacity_per_day}",
        unit="reviews",
        rows=len(test),
        parameters={"reviews": sum(left.values())},
    )


def missing_input(case: Candidate) -> Evidence:
    """AUC when one input is not known for any request: what a broken feed would cost."""
    whole = auc(case.test.raw, case.test.labels)
    names = _carrying(case)
    found = []
    for place in names:
        broken = case.test.frame.x.copy()
        broken[:, place] = np.nan
        raw, _ = case.scorer.score_rows(broken)
        found.append((auc(raw, case.test.labels), case.frame.names[place]))
    found.sort()
    worst, limit = (found[0][0] if found else whole), case.limits.missing_auc_min
    return case.result(
        "validation.missing_input",
        "AUC with the most needed input missing everywhere",
        worst,
        ok=worst >= limit,
        limit=f">= {limit:g}",
        rows=len(case.test),
        table=tuple({"missing input": name, "auc": area} for area, name in found),
        parameters={"with all inputs": whole},
    )


def by_day(case: Candidate) -> Evidence:
    """AUC on every day of the test slice that has frauds and good requests."""
    table: list[dict[str, Cell]] = []
    areas = []
    days = case.test.frame.days
    for day in np.unique(days).tolist():
        rows = days == day
        labels = case.test.labels[rows]
        frauds = int(labels.sum())
        area = auc(case.test.raw[rows], labels) if 0 < frauds < labels.size else None
        if area is not None:
            areas.append(area)
        table.append({"day": day, "requests": int(labels.size), "frauds": frauds, "auc": area})
    return case.result(
        "validation.by_day",
        "AUC on the weakest day",
        min(areas, default=None),
        rows=len(case.test),
        table=tuple(table[:60]),
    )


def wrong_way(case: Candidate) -> Evidence:
    """Requests whose score moves against a declared direction when an input rises."""
    if not case.monotone:
        return case.result(
            "validation.monotone", "Scores that move the wrong way", 0,
            note="no input has a declared direction",
        )  # fmt: skip
    rows = np.sort(case.rng().permutation(len(case.test))[:1_000])
    base = case.test.frame.x[rows]
    before, _ = case.scorer.score_rows(base)
    wrong = 0
    for name, sign in sorted(case.monotone.items()):
        raised = base.copy()
        place = case.frame.names.index(name)
        raised[:, place] += np.abs(raised[:, place]) + 1.0
        after, _ = case.scorer.score_rows(raised)
        wrong += int((sign * (after - before) < -1e-12).sum())
    return case.result(
        "validation.monotone",
        "Scores that move the wrong way",
        wrong,
        ok=wrong == 0,
        limit="= 0",
        rows=int(rows.size),
        seeded=True,
        parameters=dict(sorted(case.monotone.items())),
    )


def _carrying(case: Candidate) -> NDArray[np.int64]:
    """The inputs the trees split on most, read from the model text."""
    import lightgbm

    booster = lightgbm.Booster(model_str=case.bundle.files[MODEL].decode())
    gain = booster.feature_importance("gain")
    order = np.argsort(-gain, kind="stable")[:_SHOWN]
    picked: NDArray[np.int64] = order[gain[order] > 0]
    return picked
