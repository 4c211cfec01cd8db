"""A full set of results as the tests of a model give them, with made-up but plausible numbers.

Shape and names are those of ``assay.models.evidence`` and ``assay.governance.fairness``.
"""

from typing import Any

import numpy as np
from tests.unit.governance.versions import MODEL, NOW

from assay.core.canonical import digest
from assay.core.evidence import Evidence
from assay.core.time import DAY
from assay.governance.fairness import Attribute, Treated, fairness_tests

CODE, DATA = digest("test code"), digest("training frame")


def made(test: str, title: str, value: Any, verdict: Any = "pass", **more: Any) -> Evidence:
    """One result."""
    return Evidence(
        test=test,
        subject=MODEL,
        title=title,
        value=value,
        verdict=verdict,
        code=CODE,
        data=DATA,
        at=NOW - 8 * DAY,
        **more,
    )


def populations() -> Evidence:
    days = ("2026-01-05", "2026-04-06", "2026-05-04", "2026-06-01", "2026-06-29")
    sizes = ((182_400, 2_310), (55_020, 702), (54_800, 688), (56_230, 731))
    parts = ("fit", "calibrate", "bands", "test")
    return made(
        "data.populations",
        "Requests the model was fitted, calibrated, cut and tested on",
        sum(size for size, _ in sizes),
        "info",
        unit="requests",
        table=tuple(
            {
                "slice": part,
                "from": f"{days[place]}T00:00:00Z",
                "to": f"{days[place + 1]}T00:00:00Z",
                "labels known by": "2026-09-01T00:00:00Z",
                "requests": size,
                "frauds": frauds,
                "fraud rate": frauds / size,
                "value at stake": frauds * 31_205,
                "entities": size // 3,
            }
            for place, (part, (size, frauds)) in enumerate(zip(parts, sizes, strict=True))
        ),
    )


def reliability() -> Evidence:
    forecast = (0.0004, 0.0008, 0.0013, 0.002, 0.003, 0.0045, 0.007, 0.012, 0.024, 0.081)
    factor = (0.8, 1.1, 0.9, 1.2, 1.0, 0.95, 1.1, 0.9, 1.05, 0.97)
    return made(
        "calibration.ece",
        "Expected calibration error",
        0.0011,
        limit="<= 0.02",
        rows=56_230,
        parameters={"bins": 10},
        table=tuple(
            {
                "requests": 5_623,
                "forecast": p,
                "realised": p * f,
                "low": p * f * 0.8,
                "high": p * f * 1.25,
            }
            for p, f in zip(forecast, factor, strict=True)
        ),
    )


def performance() -> tuple[Evidence, ...]:
    groups = (("new account", 9_120, 402, 0.871), ("known account", 47_110, 329, 0.902))
    curve = [(x / 20, (x / 20) ** 0.22) for x in range(21)]
    return (
        made("performance.auc", "AUC on later, unseen requests", 0.9134, rows=56_230, low=0.9021,
             high=0.9247, confidence=0.95, limit="lower end of the interval >= 0.7",
             note="The chance that a fraud scores above a good request."),
        made("performance.average_precision", "Average precision on later, unseen requests", 0.412,
             rows=56_230, low=0.371, high=0.452, confidence=0.95, seed=7,
             limit="lower end >= 3 x base rate (0.0130)", parameters={"draws": 300}),
        made("performance.overfit", "AUC on the fitted requests minus AUC on later ones", 0.0213,
             limit="<= 0.08", rows=56_230),
        made("performance.separation", "Largest gap between the score distributions (KS)", 0.671,
             "info", rows=56_230),
        made("performance.recall_at_capacity",
             "Frauds among each day's riskiest requests, within review capacity", 0.538, low=0.50,
             high=0.57, confidence=0.95, limit=">= 0.2", rows=56_230,
             parameters={"reviews_per_day": 60}),
        made("performance.by_segment", "AUC in the weakest segment", 0.871,
             limit=">= 0.6 where there are 15 frauds or more", rows=56_230,
             table=tuple({"segment": "account age", "group": g, "requests": n, "frauds": f,
                          "auc": a, "judged": True} for g, n, f, a in groups)),
        made("performance.roc", "Frauds flagged when 1 % of good requests are", 0.51, "info",
             table=tuple({"false positive rate": x, "true positive rate": y} for x, y in curve)),
        made("performance.precision_recall",
             "Flagged requests that are fraud when half of the frauds are flagged", 0.48,
             "info", table=tuple({"recall": x, "precision": 0.95 * (1 - x) + 0.013 * x}
                                 for x, _ in curve)),
    )  # fmt: skip


def decisions() -> tuple[Evidence, ...]:
    ways = (
        ("approve everything", 22_810_300.0),
        ("block from 0.5", 17_904_220.0),
        ("the bands", 9_120_400.0),
        ("the bands, as forecast when chosen (per request, scaled)", 9_341_000.0),
    )
    cuts = ((0.01, 12.1), (0.02, 9.9), (0.04, 9.1), (0.08, 9.6), (0.15, 11.2), (0.3, 13.9))
    return (
        made("decision.saving", "Cost saved against approving everything, as a share of that cost",
             0.600, low=0.55, high=0.64, confidence=0.95, rows=56_230, seed=7,
             limit="lower end of the interval >= 0.05",
             table=tuple({"way": way, "realised cost": cost} for way, cost in ways),
             parameters={"review_at": 0.041, "block_at": 0.62, "overflow": "approve"},
             note="Minor units. A reviewer's errors are taken at their assumed rate."),
        made("decision.capacity", "Reviews on the busiest day", 60, limit="<= 60", unit="reviews",
             rows=56_230),
        made("decision.alternatives", "Expected cost of the chosen bands", 9_120_400.0, "info",
             unit="minor units", rows=54_800,
             table=tuple({"review from": at, "block from": 0.62, "overflow": "approve",
                          "expected cost": cost * 1e6} for at, cost in cuts)),
    )  # fmt: skip


def inputs() -> tuple[Evidence, ...]:
    names = (("card_failures_1h", 0.21), ("account_age", 0.17), ("device_users_7d", 0.14),
             ("message_score", 0.12), ("amount_to_user_mean", 0.09), ("listing_age", 0.06),
             ("user_bookings_30d", 0.05))  # fmt: skip
    psi = tuple(
        {"log-odds from": f"{a}", "to": f"{a + 1}", "fit": 0.1, "test": 0.1 + d}
        for a, d in zip(
            range(10), (0.01, 0.0, -0.01, 0.005, 0.0, 0.0, -0.01, 0.01, 0.0, -0.005), strict=True
        )
    )
    return (
        made("data.label_maturity", "Fraud labels that arrive within the maturity", 0.957,
             limit=">= 0.85", rows=3_902, parameters={"maturity_days": 45.0}),
        made("data.as_of", "Values that depend on the future", 0, limit="= 0", unit="values",
             rows=2_000, parameters={"compared": 94_000}),
        made("leakage.single_input", "AUC of the strongest single input", 0.78, limit="<= 0.95",
             rows=56_230),
        made("calibration.slope", "Slope of the calibration line", 0.98,
             limit="slope in [0.6, 1.6]", rows=56_230),
        made("stability.score_psi", "Population stability of the score, fit against test", 0.031,
             limit="<= 0.25", rows=56_230, table=psi),
        made("stability.input_psi", "Population stability of the inputs that carry the score",
             0.14, limit="<= 0.5 for inputs with at least 5 % of the score's movement",
             rows=56_230),
        made("explanation.importance", "Share of the score's movement from its strongest input",
             0.21, "info", rows=600, seed=7,
             table=tuple({"input": n, "mean |log-odds|": s * 2, "share": s} for n, s in names)),
        made("explanation.adds_up", "Largest difference between the sum of reasons and the score",
             3.1e-13, limit="<= 1e-09", unit="log-odds", rows=600, seed=7),
        made("explanation.sensitivity", "Requests that change band when one input moves by 10 %",
             0.012, limit="<= 0.05", rows=1_000, seed=7),
    )  # fmt: skip


def validation() -> tuple[Evidence, ...]:
    return (
        made("validation.replicated_scores",
             "Scores that differ when replayed from the model's bytes", 0,
             limit="= 0, and probabilities within 1e-12", unit="requests", rows=56_230),
        made("validation.replicated_auc", "AUC counted pair by pair", 0.9134,
             limit=">= 0.7 and within 1e-12 of the developer's", rows=56_230),
        made("validation.reproduced", "The model made a second time has the same digest", True,
             limit="= true"),
        made("validation.challenger", "AUC of the model minus AUC of a logistic regression", 0.041,
             low=0.031, high=0.052, confidence=0.95, limit=">= -0.01", rows=56_230,
             table=({"model": "candidate", "auc": 0.9134},
                    {"model": "logistic regression", "auc": 0.8724})),
        made("validation.fraud_ratio", "Realised over forecast frauds", 1.03,
             limit="in [0.5, 2]", rows=56_230, parameters={"realised": 731, "forecast": 709.7}),
        made("validation.time_order",
             "Rows that were too young for their label or in the wrong slice", 0, limit="= 0",
             unit="requests", rows=348_450),
        made("validation.capacity_replay",
             "Reviews on the busiest day, played request by request", 60, limit="<= 60",
             unit="reviews", rows=56_230),
        made("validation.missing_input", "AUC with the most needed input missing everywhere",
             0.861, limit=">= 0.6", rows=56_230,
             table=({"missing input": "card_failures_1h", "auc": 0.861},
                    {"missing input": "account_age", "auc": 0.879})),
        made("validation.by_day", "AUC on the weakest day", 0.84, "info", rows=56_230),
        made("validation.monotone", "Scores that move the wrong way", 0, limit="= 0", rows=1_000,
             seed=7, parameters={"card_failures_1h": 1}),
    )  # fmt: skip


def fairness() -> tuple[Evidence, ...]:
    """The real fairness tests on requests drawn with a seed."""
    rng = np.random.default_rng(11)
    rows = 20_000
    country = rng.choice(["AT", "DE", "FR", "IT", "LI"], rows, p=[0.2, 0.45, 0.2, 0.1495, 0.0005])
    age = rng.choice(["under 30", "30 to 59", "60 and over", ""], rows, p=[0.3, 0.5, 0.15, 0.05])
    fraud = rng.random(rows) < np.where(country == "IT", 0.03, 0.013)
    probability = np.clip(rng.beta(1, 60, rows) + 0.2 * fraud * rng.random(rows), 0, 1)
    stopped = rng.random(rows) < np.where(fraud, 0.6, 0.02)
    return fairness_tests(
        Treated(
            subject=MODEL,
            let_through=~stopped,
            fraud=fraud,
            probability=probability,
            attributes=(
                Attribute("age band", "protected", age, "named by equal-treatment law"),
                Attribute("country of the account", "proxy", country, "can stand in for origin"),
            ),
            absent=("sex", "disability", "religion"),
            code=CODE,
            data=DATA,
            at=NOW - 8 * DAY,
        )
    )


def development() -> tuple[Evidence, ...]:
    """Everything a developer files."""
    return (
        populations(),
        *performance(),
        reliability(),
        *decisions(),
        *inputs(),
        *fairness(),
    )
