"""How long did it take, again and again? A histogram of microseconds in powers of two."""

import msgspec

_BUCKETS = 40  #: 1 us up to six days and more


class Latencies(msgspec.Struct, frozen=True):
    """``counts[i]`` took less than ``2**i`` microseconds (not cumulated); the last: or longer.

    ``total_us`` is their sum.
    """

    counts: tuple[int, ...]
    total_us: int

    @property
    def count(self) -> int:
        """How many were measured."""
        return sum(self.counts)


class Latency:
    """A histogram with one writing thread.

    Example:
        >>> latency = Latency()
        >>> latency.took(3)
        >>> latency.view().counts[:4], latency.view().total_us
        ((0, 0, 1, 0), 3)
    """

    def __init__(self) -> None:
        self._counts, self._total = [0] * _BUCKETS, 0

    def took(self, us: int, times: int = 1) -> None:
        """Once more, or several times, in microseconds; below 0 (two clocks) counts as 0."""
        us = max(us, 0)
        self._counts[min(us.bit_length(), _BUCKETS - 1)] += times
        self._total += us * times

    def view(self) -> Latencies:
        """A copy that later counting does not change."""
        return Latencies(tuple(self._counts), self._total)
