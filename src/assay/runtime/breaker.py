"""Is it worth asking something that has just failed? Not until a pause is over, then once."""

from collections.abc import Callable

_SECOND_NS = 1_000_000_000


class Breaker:
    """Opens after ``failures`` in a row; while open, one trial after each pause.

    A pause doubles with every failed trial, from ``first`` to ``last`` seconds, so that what is
    down costs a caller nothing and what is back is used again by itself. One thread calls it.

    Args:
        monotonic: nanoseconds, never going back.
        failures: in a row until it opens.
        first: seconds of the first pause.
        last: seconds of the longest pause.

    Example:
        >>> now = [0]
        >>> breaker = Breaker(lambda: now[0], failures=2, first=1.0, last=8.0)
        >>> breaker.failed(), breaker.closed(), breaker.failed(), breaker.closed()
        (None, True, None, False)
        >>> now[0] = 1_000_000_000  # the pause is over: one trial
        >>> breaker.closed(), breaker.closed()
        (True, False)
        >>> breaker.worked(), breaker.closed()
        (None, True)
    """

    def __init__(
        self,
        monotonic: Callable[[], int],
        *,
        failures: int = 3,
        first: float = 0.05,
        last: float = 2.0,
    ) -> None:
        self._monotonic, self._failures = monotonic, failures
        self._first, self._last = int(first * _SECOND_NS), int(last * _SECOND_NS)
        self._in_a_row, self._pause, self._until = 0, 0, 0
        self.opened = 0

    @property
    def is_open(self) -> bool:
        """Whether it holds callers back now."""
        return self._pause > 0

    def closed(self) -> bool:
        """Whether to ask now; while open, True is said once a pause, and that is the trial."""
        if not self._pause:
            return True
        now = self._monotonic()
        if now < self._until:
            return False
        self._until = now + self._pause  # until the trial has answered, nobody else tries
        return True

    def worked(self) -> None:
        """The last call was answered."""
        self._in_a_row = self._pause = 0

    def failed(self) -> None:
        """The last call failed."""
        self._in_a_row += 1
        if self._in_a_row < self._failures:
            return
        self.opened += not self._pause
        self._pause = min(2 * self._pause, self._last) if self._pause else self._first
        self._until = self._monotonic() + self._pause
