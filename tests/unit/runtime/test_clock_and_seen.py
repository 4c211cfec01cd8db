"""Two small things the engine leans on: what time it is, and whether an id may be known."""

import numpy as np

from assay.core.time import DAY, HOUR, TIME_END, TIME_MIN
from assay.runtime.clock import JUMP_MAX, LogClock, WallClock, wall_time
from assay.runtime.recovery import Backoff, until_it_works
from assay.runtime.seen import Seen


def test_before_the_first_event_the_logs_clock_allows_any_time() -> None:
    clock = LogClock()
    for ts in (TIME_MIN, TIME_END - 1):
        assert clock.now() - clock.past_max <= ts <= clock.now() + clock.future_max


def test_the_logs_clock_moves_forward_only() -> None:
    clock = LogClock()
    for ts in (TIME_MIN + DAY, TIME_MIN + HOUR):
        clock.observe(ts)
    assert clock.now() == TIME_MIN + DAY
    assert clock.future_max == JUMP_MAX


def test_the_wall_clock_is_not_moved_by_events() -> None:
    clock = WallClock()
    clock.observe(TIME_END - 1)
    assert abs(clock.now() - wall_time()) < HOUR


def test_what_was_added_is_always_seen_and_little_else() -> None:
    rng = np.random.default_rng(3)
    added = [f"bk-{n}" for n in rng.integers(0, 2**62, 20_000)]
    seen = Seen(bits=20)
    for name in added:
        seen.add(name)
    assert all(name in seen for name in added)
    wrong = sum(f"other-{n}" in seen for n in range(20_000))
    assert wrong < 200, "two bits of 2**20 after 20,000 ids: about 29 expected"


def test_an_attempt_is_repeated_with_growing_pauses_until_it_works() -> None:
    pauses: list[float] = []
    heard: list[str] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return False

    def attempt() -> None:
        if len(pauses) < 4:
            raise OSError(f"attempt {len(pauses)}")

    assert until_it_works(attempt, wait=wait, failed=lambda e: heard.append(str(e)), last=0.15)
    assert pauses == [0.05, 0.1, 0.15, 0.15]
    assert heard == ["attempt 1", "attempt 2", "attempt 3"]


def test_repeating_stops_when_told() -> None:
    assert not until_it_works(lambda: None, wait=lambda _: True, failed=lambda _: None)
    assert Backoff(1.0, 5.0).next() == 1.0
