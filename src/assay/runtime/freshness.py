"""How recent was what decisions saw? Ages, misses of each view's target, and what was absent."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from assay.decisions.freshness import ViewTarget
from assay.runtime.latency import Latencies, Latency

_PARTS = 60  #: a window is counted in this many parts, so it is right to a sixtieth


class ViewFreshness(msgspec.Struct, frozen=True, kw_only=True):
    """How one view does against its target.

    ``fresh`` and ``stale`` count decisions since the start; ``share`` is the part that was fresh
    among those of the target's window before the newest T, None without any; ``ages`` are those
    seen, in microseconds.
    """

    fresh: int
    stale: int
    share: float | None
    target: float
    ages: Latencies


class FreshnessView(msgspec.Struct, frozen=True, kw_only=True):
    """The counts at one moment.

    ``newest_age`` is T minus the newest event used, of decisions that used any; ``servable`` is how
    long an event took from its arrival until a read would see it; ``absent`` counts views that
    could not be had, by reason.
    """

    newest_age: Latencies
    servable: Latencies
    absent: dict[str, int]
    views: dict[str, ViewFreshness]


class Freshness:
    """Counters with one writing thread."""

    def __init__(self) -> None:
        self.newest_age, self.servable = Latency(), Latency()
        self.absent: Counter[str] = Counter()
        self._views: dict[str, _Watched] = {}

    def read(self, at: int, newest: int | None, absent: Mapping[str, str]) -> None:
        """A vector was read at T."""
        if newest is not None:
            self.newest_age.took(at - newest)
        if absent:
            self.absent.update(absent.values())

    def watched(
        self, targets: Iterable[ViewTarget], seen: Mapping[str, int | None],
        missed: Iterable[ViewTarget], at: int,
    ) -> None:  # fmt: skip
        """The targets of a policy were judged at T."""
        late = {target.view for target in missed}
        for target in targets:
            if target.view in seen:
                watched = self._views.setdefault(target.view, _Watched(target))
                watched.count(target, seen[target.view], at, stale=target.view in late)

    def view(self) -> FreshnessView:
        """A copy that later counting does not change."""
        return FreshnessView(
            newest_age=self.newest_age.view(),
            servable=self.servable.view(),
            absent=dict(self.absent),
            views={name: watched.view() for name, watched in list(self._views.items())},
        )


class _Watched:
    """One view: all decisions, and those of the target's window in parts of a sixtieth."""

    def __init__(self, target: ViewTarget) -> None:
        self._target, self._ages = target, Latency()
        self._fresh = self._stale = 0
        self._parts: dict[int, list[int]] = {}

    def count(self, target: ViewTarget, newest: int | None, at: int, *, stale: bool) -> None:
        if target != self._target:  # another policy decides now
            self._target, self._parts = target, {}
        if newest is not None:
            self._ages.took(at - newest)
        self._fresh += not stale
        self._stale += stale
        part = at // max(target.window // _PARTS, 1)
        if part not in self._parts:
            newest_part = max([part, *self._parts])
            self._parts = {
                place: counts
                for place, counts in self._parts.items()
                if place > newest_part - _PARTS
            }
        counts = self._parts.setdefault(part, [0, 0])
        counts[stale] += 1

    def view(self) -> ViewFreshness:
        parts = list(self._parts.values())
        fresh, stale = sum(part[0] for part in parts), sum(part[1] for part in parts)
        return ViewFreshness(
            fresh=self._fresh,
            stale=self._stale,
            share=fresh / (fresh + stale) if parts else None,
            target=self._target.share,
            ages=self._ages.view(),
        )
