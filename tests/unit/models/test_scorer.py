"""The served score is LightGBM's own, bit for bit, and every changed byte is noticed."""

from concurrent.futures import ThreadPoolExecutor

import lightgbm
import msgspec
import numpy as np
import pytest
from tests.unit.models.world import World

from assay.core.canonical import canonical, digest_bytes
from assay.core.errors import Corrupt, Invalid, NotFound
from assay.models.bundle import CALIBRATOR, MANIFEST, MODEL, build_bundle, read_bundle
from assay.models.forest import Forest
from assay.models.scorer import Scorer
from assay.models.text import TextModel


def test_two_thousand_rows_equal_lightgbms_own_predictor_bit_for_bit(world: World) -> None:
    rows = world.frame.x[:2_000]
    oracle = lightgbm.Booster(model_str=world.trained.model).predict(rows, raw_score=True)
    raw, probability = world.scorer.score_rows(rows)
    assert raw.tobytes() == np.asarray(oracle).tobytes()
    single = [world.scorer.score(row) for row in rows]
    assert [score.raw for score in single] == raw.tolist()
    assert [score.probability for score in single] == probability.tolist()


def test_contributions_and_base_add_up_to_the_score(world: World) -> None:
    oracle = lightgbm.Booster(model_str=world.trained.model)
    rows = world.frame.x[:200]
    wanted = np.asarray(oracle.predict(rows, pred_contrib=True))
    assert world.scorer.breakdown_rows(rows).tobytes() == wanted.tobytes()
    for row, expected in zip(rows, wanted, strict=True):
        parts, base = world.scorer.breakdown(row)
        assert abs(float(parts.sum()) + base - (world.scorer.score(row).raw or 0.0)) < 1e-9
        np.testing.assert_array_equal(parts, expected[:-1])


def test_top_contributions_are_the_largest_by_size(world: World) -> None:
    parts, _ = world.scorer.breakdown(world.frame.x[5])
    top = world.scorer.contributions(world.frame.x[5], top=3)
    assert [abs(weight) for _, weight in top] == sorted(np.abs(parts).tolist(), reverse=True)[:3]
    assert all(world.scorer.inputs.index(name) == parts.tolist().index(w) for name, w in top)


def test_a_row_of_unknowns_and_extreme_values_still_has_a_score(world: World) -> None:
    for value in (np.nan, 1e308, -1e308, 0.0):
        score = world.scorer.score(np.full(6, value))
        assert score.raw is not None
        assert np.isfinite(score.raw)
        assert score.probability is not None
        assert 0 < score.probability < 1


@pytest.mark.parametrize(
    "row", [np.zeros(5), np.zeros(6, np.float32), np.zeros((1, 6)), np.zeros(12)[::2]]
)
def test_a_row_of_another_shape_or_type_is_refused(
    world: World, row: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> None:
    with pytest.raises(Invalid, match="6 doubles"):
        world.scorer.score(row)


def test_rows_of_another_width_are_refused_and_none_is_fine(world: World) -> None:
    with pytest.raises(Invalid, match="6 inputs"):
        world.scorer.score_rows(np.zeros((3, 5)))
    assert world.scorer.score_rows(np.zeros((0, 6)))[0].size == 0


def test_threads_may_share_a_scorer_or_have_twins(world: World) -> None:
    rows = world.frame.x[:400]
    wanted = world.scorer.score_rows(rows)[0].tolist()
    twin = world.scorer.twin()
    assert (twin.digest, twin.inputs) == (world.scorer.digest, world.scorer.inputs)

    def work(scorer: Scorer) -> list[float | None]:
        return [scorer.score(row).raw for row in rows]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(work, [world.scorer, world.scorer, world.scorer, twin]))
    assert all(answer == wanted for answer in answers)


def test_a_flipped_byte_anywhere_is_corrupt_and_names_the_file(world: World) -> None:
    rng = np.random.default_rng(0)
    for name, data in world.bundle.files.items():
        for place in rng.integers(0, len(data), 25).tolist():
            broken = bytearray(data)
            broken[place] ^= 1 << int(rng.integers(0, 8))
            files = {**world.bundle.files, name: bytes(broken)}
            with pytest.raises(Corrupt, match=name):
                Scorer.load(files, expected=world.bundle.digest)


def test_missing_and_additional_files_are_corrupt(world: World) -> None:
    for name in (MODEL, CALIBRATOR, MANIFEST):
        fewer = {key: data for key, data in world.bundle.files.items() if key != name}
        with pytest.raises(Corrupt, match=name):
            Scorer.load(fewer)
    with pytest.raises(Corrupt, match=r"extra\.txt"):
        Scorer.load({**world.bundle.files, "extra.txt": b""})


def test_a_consistent_forgery_is_caught_by_the_approved_digest(world: World) -> None:
    forged = msgspec.structs.replace(world.bundle.manifest, seed=8)
    files = {**world.bundle.files, MANIFEST: canonical(forged)}
    assert Scorer.load(files).digest != world.bundle.digest
    with pytest.raises(Corrupt, match="approved"):
        Scorer.load(files, expected=world.bundle.digest)


def test_a_manifest_that_is_not_canonical_is_corrupt(world: World) -> None:
    spaced = world.bundle.files[MANIFEST].replace(b'":', b'": ', 1)
    with pytest.raises(Corrupt, match="canonical"):
        Scorer.load({**world.bundle.files, MANIFEST: spaced})


def test_a_bundle_reads_back_from_a_content_addressed_store(world: World) -> None:
    store = {digest_bytes(data): data for data in world.bundle.files.values()}

    def get(digest: str) -> bytes:
        if digest not in store:
            raise NotFound(digest)
        return store[digest]

    files = read_bundle(get, world.bundle.digest)
    assert files == world.bundle.files
    assert Scorer.load(files, expected=world.bundle.digest).digest == world.bundle.digest
    store[world.bundle.digest] += b" "
    with pytest.raises(Corrupt):
        read_bundle(get, world.bundle.digest)


def test_the_text_model_travels_in_the_bundle(world: World) -> None:
    text = TextModel.fit(["send money now", "see you soon"], [1, 0], 0)
    manifest = msgspec.structs.replace(world.bundle.manifest, files={}, text_model=text.digest)
    bundle = build_bundle(
        manifest,
        model=world.trained.model,
        calibrator=world.trained.calibrator.to_bytes(),
        text_model=text.to_bytes(),
    )
    scorer = Scorer.load(bundle.files, expected=bundle.digest)
    assert scorer.text_model is not None
    assert scorer.text_model.digest == text.digest
    with pytest.raises(Invalid, match="without files"):
        build_bundle(bundle.manifest, model="", calibrator=b"")


def test_a_model_with_other_inputs_than_the_manifest_is_corrupt(world: World) -> None:
    manifest = msgspec.structs.replace(world.bundle.manifest, files={}, features=("only",))
    bundle = build_bundle(
        manifest,
        model=world.trained.model,
        calibrator=world.trained.calibrator.to_bytes(),
    )
    with pytest.raises(Corrupt, match="6 inputs"):
        Scorer.load(bundle.files)


def test_text_that_is_no_model_is_corrupt() -> None:
    with pytest.raises(Corrupt, match="load the model text"):
        Forest("this is not a forest")
