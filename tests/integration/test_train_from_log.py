"""A log of a small marketplace becomes a stored model, a policy and evidence, twice the same.

The journey: thirty simulated days are written to a log; training reads it as it was known at the
end; what comes out is loaded back from the object store alone and scores the held-out requests to
the same bits; nothing that became known later could have changed it.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from assay.contracts.event import Event
from assay.core.canonical import canonical, digest_bytes
from assay.core.errors import Corrupt, Invalid
from assay.core.time import DAY
from assay.decisions.policy import Policy
from assay.features.backfill import backfill
from assay.models.bundle import read_bundle
from assay.models.checks.limits import Limits
from assay.models.frame import NEVER, NotEnoughData
from assay.models.scorer import Scorer
from assay.models.train import TrainSettings
from assay.runtime.memory import MemoryLog, MemoryObjects
from assay.runtime.ports import Entry
from assay.runtime.train import Recipe, TrainResult, train_from_log
from assay.runtime.train_history import read_history
from assay.runtime.train_store import store_bundle
from assay.simulate.settings import MarketplaceSettings
from assay.simulate.world import simulate
from assay.workloads.checkout.workload import checkout

WORLD = MarketplaceSettings(
    seed=5, days=30, users=3_000, listings=400, hosts=300, signups_per_day=20,
    listings_per_day=3, bookings_per_day=250,
)  # fmt: skip
RECIPE = Recipe(
    workload=checkout,
    request="booking",
    maturity=8 * DAY,
    name="checkout",
    text_field="message_text",
    settings=TrainSettings(rounds_max=40),
    limits=Limits(draws=100),
)


def log_of(events: Sequence[Event]) -> MemoryLog:
    return MemoryLog(
        Entry(seq=seq, event=event, known_at=event.ts, accepted=True)
        for seq, event in enumerate(events, start=1)
    )


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return [event for batch in simulate(WORLD) for event in batch.events()]


@pytest.fixture(scope="module")
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture(scope="module")
def result(events: list[Event], objects: MemoryObjects) -> TrainResult:
    return train_from_log(log_of(events), objects, RECIPE)


def test_the_model_loads_from_the_store_alone_and_scores_to_the_same_bits(
    result: TrainResult, objects: MemoryObjects
) -> None:
    scorer = Scorer.load(read_bundle(objects.get, result.model), expected=result.model)
    test = result.candidate.test
    raw, probability = scorer.score_rows(test.frame.x)
    assert raw.tobytes() == test.raw.tobytes()
    assert probability.tobytes() == result.held_out.probability.tobytes()
    assert scorer.text_model is not None
    assert result.text_model is not None
    assert scorer.text_model.digest == result.text_model.digest


def test_the_policy_is_stored_under_its_digest_and_names_the_model(
    result: TrainResult, objects: MemoryObjects
) -> None:
    stored = objects.get(result.policy_digest)
    policy = msgspec.json.decode(stored, type=Policy)
    assert policy == result.policy
    assert digest_bytes(canonical(policy)) == policy.digest == result.policy_digest
    assert policy.model == result.model
    assert policy.catalog == result.workload.catalog.digest
    assert 0 < policy.bands.review_at <= policy.bands.block_at <= 1


def test_every_test_gave_evidence_about_this_model(result: TrainResult) -> None:
    assert {item.subject for item in result.evidence} == {result.model}
    assert {item.data for item in result.evidence} == {result.frame}
    by_test = {item.test: item for item in result.evidence}
    for name in (
        "data.as_of",
        "explanation.adds_up",
        "validation.replicated_scores",
        "validation.reproduced",
        "validation.time_order",
        "validation.capacity_replay",
        "decision.capacity",
    ):
        assert by_test[name].verdict == "pass", by_test[name]
    compared = by_test["data.as_of"].parameters["compared"]
    assert isinstance(compared, int)
    assert compared > 1_000
    auc = by_test["performance.auc"].value
    assert isinstance(auc, float)
    assert auc > 0.6


def test_the_held_out_rows_are_those_of_the_test_slice(result: TrainResult) -> None:
    held = result.held_out
    assert (held.at >= result.split.test.start).all()
    assert (held.at < result.split.test.end).all()
    assert set(np.unique(held.outcomes)) <= {"approve", "review", "block"}
    assert set(held.segments) == set(result.workload.segments)
    columns = (held.ids, held.entity, held.amount, held.probability, held.labels, held.outcomes)
    assert {column.shape for column in columns} == {held.at.shape}


def test_the_text_model_was_taught_on_days_the_trees_did_not_see(result: TrainResult) -> None:
    assert result.candidate.parts["fit"].frame.at[0] >= result.split.fit.start
    assert result.split.fit.start > WORLD.start


def test_training_rows_hold_the_backfilled_values_bit_for_bit(
    result: TrainResult, events: list[Event]
) -> None:
    test = result.candidate.test.frame
    catalog = result.workload.catalog
    wanted = set(test.ids[:50].tolist())
    frame = backfill(catalog, events, wanted=lambda event: event.id in wanted)
    columns = [catalog.index(name) for name in result.workload.inputs]
    assert [str(i) for i in frame.event_ids] == test.ids[:50].tolist()
    np.testing.assert_array_equal(frame.floats()[:, columns], test.x[:50])


def test_what_is_learned_after_the_cutoff_changes_nothing(events: list[Event]) -> None:
    """Train as of day 28 from the full log, and from a log that ends there: the same digest."""
    until = WORLD.start + 28 * DAY
    recipe = replace(RECIPE, retrain=False)
    one = train_from_log(log_of(events), MemoryObjects(), recipe, until=until)
    short = [event for event in events if event.ts <= until]
    two = train_from_log(log_of(short), MemoryObjects(), recipe)
    assert (one.model, one.policy_digest) == (two.model, two.policy_digest)
    assert [item.id for item in one.evidence] == [item.id for item in two.evidence]


def test_a_reversal_takes_fraud_back_and_a_refused_event_never_counts(events: list[Event]) -> None:
    label = next(e for e in events if e.type == "label" and e.payload["fraud"])
    back = Event(
        "lb-back", "label", label.ts + DAY,
        {**label.payload, "fraud": False, "source": "reversal"},
    )  # fmt: skip
    history = read_history(log_of([*events, back]), "booking", "label")
    times = history.labels[label.payload["request_id"]]
    assert (times.fraud, times.cleared) == (label.ts, label.ts + DAY)
    refused = MemoryLog(
        Entry(seq=seq, event=event, known_at=event.ts, accepted=event.type != "label")
        for seq, event in enumerate(events, start=1)
    )
    assert read_history(refused, "booking", "label").labels == {}
    assert all(
        known.cleared == NEVER or known.cleared > known.fraud for known in history.labels.values()
    )


def test_an_empty_or_short_log_says_what_is_missing(events: list[Event]) -> None:
    with pytest.raises(NotEnoughData, match="no accepted 'booking'"):
        train_from_log(log_of([]), MemoryObjects(), RECIPE)
    week = [event for event in events if event.ts < WORLD.start + 7 * DAY]
    with pytest.raises(NotEnoughData, match="longer history"):
        train_from_log(log_of(week), MemoryObjects(), RECIPE)


def test_a_store_that_names_bytes_otherwise_is_not_trusted(
    result: TrainResult,
) -> None:
    class Confused(MemoryObjects):
        def put(self, data: bytes) -> str:
            return super().put(data + b"!")

    with pytest.raises(Corrupt, match="named our bytes"):
        store_bundle(Confused(), result.bundle)


def test_a_recipe_needs_a_text_field_exactly_when_its_workload_is_made() -> None:
    with pytest.raises(Invalid, match="text field"):
        Recipe(workload=checkout, request="booking", maturity=DAY, name="checkout")
    with pytest.raises(Invalid, match="text share"):
        Recipe(
            workload=checkout, request="booking", maturity=DAY, name="checkout",
            text_field="message_text", text_share=1.0,
        )  # fmt: skip
