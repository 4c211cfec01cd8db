"""How fast is what one would write in plain Python? Deques per card and window."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence

Payment = tuple[int, str, int, str]


class Rolling:
    """Count, sum, mean, greatest and different values over one window of one card."""

    __slots__ = ("_greatest", "_held", "_shops", "_total", "_window")

    def __init__(self, window: int) -> None:
        self._window, self._total = window, 0
        self._held: deque[tuple[int, int, str]] = deque()
        self._greatest: deque[tuple[int, int]] = deque()
        self._shops: Counter[str] = Counter()

    def update(self, ts: int, cents: int, shop: str) -> tuple[int, int, float, int, int]:
        """Add an event, drop those that are too old, and answer all five."""
        held, greatest, shops = self._held, self._greatest, self._shops
        while held and held[0][0] < ts - self._window:
            _, old, left = held.popleft()
            self._total -= old
            shops[left] -= 1
            if not shops[left]:
                del shops[left]
        while greatest and greatest[0][0] < ts - self._window:
            greatest.popleft()
        while greatest and greatest[-1][1] <= cents:
            greatest.pop()
        greatest.append((ts, cents))
        held.append((ts, cents, shop))
        shops[shop] += 1
        self._total += cents
        return len(held), self._total, self._total / len(held), greatest[0][1], len(shops)


def update_all(payments: Iterable[Payment], windows: Sequence[int]) -> None:
    """Feed payments (ts, card, cents, shop) one by one."""
    states: dict[str, list[Rolling]] = {}
    for ts, card, cents, shop in payments:
        found = states.get(card)
        if found is None:
            found = states[card] = [Rolling(window) for window in windows]
        for state in found:
            state.update(ts, cents, shop)
