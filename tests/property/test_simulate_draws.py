"""Laws of the simulator's integers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assay.simulate.draft import repeated
from assay.simulate.draws import choose, scrambled, spread

words = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30)
seeds = st.integers(0, 2**63 - 1)


@given(seed=seeds, numbers=st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=200))
def test_scrambling_never_merges_two_numbers(seed: int, numbers: set[int]) -> None:
    found = scrambled(seed, 21, np.array(sorted(numbers), dtype=np.int64)).tolist()
    assert len(set(found)) == len(numbers)
    assert all(0 <= number < 2**32 for number in found)


@given(quantiles=st.lists(st.integers(0, 2**40), min_size=2, max_size=12), halves=words)
def test_a_spread_is_monotone_and_stays_between_its_quantiles(
    quantiles: list[int], halves: list[int]
) -> None:
    table = sorted(quantiles)
    found = spread(table, np.array(sorted(halves), dtype=np.int64)).tolist()
    assert found == sorted(found)
    assert table[0] <= found[0]
    assert found[-1] <= table[-1]


@given(weights=st.lists(st.integers(0, 50), min_size=1, max_size=8), halves=words)
def test_choices_equal_a_count_of_thresholds(weights: list[int], halves: list[int]) -> None:
    """The oracle walks the weights one by one with Python's integers."""
    weights = [*weights, 1]

    def walk(word: int) -> int:
        left = word * sum(weights) >> 32
        for place, weight in enumerate(weights):
            if left < weight:
                return place
            left -= weight
        raise AssertionError(word)

    found = choose(weights, np.array(halves, dtype=np.int64)).tolist()
    assert found == [walk(word) for word in halves]


@given(counts=st.lists(st.integers(0, 5), max_size=20))
def test_rows_are_repeated_as_often_as_told(counts: list[int]) -> None:
    owner, nth = repeated(np.array(counts, dtype=np.int64))
    expected = [(row, place) for row, count in enumerate(counts) for place in range(count)]
    assert list(zip(owner.tolist(), nth.tolist(), strict=True)) == expected
