"""Which fraud groups are active today? Each is a number, so a day needs no memory of the last.

A group of a pattern starts on a known day and is active for a fixed number of days. Everything it
owns (accounts, devices, stolen cards, listings) is numbered inside the group's own range, so what
it reuses on two days is the same entity without anybody keeping a list.
"""

import msgspec
import numpy as np

from assay.simulate.draft import repeated
from assay.simulate.draws import Draws, Ints, hashed, spread
from assay.simulate.population import Family

#: Numbers a group owns of each kind of entity; 2**28 / 2**11 groups fit a family.
_OWNED = 1 << 11
#: Days before the world begins at which groups may already have started.
_BEFORE = 128


class Gang(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern's way of organising: family, groups a day (or days a group), days active."""

    family: Family
    per_day: int = 1
    every_days: int = 1
    lifetime: int

    def active(self, day: int) -> tuple[Ints, Ints]:
        """Numbers of the groups active on ``day``, and for how many days each has been."""
        started = np.arange(day - self.lifetime + 1, day + 1, dtype=np.int64)
        started = started[(started + _BEFORE) % self.every_days == 0]
        group = (started + _BEFORE) // self.every_days * self.per_day
        number = (group[:, None] + np.arange(self.per_day)).ravel()
        return number, np.repeat(day - started, self.per_day)

    def owned(self, group: Ints, nth: Ints | int) -> Ints:
        """The entity numbers of a group's ``nth`` device, card, account or listing (< 2048)."""
        return self.family.numbers(group * _OWNED + nth)

    def trait(self, seed: int, trait: int, quantiles: tuple[int, ...], numbers: Ints) -> Ints:
        """A fixed trait of a group or of what it owns, spread over ``quantiles``."""
        return spread(quantiles, hashed(seed, 1_000 * int(self.family) + trait, numbers))


def acts_of(draws: Draws, groups: Ints, percent: int) -> Ints:
    """Row numbers of ``groups``, each as often as it acts today: ``percent``/100 on average."""
    certain, rest = divmod(percent, 100)
    counts = certain + draws.chance(100 * rest, groups.size).astype(np.int64)
    # An even swing around the mean: a group that always acted as often would be a signature.
    counts += draws.between(-1, 1, groups.size) * (counts > 0)
    return repeated(counts)[0]
