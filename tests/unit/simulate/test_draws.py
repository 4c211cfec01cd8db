"""Chance is integers only, and the same on every machine."""

import numpy as np
import pytest

from assay.simulate.draws import Draws, choose, hashed, scrambled, spread


def test_the_words_are_pinned() -> None:
    """PCG64 and SeedSequence as numpy promises them: a change would change every world."""
    assert Draws(20_250_602, 1, 2).halves(4).tolist() == GOLDEN_HALVES
    assert hashed(20_250_602, 3, [0, 1, 2**40]).tolist() == GOLDEN_HASHED
    numbers = np.array([0, 1, 2**32 - 1], dtype=np.int64)
    assert scrambled(20_250_602, 21, numbers).tolist() == GOLDEN_SCRAMBLED


def test_streams_of_other_paths_and_seeds_differ() -> None:
    streams = [Draws(1, 2, 3), Draws(1, 3, 2), Draws(2, 2, 3), Draws(1, 2)]
    assert len({tuple(stream.halves(4).tolist()) for stream in streams}) == 4


def test_a_draw_stays_below_its_bound() -> None:
    drawn = Draws(1).below(7, 10_000)
    assert set(drawn.tolist()) == set(range(7))
    assert set(Draws(1).between(-2, 2, 1_000).tolist()) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize(("per_10k", "expected"), [(0, 0), (10_000, 1_000)])
def test_a_chance_of_nothing_and_of_everything(per_10k: int, expected: int) -> None:
    assert Draws(1).chance(per_10k, 1_000).sum() == expected


def test_choices_follow_the_weights_exactly_at_their_edges() -> None:
    quarter = 1 << 30
    words = np.array([0, quarter - 1, quarter, 4 * quarter - 1], dtype=np.int64)
    assert choose((1, 0, 3), words).tolist() == [0, 0, 2, 2]


def test_a_spread_meets_its_quantiles() -> None:
    words = np.array([0, 1 << 30, 1 << 31, 3 << 30, (1 << 32) - 1], dtype=np.int64)
    assert spread((0, 100, 1_000), words).tolist() == [0, 50, 100, 550, 999]


GOLDEN_HALVES = [3479604974, 2518116013, 2511477488, 4018237184]
GOLDEN_HASHED = [2349411835, 781024065, 2558230576]
GOLDEN_SCRAMBLED = [2981807334, 3201444298, 3020213952]
