"""Late events, retractions, corrections and erasures, said once more over plain lists.

It shares no code with the platform: a fact is a record in a list, a value a sum over that list.
"""

from dataclasses import dataclass, field
from fractions import Fraction

DAY = 86_400_000_000


@dataclass
class Said:
    """One event as it was taken in at ``seq``; ``back`` is the seq of its retraction.

    ``decided`` holds the values that were served with it.
    """

    name: str
    user: str
    guest: str
    amount: int
    ts: int
    seq: int
    accepted: bool
    back: int | None = None
    decided: tuple[object, ...] | None = None
    erased: bool = False


@dataclass
class World:
    """All that was said, in order."""

    horizon: int
    seq: int = 0
    said: list[Said] = field(default_factory=list)

    @property
    def newest(self) -> int | None:
        """The newest ``ts`` that counts for lateness; what was erased says no time."""
        times = [s.ts for s in self.said if s.accepted and not s.erased]
        return max(times, default=None)

    def accepts(self, ts: int) -> bool:
        """Whether an event counts when it comes now."""
        return self.newest is None or ts >= self.newest - self.horizon

    def say(self, name: str, user: str, guest: str, amount: int, ts: int) -> Said:
        """Take an event in."""
        accepted = self.accepts(ts)
        self.seq += 1
        self.said.append(Said(name, user, guest, amount, ts, self.seq, accepted))
        return self.said[-1]

    def take_back(self, name: str) -> bool:
        """Take an event back; False when it was before."""
        found = next(s for s in self.said if s.name == name)
        if found.back is not None:
            return False
        self.seq += 1
        found.back = self.seq
        return True

    def forget(self, user: str) -> None:
        """Erase what a user did so far; the receipt takes a place."""
        for said in self.said:
            said.erased |= said.user == user
        self.seq += 1

    def values(
        self, user: str, guest: str, amount: int, ts: int, before: int
    ) -> tuple[object, ...]:
        """Count and mean of the user, whether it is much, count of the guest; one day back.

        ``before`` is the seq up to which, not included, facts are seen.
        """
        seen = [
            s
            for s in self.said
            if s.seq < before
            and s.accepted
            and not s.erased
            and (s.back is None or s.back >= before)
            and ts - DAY <= s.ts < ts
        ]
        mine = [s.amount for s in seen if s.user == user]
        mean = float(Fraction(sum(mine), len(mine))) if mine else None
        return len(mine), mean, sum(1 for s in seen if s.guest == guest), amount > 100_000
