"""When was a burst first long enough to be flagged? The earliest of all such minutes."""

from collections.abc import Iterable

from assay.core.errors import Invalid, shown


def earliest_flag_minute(timestamps: Iterable[int], w: int, k: int) -> int:
    """The earliest minute t with at least k timestamps in ``[t - w + 1, t]``; -1 if there is none.

    Over whole minutes that is the half-open window ``[T - w, T)`` of a feature at ``T = t + 1``: a
    count over w minutes, read when minute t has passed, is k or more for the first time.

    Args:
        timestamps: whole minutes, in any order; repeats count, as do negative ones.
        w: minutes in the window, at least 1.
        k: timestamps that make a burst, at least 1.

    Raises:
        Invalid: (a ``ValueError``) w, k or a timestamp is not a whole number, or w or k not
            positive.

    Example:
        >>> earliest_flag_minute([30, 1, 2, 9, 31, 31], w=3, k=3)
        31
        >>> earliest_flag_minute([1, 5, 9], w=4, k=2)
        -1
    """
    for name, value in (("w", w), ("k", k)):
        if type(value) is not int or value < 1:
            raise Invalid(f"{name}: expected a whole number of at least 1, got {shown(value)}")
    minutes = list(timestamps)
    for minute in minutes:
        if type(minute) is not int:
            raise Invalid(f"timestamps: expected whole minutes, got {shown(minute)}")
    minutes.sort()
    for first, last in zip(minutes, minutes[k - 1 :], strict=False):
        # The k-th of them is the earliest t whose window can still reach back to the first.
        if last - first < w:
            return last
    return -1
