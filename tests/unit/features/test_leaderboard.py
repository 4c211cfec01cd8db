"""Totals that move both ways, and who leads."""

import pytest

from assay.core.errors import Invalid, TooLarge
from assay.features.leaderboard import Leaderboard


def test_the_highest_totals_lead_and_ties_go_to_the_smaller_id() -> None:
    board: Leaderboard[int] = Leaderboard()
    for account, delta in [(3, 5), (1, 5), (2, 9), (4, -1)]:
        board.update(account, delta)
    assert board.top_k(3) == [(2, 9), (1, 5), (3, 5)]
    assert board.top_k(10) == [(2, 9), (1, 5), (3, 5), (4, -1)]
    assert (len(board), board.total(4), board.total(99)) == (4, -1, 0)


def test_an_account_can_fall_and_rise_again() -> None:
    board: Leaderboard[str] = Leaderboard()
    board.update("a", 10)
    board.update("b", 5)
    assert board.top_k(1) == [("a", 10)]
    board.update("a", -20)
    assert board.top_k(1) == [("b", 5)]
    board.update("a", 16)
    assert board.top_k(2) == [("a", 6), ("b", 5)]


def test_everybody_is_looked_at_again_when_the_leaders_sink() -> None:
    """More accounts than the front keeps: the ones below the floor must come back."""
    board: Leaderboard[int] = Leaderboard()
    for account in range(5_000):
        board.update(account, account)
    assert board.top_k(2) == [(4_999, 4_999), (4_998, 4_998)]
    for account in range(3_000, 5_000):
        board.update(account, -10_000)
    assert board.top_k(2) == [(2_999, 2_999), (2_998, 2_998)]
    assert board.top_k(4_000)[3_000] == (4_999, -5_001)


@pytest.mark.parametrize("k", [0, -1, True, 1.5])
def test_asking_for_no_positive_number_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Leaderboard[int]().top_k(k)


def test_what_cannot_be_added_exactly_is_refused_and_changes_nothing() -> None:
    board: Leaderboard[str] = Leaderboard(accounts_max=1)
    board.update("a", 2**63 - 1)
    with pytest.raises(Invalid, match="64 bits"):
        board.update("a", 1)
    with pytest.raises(Invalid, match="smallest unit"):
        board.update("a", 0.5)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(Invalid, match="expected an id of type str"):
        board.update(7, 1)  # type: ignore[arg-type]  # the same
    with pytest.raises(TooLarge, match="1 allowed"):
        board.update("b", 1)
    assert board.top_k(2) == [("a", 2**63 - 1)]
