"""What did the live days come to? Figures from the answers, the truth, and the policy's costs."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from assay.app.demo.traffic import Played
from assay.decisions.policy import Costs

#: Outcomes that keep a request from going through at once.
STOPPED = frozenset({"review", "hold", "block"})


def summarise(
    played: Played,
    frauds: Mapping[str, bool],
    amounts: Mapping[str, int],
    verdicts: Mapping[str, bool],
    costs: Costs,
) -> dict[str, object]:
    """The figures of a replay, by name; amounts are in units of ``costs.currency``.

    Args:
        played: the answers by request id, and their latencies.
        frauds: what each request truly was.
        amounts: minor units by request id.
        verdicts: what reviewers said, by request id.
        costs: what a mistake costs.

    The plain ``precision`` and ``recall`` are of what was stopped at first (review, hold, block);
    those ``after_review`` count a reviewed request as stopped only if the verdict was fraud.
    ``net_saving`` compares with approving everything, by the verdict each really got.
    """
    outcomes = {request: str(answer["outcome"]) for request, answer in played.decisions.items()}
    counts = Counter(outcomes.values())
    stopped = {request for request, outcome in outcomes.items() if outcome in STOPPED}
    fraud = {request for request in outcomes if frauds[request]}
    caught = stopped & fraud
    final = {r for r in stopped if outcomes[r] == "block" or verdicts.get(r, True)}
    latency = np.asarray(played.latency_us)
    lost = sum(_cost(r, outcomes[r], verdicts, frauds, amounts, costs) for r in outcomes)
    unguarded = sum(_fraud_cost(amounts[r], costs) for r in fraud)
    return {
        "decisions": len(outcomes),
        "approve": counts["approve"],
        "challenge": counts["challenge"],
        "review": counts["review"],
        "hold": counts["hold"],
        "block": counts["block"],
        "frauds": len(fraud),
        "precision": _share(len(caught), len(stopped)),
        "recall": _share(len(caught), len(fraud)),
        "precision_after_review": _share(len(final & fraud), len(final)),
        "recall_after_review": _share(len(final & fraud), len(fraud)),
        "fraud_value_stopped": sum(amounts[r] for r in final & fraud) / 100,
        "net_saving": (unguarded - lost) / 100,
        "currency": costs.currency,
        "degraded": sum(1 for a in played.decisions.values() if a["degraded"]),
        "requests_per_second": len(outcomes) / played.seconds,
        "latency_p50_ms": float(np.percentile(latency, 50)) / 1000,
        "latency_p99_ms": float(np.percentile(latency, 99)) / 1000,
        "live_events": played.events,
        "refused": len(played.refused),
    }


def _cost(
    request: str,
    outcome: str,
    verdicts: Mapping[str, bool],
    frauds: Mapping[str, bool],
    amounts: Mapping[str, int],
    costs: Costs,
) -> float:
    reviewed = outcome in ("review", "hold")
    blocked = verdicts.get(request, True) if reviewed else outcome == "block"
    fee = float(costs.review_fixed) if reviewed else 0.0
    if frauds[request]:
        return fee + (0.0 if blocked else _fraud_cost(amounts[request], costs))
    wrong = costs.block_share * amounts[request] + costs.block_fixed
    return fee + (wrong if blocked else 0.0)


def _fraud_cost(amount: int, costs: Costs) -> float:
    return costs.fraud_share * amount + costs.fraud_fixed


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
