"""Training respects what was known when, and gives the same bytes twice."""

import msgspec
import numpy as np
import pytest
from tests.unit.models.world import MATURITY, SETTINGS, World, make_frame

from assay.core.errors import Invalid, Unknown
from assay.core.time import DAY
from assay.models.frame import NEVER, NotEnoughData, Slice, Split, TrainingFrame, split_times
from assay.models.metrics import auc
from assay.models.train import TrainSettings, train


def test_training_again_gives_identical_bytes(world: World) -> None:
    again = train(world.frame, world.split, SETTINGS, seed=7)
    assert again.model == world.trained.model
    assert again.calibrator.to_bytes() == world.trained.calibrator.to_bytes()
    assert again == world.trained


def test_another_seed_gives_another_model(world: World) -> None:
    assert train(world.frame, world.split, SETTINGS, seed=8).model != world.trained.model


def test_the_model_finds_the_fraud_it_was_shown(world: World) -> None:
    test = world.split.rows(world.frame, world.split.test)
    labels = test.labels(world.split.test.known_by)
    assert auc(world.scorer.score_rows(test.x)[0], labels) > 0.75


def test_a_monotone_input_never_lowers_the_score(world: World) -> None:
    rows = world.frame.x[:500].copy()
    rows[:, 0] = -3.0
    last = world.scorer.score_rows(rows)[0]
    for value in np.linspace(-3, 3, 13)[1:]:
        rows[:, 0] = value
        now = world.scorer.score_rows(rows)[0]
        assert (now >= last - 1e-12).all()
        last = now


def test_trees_stay_within_depth_leaves_and_rounds(world: World) -> None:
    assert 1 <= world.trained.rounds <= SETTINGS.rounds_max
    assert world.trained.model.count("Tree=") == world.trained.rounds
    leaves = [
        int(line.split("=")[1])
        for line in world.trained.model.splitlines()
        if line.startswith("num_leaves=")
    ]
    assert max(leaves) <= SETTINGS.leaves
    assert f"[max_depth: {SETTINGS.depth}]" in world.trained.model


def test_labels_known_after_the_cutoff_cannot_change_the_trees(world: World) -> None:
    """Scramble every label that became known at or after the fit slice's moment of knowledge."""
    frame, cutoff = world.frame, world.split.fit.known_by
    later = frame.fraud_known_at > cutoff
    rng = np.random.default_rng(0)
    scrambled = TrainingFrame(
        names=frame.names, x=frame.x, at=frame.at,
        fraud_known_at=np.where(later & (rng.random(len(frame)) < 0.5), NEVER - 1,
                                frame.fraud_known_at),
        cleared_known_at=frame.cleared_known_at, amount=frame.amount, entity=frame.entity,
        ids=frame.ids,
    )  # fmt: skip
    fit, other = (
        world.split.rows(frame, world.split.fit),
        world.split.rows(scrambled, world.split.fit),
    )
    np.testing.assert_array_equal(fit.labels(cutoff), other.labels(cutoff))


def test_a_label_is_what_was_known_at_the_moment_asked() -> None:
    frame = make_frame(3, seed=0)
    at = frame.at
    history = TrainingFrame(
        names=frame.names, x=frame.x, at=at, amount=frame.amount, entity=frame.entity,
        ids=frame.ids,
        fraud_known_at=np.array([at[0] + 10, NEVER, at[2] + 10]),
        cleared_known_at=np.array([at[0] + 20, NEVER, NEVER]),
    )  # fmt: skip
    assert history.labels(int(at[0]) + 9).tolist()[0] == 0
    assert history.labels(int(at[0]) + 10).tolist()[0] == 1
    assert history.labels(int(at[0]) + 20).tolist()[0] == 0
    assert history.labels(NEVER - 1).tolist() == [0, 0, 1]


def test_slices_follow_each_other_and_hold_only_mature_rows() -> None:
    start = 20_000 * DAY
    split = split_times(start + 5, start + 60 * DAY, maturity=MATURITY)
    assert split.fit.start == start + DAY  # the first whole day
    assert split.calibrate.start - split.fit.end == MATURITY
    assert split.fit.known_by == split.calibrate.start
    assert split.calibrate.end == split.bands.start
    assert split.bands.end == split.test.start
    assert split.test.end == start + 60 * DAY - MATURITY
    assert all(
        edge % DAY == 0 for part in (split.fit, split.test) for edge in (part.start, part.end)
    )


def test_a_short_history_gives_up_the_gap_but_never_the_maturity() -> None:
    start = 20_000 * DAY
    split = split_times(start, start + 49 * DAY, maturity=30 * DAY)
    assert split.calibrate.start == split.fit.end
    assert split.fit.known_by == start + 49 * DAY
    assert split.test.end == start + 19 * DAY
    with pytest.raises(NotEnoughData, match="longer history"):
        split_times(start, start + 49 * DAY, maturity=30 * DAY, strict=True)
    with pytest.raises(NotEnoughData):
        split_times(start, start + 20 * DAY, maturity=30 * DAY)


def test_a_slice_with_rows_too_young_for_their_label_is_refused() -> None:
    with pytest.raises(Invalid, match="mature"):
        Split(
            fit=Slice(0, 10 * DAY, 12 * DAY), calibrate=Slice(12 * DAY, 13 * DAY, 99 * DAY),
            bands=Slice(13 * DAY, 14 * DAY, 99 * DAY), test=Slice(14 * DAY, 15 * DAY, 99 * DAY),
            maturity=3 * DAY,
        )  # fmt: skip
    with pytest.raises(Invalid, match="time order"):
        Split(
            fit=Slice(5 * DAY, 10 * DAY, 99 * DAY), calibrate=Slice(9 * DAY, 13 * DAY, 99 * DAY),
            bands=Slice(13 * DAY, 14 * DAY, 99 * DAY), test=Slice(14 * DAY, 15 * DAY, 99 * DAY),
            maturity=3 * DAY,
        )  # fmt: skip


def test_too_few_frauds_are_named_with_their_slice(world: World) -> None:
    frame = world.frame
    clean = TrainingFrame(
        names=frame.names, x=frame.x, at=frame.at, amount=frame.amount, entity=frame.entity,
        ids=frame.ids, cleared_known_at=frame.cleared_known_at,
        fraud_known_at=np.full(len(frame), NEVER),
    )  # fmt: skip
    with pytest.raises(NotEnoughData, match="fit slice has 0 frauds"):
        train(clean, world.split, SETTINGS, seed=0)


def test_an_unknown_monotone_input_is_refused_with_a_near_miss(world: World) -> None:
    with pytest.raises(Unknown, match="x1"):
        train(world.frame, world.split, TrainSettings(monotone={"x11": 1}), seed=0)
    with pytest.raises(Invalid, match="direction"):
        train(world.frame, world.split, TrainSettings(monotone={"x1": 2}), seed=0)
    with pytest.raises(Invalid, match="rounds"):
        TrainSettings(rounds_max=0)


def test_frame_refuses_what_would_train_silently_wrong() -> None:
    frame = make_frame(10, seed=0)
    columns = {
        name: getattr(frame, name)
        for name in ("names", "x", "at", "fraud_known_at", "cleared_known_at", "amount", "entity",
                     "ids")
    }  # fmt: skip
    for change, message in (
        ({"at": frame.at[::-1]}, "time order"),
        ({"x": np.full((10, 6), np.inf)}, "infinite"),
        ({"amount": frame.amount[:3]}, "10 rows"),
    ):
        with pytest.raises(Invalid, match=message):
            TrainingFrame(**{**columns, **change})


def test_frame_digest_changes_with_any_cell(world: World) -> None:
    frame = make_frame(50, seed=0)
    same = make_frame(50, seed=0)
    assert frame.digest == same.digest
    same.x[3, 2] = np.nextafter(np.nan_to_num(same.x[3, 2]), np.inf)
    assert frame.digest != same.digest


def test_progress_is_told_stages_in_order(world: World) -> None:
    told: list[float] = []
    train(
        world.frame, world.split, msgspec.structs.replace(SETTINGS, rounds_max=3), seed=0,
        progress=lambda _stage, share: told.append(share),
    )  # fmt: skip
    assert told == sorted(told)
    assert told[0] == 0.0
