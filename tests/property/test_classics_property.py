"""The two classics against definitions that look at everything."""

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.features.burst import earliest_flag_minute
from assay.features.leaderboard import Leaderboard


@given(st.lists(st.integers(-5, 40), max_size=30), st.integers(1, 12), st.integers(1, 6))
def test_the_flagged_minute_is_the_first_whose_window_holds_k(
    timestamps: list[int], w: int, k: int
) -> None:
    held = (t for t in range(-10, 60) if sum(t - w + 1 <= s <= t for s in timestamps) >= k)
    assert earliest_flag_minute(timestamps, w, k) == next(held, -1)


_STEPS = st.lists(
    st.tuples(st.integers(0, 700), st.integers(-50, 50), st.sampled_from([0, 0, 0, 1, 3, 400])),
    max_size=60,
)


@settings(deadline=None)  # a full sort of every account takes as long as the machine is busy
@given(st.integers(0, 1_500), _STEPS)
def test_the_leaders_are_those_of_a_full_sort(
    accounts: int, steps: list[tuple[int, int, int]]
) -> None:
    board: Leaderboard[int] = Leaderboard()
    totals: dict[int, int] = {}

    def update(account: int, delta: int) -> None:
        board.update(account, delta)
        totals[account] = totals.get(account, 0) + delta

    for account in range(accounts):
        update(account, (account * 7919) % 101)
    for account, delta, k in steps:
        update(account, delta)
        if k:
            for leader, _ in board.top_k(k):
                update(leader, -60)  # what was best sinks, so that the floor is reached
            ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
            assert board.top_k(k) == ranked[:k]
