"""Who has the highest total right now, when totals move both ways all the time?

Between two questions an update costs a dictionary entry. A question looks at a *front* (the
accounts that were best last time) and at what has moved since; every other account is known to
stand no better than a floor. Only when the front has sunk below that floor is everybody looked at.
"""

from collections.abc import Hashable
from heapq import nsmallest
from typing import Generic, Protocol, Self, TypeVar

from assay.core.errors import Invalid, TooLarge, shown

#: Accounts kept in the front beyond those asked for: how far they may sink before a full look.
_SPARE = 256
_TOTAL_MAX = 2**63 - 1


class Ordered(Hashable, Protocol):
    """An account id: ids of one board can be compared with each other."""

    def __lt__(self, other: Self, /) -> bool:
        """Whether this id stands before the other on equal totals."""
        ...


_Account = TypeVar("_Account", bound=Ordered)


class Leaderboard(Generic[_Account]):
    """Totals per account and the k highest of them; ties go to the smaller id.

    Memory is bounded by the accounts seen, not by the updates: about 200 bytes each.

    Args:
        accounts_max: how many accounts may be seen.

    Example:
        >>> board = Leaderboard()
        >>> for account, cents in [("b", 500), ("a", 700), ("c", 900), ("c", -400)]:
        ...     board.update(account, cents)
        >>> board.top_k(3)
        [('a', 700), ('b', 500), ('c', 500)]
    """

    def __init__(self, accounts_max: int = 10_000_000) -> None:
        self._accounts_max = accounts_max
        self._totals: dict[_Account, int] = {}
        self._kind: type | None = None
        self._front: set[_Account] = set()
        self._moved: set[_Account] = set()
        # Who is in neither set does not rank before this place; None while all are in one of them.
        self._floor: tuple[int, _Account] | None = None

    def __len__(self) -> int:
        return len(self._totals)

    def update(self, account_id: _Account, delta: int) -> None:
        """Add ``delta`` (of any sign) to an account's total; an account starts from 0.

        Raises:
            Invalid: delta is not a whole number (count in the smallest unit), the total would
                leave 64 bits, or the id is of another type than the first; nothing has changed
                then.
            TooLarge: it is one account too many.
        """
        if type(delta) is not int:
            raise Invalid(
                f"delta: expected a whole number (of the smallest unit, such as cents), "
                f"got {shown(delta)}"
            )
        totals = self._totals
        before = totals.get(account_id)
        if before is None:
            before = 0
            self._kind = self._kind or type(account_id)
            if type(account_id) is not self._kind:
                raise Invalid(
                    f"account {shown(account_id)}: expected an id of type {self._kind.__name__}, "
                    "like those before, so that ties have an order"
                )
            if len(totals) >= self._accounts_max:
                raise TooLarge(
                    f"account {shown(account_id)} is one more than the {self._accounts_max} allowed"
                )
        total = before + delta
        if not -_TOTAL_MAX <= total <= _TOTAL_MAX:
            raise Invalid(f"account {shown(account_id)}: the total {total} does not fit 64 bits")
        totals[account_id] = total
        self._moved.add(account_id)

    def total(self, account_id: _Account) -> int:
        """The total of an account, 0 for one never seen."""
        return self._totals.get(account_id, 0)

    def top_k(self, k: int) -> list[tuple[_Account, int]]:
        """The k accounts with the highest totals, best first; all of them if there are fewer.

        Raises:
            Invalid: k is not a positive whole number.
        """
        if type(k) is not int or k < 1:
            raise Invalid(f"k: expected a whole number of at least 1, got {shown(k)}")
        totals, floor = self._totals, self._floor
        self._front |= self._moved
        self._moved.clear()
        ranked = [(-totals[account], account) for account in self._front]
        if floor is not None:
            ranked = [place for place in ranked if place < floor]
        if floor is not None and len(ranked) < min(k, len(totals)):
            ranked = [(-total, account) for account, total in totals.items()]
            self._floor = None
        best = nsmallest(k + _SPARE + 1, ranked)
        if len(best) > k + _SPARE:
            self._floor = best.pop()
        self._front = {account for _, account in best}
        return [(account, -negated) for negated, account in best[:k]]
