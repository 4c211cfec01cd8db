"""What time is it? On the wall for live traffic, in the log for traffic of a simulated past."""

import time

from assay.contracts.decode import FUTURE_MAX, PAST_MAX
from assay.core.time import HOUR, TIME_END, TIME_MIN

JUMP_MAX = 36 * HOUR  #: how far one event may move a clock that lives in the log


def wall_time() -> int:
    """Microseconds since 1970-01-01 UTC by the machine's clock."""
    return time.time_ns() // 1_000


class WallClock:
    """The machine's clock; an event may lie five minutes ahead of it or ten years behind."""

    future_max = FUTURE_MAX
    past_max = PAST_MAX

    def now(self) -> int:
        """See `Clock.now`."""
        return wall_time()

    def wall(self) -> int:
        """See `Clock.wall`."""
        return wall_time()

    def observe(self, ts: int) -> None:
        """Events do not move this clock."""


class LogClock:
    """The newest accepted ``ts`` is now; one event may move it forward by at most ``jump_max``.

    The first event may lie anywhere: there is no now before it.

    Example:
        >>> clock = LogClock()
        >>> clock.observe(TIME_MIN + HOUR)
        >>> clock.now() == TIME_MIN + HOUR, clock.future_max == JUMP_MAX
        (True, True)
    """

    past_max = TIME_END

    def __init__(self, jump_max: int = JUMP_MAX) -> None:
        self._newest: int | None = None
        self._jump_max = jump_max

    @property
    def future_max(self) -> int:
        """See `Clock.future_max`."""
        return TIME_END if self._newest is None else self._jump_max

    def now(self) -> int:
        """See `Clock.now`."""
        return TIME_MIN if self._newest is None else self._newest

    def wall(self) -> int:
        """See `Clock.wall`."""
        return wall_time()

    def observe(self, ts: int) -> None:
        """See `Clock.observe`."""
        if self._newest is None or ts > self._newest:
            self._newest = ts
