"""A stored decision made again shows every difference, and only differences."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.unit.decisions.small import AT, LinearScorer, compiled, make_event, record_of

from assay.core.time import DAY
from assay.decisions.decide import Inputs, decide
from assay.decisions.outcome import Outcome, Reason
from assay.decisions.redecide import redecide
from assay.features.vector import Receipt
from assay.models.score import Score
from assay.rules.lists import ListSnapshot, parse_list, write_list

POLICY = compiled()
EVENT = make_event()
RECORD = record_of(POLICY, EVENT)
SCORER = LinearScorer()


def differences(**changes: Any) -> tuple[str, ...]:
    return redecide(POLICY, msgspec.structs.replace(RECORD, **changes), EVENT, SCORER)


def test_an_honest_record_has_no_differences() -> None:
    assert redecide(POLICY, RECORD, EVENT, SCORER) == ()


def test_a_difference_reads_as_a_sentence() -> None:
    assert differences(outcome=Outcome.BLOCK) == ("outcome: stored 'block', again 'approve'",)


@dataclass(frozen=True)
class Edit:
    """A change of the record and the part that must be named."""

    changes: dict[str, Any]
    named: str


def receipt(**changes: Any) -> dict[str, Receipt]:
    return {"receipt": msgspec.structs.replace(RECORD.receipt, **changes)}


@pytest.mark.parametrize(
    "edit",
    [
        Edit({"event": "bk-2"}, "event"),
        Edit({"at": AT + 1}, "time"),
        Edit({"policy": "sha256:1"}, "policy"),
        Edit({"model": "sha256:1"}, "model"),
        Edit({"model": None}, "model"),
        Edit(receipt(at=AT - 1), "time of the receipt"),
        Edit(receipt(catalog="sha256:1"), "catalog"),
        Edit(receipt(vector="sha256:1"), "vector digest"),
        Edit({"bits": RECORD.bits[:-8]}, "vector"),
        Edit({"bits": RECORD.bits + b"\0"}, "vector"),
        Edit({"known": RECORD.known[:-1]}, "vector"),
        Edit({"known": b"\x01\x00\x01"}, "vector digest"),
        Edit({"memberships": {"on_sanctions": True, "on_trusted": False}}, "rule 'sanctions'"),
        Edit({"memberships": {"on_trusted": False}}, "lists consulted"),
        Edit({"rules": (1, 0, 0, 0, 0)}, "rule 'fast'"),
        Edit({"rules": (0, 0, 0, 0)}, "number of rules"),
        Edit({"rules": (False, 0, 0, 0, 0)}, "rule 'fast'"),
        Edit({"score": Score(None, None)}, "score"),
        Edit({"score": Score(RECORD.score.raw, None)}, "score"),
        Edit({"score": Score(RECORD.score.raw, 0.25)}, "probability"),
        Edit({"score": Score(0.5, RECORD.score.probability)}, "raw score"),
        Edit({"score": msgspec.structs.replace(RECORD.score, why="x")}, "reason of no score"),
        Edit({"contributions": RECORD.contributions[:1]}, "reasons"),
        Edit({"contributions": RECORD.contributions[::-1]}, "contributions"),
        Edit({"slots_left": 0}, ""),
        Edit({"reasons": ()}, "reasons"),
        Edit({"reasons": (Reason("x", "soft", True, Outcome.APPROVE),)}, "reasons"),
        Edit({"outcome": Outcome.HOLD}, "outcome"),
        Edit({"degraded": ("list_unavailable",)}, "reasons"),
    ],
    ids=lambda edit: f"{sorted(edit.changes)}-{edit.named}",
)
def test_an_edited_part_is_named(edit: Edit) -> None:
    found = differences(**edit.changes)
    assert any(line.startswith(edit.named) for line in found) if edit.named else not found


def test_every_flipped_bit_of_the_vector_is_found() -> None:
    for position in range(8 * len(RECORD.bits)):
        flipped = bytearray(RECORD.bits)
        flipped[position // 8] ^= 1 << position % 8
        assert differences(bits=bytes(flipped))


def test_one_ulp_of_the_score_is_found() -> None:
    score = RECORD.score
    assert score.raw is not None
    assert score.probability is not None
    nudged = Score(float(np.nextafter(score.raw, 9.0)), score.probability)
    assert differences(score=nudged)[0].startswith("raw score")
    nudged = Score(score.raw, float(np.nextafter(score.probability, 1.0)))
    assert differences(score=nudged)[0].startswith("probability")


def test_a_negative_zero_is_not_a_zero() -> None:
    class Zero(LinearScorer):
        def score(self, row: Any) -> Score:  # noqa: ARG002 - the same for every row
            return Score(0.0, 0.5)

    record = record_of(POLICY, EVENT, score=Score(-0.0, 0.5))
    assert redecide(POLICY, record, EVENT, Zero()) == ("raw score: stored -0.0, again 0.0",)


def test_without_the_model_a_score_cannot_be_confirmed() -> None:
    (found,) = redecide(POLICY, RECORD, EVENT, None)
    assert found.startswith("score: the model sha256:0")


def test_another_model_is_named() -> None:
    class Other(LinearScorer):
        digest = "sha256:" + "1" * 64

    assert redecide(POLICY, RECORD, EVENT, Other())[0].startswith("model loaded")


def test_a_record_without_a_score_is_confirmed_without_the_model() -> None:
    record = record_of(POLICY, EVENT, score=Score(None, None, "deadline_exceeded"))
    assert redecide(POLICY, record, EVENT, None) == ()


def test_another_payload_is_found_through_the_rules() -> None:
    other = make_event(distance=1_000.0)
    assert any(line.startswith("rule 'far'") for line in redecide(POLICY, RECORD, other, SCORER))


def snapshots() -> dict[str, ListSnapshot]:
    made = (
        parse_list("on_sanctions", write_list(["Somebody Else"], as_of=AT)),
        parse_list("on_trusted", write_list(["u1"], as_of=AT)),
    )
    return {snapshot.digest: snapshot for snapshot in made}


def test_memberships_are_recomputed_from_the_snapshots() -> None:
    at_hand = snapshots()
    by_name = {snapshot.name: snapshot.digest for snapshot in at_hand.values()}
    record = record_of(POLICY, EVENT, memberships={"on_sanctions": False, "on_trusted": True})
    record = msgspec.structs.replace(record, snapshots=by_name)
    assert redecide(POLICY, record, EVENT, SCORER, at_hand) == ()
    lied = record_of(POLICY, EVENT)
    lied = msgspec.structs.replace(lied, snapshots=by_name)
    assert redecide(POLICY, lied, EVENT, SCORER, at_hand) == (
        "membership of list 'on_trusted': stored False, again True",
    )


def test_a_snapshot_that_is_gone_is_named() -> None:
    record = msgspec.structs.replace(
        RECORD, snapshots={"on_sanctions": "sha256:9", "on_trusted": None}
    )
    found = redecide(POLICY, record, EVENT, SCORER, {})
    assert any("sha256:9 is not at hand" in line for line in found)


def test_a_list_never_seen_must_have_been_unknown() -> None:
    found = redecide(POLICY, RECORD, EVENT, SCORER, {})
    assert "membership of list 'on_sanctions': stored False, again None" in found


def test_a_stale_list_stays_stale_when_made_again() -> None:
    stale = parse_list("on_sanctions", write_list(["Ann"], as_of=AT - 2 * DAY))
    record = record_of(POLICY, EVENT, memberships={"on_sanctions": None, "on_trusted": None})
    record = msgspec.structs.replace(
        record, snapshots={"on_sanctions": stale.digest, "on_trusted": None}
    )
    assert record.outcome is Outcome.HOLD
    assert redecide(POLICY, record, EVENT, SCORER, {stale.digest: stale}) == ()


def test_a_policy_without_a_model_is_made_again_without_one() -> None:
    policy = compiled(model=None)
    record = record_of(policy, EVENT, score=Score(None, None))
    assert redecide(policy, record, EVENT, None) == ()


def test_decide_alone_gives_what_the_record_says() -> None:
    inputs = Inputs(
        payload=EVENT.payload,
        values={"user_count_1d": 1, "user_mean_1d": 4_000.0, "is_large": False},
        memberships=RECORD.memberships,
        score=RECORD.score,
        slots_left=RECORD.slots_left,
        contributions=RECORD.contributions,
    )
    assert decide(POLICY, inputs).reasons == RECORD.reasons
