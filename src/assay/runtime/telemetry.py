"""How is the running process doing? Counts since it started and its most recent latencies."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np


class Telemetry:
    """What one process has done; safe to read from any thread.

    Example:
        >>> telemetry = Telemetry(window=100)
        >>> for us in range(1, 101):
        ...     telemetry.decided("approve", degraded=False, seconds=us / 1e6)
        >>> telemetry.quantiles((0.5, 0.99))
        (5.05e-05, 9.901e-05)
    """

    def __init__(self, window: int = 10_000) -> None:
        self._seconds = np.zeros(window)
        self._count = 0
        self._outcomes: Counter[str] = Counter()
        self._degraded = 0
        self._lock = threading.Lock()

    def decided(self, outcome: str, *, degraded: bool, seconds: float) -> None:
        """Count one decision that was answered after ``seconds``."""
        with self._lock:
            self._seconds[self._count % len(self._seconds)] = seconds
            self._count += 1
            self._outcomes[outcome] += 1
            self._degraded += degraded

    @property
    def decisions(self) -> int:
        """Decisions answered since the start."""
        return self._count

    @property
    def degraded(self) -> int:
        """How many of them fell back to a degraded mode."""
        return self._degraded

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Decisions by outcome since the start."""
        with self._lock:
            return dict(self._outcomes)

    def quantiles(self, shares: Sequence[float]) -> tuple[float, ...]:
        """Quantiles of the latest latencies in seconds (linear interpolation); empty for none."""
        with self._lock:
            recent = self._seconds[: min(self._count, len(self._seconds))].copy()
        if not len(recent):
            return ()
        return tuple(float(value) for value in np.quantile(recent, shares))
