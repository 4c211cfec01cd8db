"""The earliest flagged minute: worked examples, and what is refused."""

import pytest

from assay.features.burst import earliest_flag_minute


@pytest.mark.parametrize(
    ("timestamps", "w", "k", "expected"),
    [
        ([], 5, 1, -1),
        ([7], 1, 1, 7),
        ([7], 1, 2, -1),
        ([7, 7], 1, 2, 7),  # repeats count
        ([1, 2, 3], 3, 3, 3),  # the window's first minute is still in it
        ([1, 2, 4], 3, 3, -1),  # ... and one before is not
        ([9, 1, 8, 2, 3], 3, 3, 3),  # unsorted
        ([-3, -2], 2, 2, -2),
        ([5, 5, 5, 1], 10, 4, 5),
    ],
)
def test_worked_examples(timestamps: list[int], w: int, k: int, expected: int) -> None:
    assert earliest_flag_minute(timestamps, w, k) == expected


@pytest.mark.parametrize(("w", "k"), [(0, 1), (1, 0), (-1, 1), (1, -2), (True, 1), (1.0, 1)])
def test_a_window_or_count_that_is_not_positive_is_a_value_error(w: int, k: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        earliest_flag_minute([1], w, k)


def test_a_timestamp_that_is_no_whole_minute_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"whole minutes, got 1\.5"):
        earliest_flag_minute([1, 1.5], 2, 2)  # type: ignore[list-item]  # that is the point


def test_it_may_be_given_any_iterable_once() -> None:
    assert earliest_flag_minute(iter([4, 3]), 2, 2) == 4
