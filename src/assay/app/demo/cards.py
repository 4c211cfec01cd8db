"""The main job on real input: the public card stream, compared with its handbook, then served."""

from pathlib import Path

from assay.app.demo import folder, gate
from assay.app.demo.live import LiveDays, live_days
from assay.app.demo.people import enrol
from assay.app.demo.stage import Say, Stage
from assay.app.documents import Shelf
from assay.app.history import import_history
from assay.app.home import Control, Home, control
from assay.app.training import fairness_of
from assay.core.time import DAY
from assay.models.train import Trained
from assay.runtime.cards import compare_cards, history, live_week, train_cards, train_history
from assay.runtime.cards_file import read_payments
from assay.runtime.cards_frames import CardsFrames, build_frames
from assay.runtime.identity import Identity
from assay.runtime.train import TrainResult
from assay.workloads.cards.inventory import cards_record
from assay.workloads.cards.payments import Payments, transaction_id
from assay.workloads.cards.protocol import TEST_WEEK
from assay.workloads.cards.result import CardsResult
from assay.workloads.cards.selection import History
from assay.workloads.cards.workload import CARDS

HORIZON = 7 * DAY
#: The stream knows nothing of people: only operational divisions can be looked at.
_ABSENT = ("age", "sex", "ethnic origin", "religion", "disability", "residence")
_WORDS = gate.Words(
    opinion="The scores were replicated from the stored bytes and the discrimination was "
    "recomputed by another formula. The stream is public and simulated: the figures speak for it "
    "alone.",
    validator="Replicated on the public stream.",
    approver="For a replay of public data only.",
)


def run_cards(path: Path, data: Path, stage: Stage, say: Say) -> dict[str, object]:
    """Compare on the handbook's test week, pass the gate, and serve that week over HTTP.

    Raises:
        CardsFileRefused: the file is not the public stream.
        Invalid: the home folder exists and was not made by the demo.
    """
    home = folder.fresh(path, workload=CARDS.name)
    with stage("reading the card stream", None, "payments") as advance:
        payments = read_payments(data)
        advance(len(payments))
    with stage("computing features as they were", None, "") as _:
        frames = build_frames(payments, TEST_WEEK)
    result, compared = _learn(home, frames, stage)
    for line in compared.lines():
        say(line)
    total = int((payments.at < TEST_WEEK.start).sum() + (payments.known_at < TEST_WEEK.start).sum())
    with stage("importing the history", total, "events") as advance:
        report = import_history(
            home,
            CARDS.contracts,
            CARDS.request,
            history(payments, TEST_WEEK),
            horizon=HORIZON,
            progress=advance,
        )
    with control(home) as parts, stage("passing the gate", None, "") as _:
        people = enrol(parts.identity, home.path)
        key = _pass_gate(home, parts, people, result)
        say(f"{key} is live: approved by demo-validator and demo-approver")
    figures = live_days(home, _live(payments), stage)
    primary = next(row for row in compared.rows if row.primary)
    return {
        "workload": "cards",
        "version": key,
        "auc_roc": primary.auc_roc,
        "average_precision": primary.average_precision,
        "card_precision_at_100": primary.card_precision_at_100,
        "bounds_met": compared.met,
        **_bounds(compared),
        "history_events": report.accepted,
        **figures,
    }


def _learn(home: Home, frames: CardsFrames, stage: Stage) -> tuple[TrainResult, CardsResult]:
    with stage("training and testing the model", None, "") as _:
        result = train_cards(frames, home.objects())
    with stage("rerunning the handbook's models", None, "") as _:
        models: dict[History, Trained] = {
            "mature": result.trained,
            "week": train_history(frames, "week"),
        }
        compared = compare_cards(frames, models)
    return result, compared


def _pass_gate(home: Home, parts: Control, people: dict[str, Identity], result: TrainResult) -> str:
    shelf = Shelf(home.objects(), home.path / "documents", currency=CARDS.costs.currency)
    fairness = fairness_of(result, absent=_ABSENT)
    key = gate.submit(parts.governance, people, shelf, result, cards_record, fairness)
    gate.approve(parts.governance, people, shelf, result, key, _WORDS)
    return key


def _live(payments: Payments) -> LiveDays:
    week = (payments.at >= TEST_WEEK.start) & (payments.at < TEST_WEEK.end)
    numbers, fraud = payments.number[week].tolist(), payments.fraud[week].tolist()
    return LiveDays(
        events=list(live_week(payments, TEST_WEEK)),
        request_type=CARDS.request.type,
        amount_field=CARDS.amount_field,
        frauds={transaction_id(n): bool(f) for n, f in zip(numbers, fraud, strict=True)},
        costs=CARDS.costs,
        seed=0,
        refresh=lambda _at: None,  # this workload consults no lists
    )


def _bounds(compared: CardsResult) -> dict[str, object]:
    primary = {row.name for row in compared.rows if row.primary}
    return {
        f"{bound.metric}_against_{bound.peer.replace(' ', '_')}": (
            f"{bound.difference.value:+.3f} [{bound.difference.low:+.3f}, "
            f"{bound.difference.high:+.3f}]"
        )
        for bound in compared.bounds
        if bound.ours in primary
    }
