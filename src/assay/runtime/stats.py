"""How is the engine doing? Counts and latencies since it started, cheap enough to keep always."""

from collections import Counter

import msgspec

from assay.runtime.freshness import Freshness, FreshnessView

STAGES = ("decode", "lists", "features", "rules", "model", "decide", "whole")
_BUCKETS = 24  #: powers of two of microseconds: 1 us up to 8 s and more


class StageTimes(msgspec.Struct, frozen=True):
    """Latencies of one stage: ``counts[i]`` took less than ``2**i`` microseconds (not cumulated).

    The last bucket holds everything longer. ``total_us`` is their sum.
    """

    counts: tuple[int, ...]
    total_us: float


class StatsView(msgspec.Struct, frozen=True, kw_only=True):
    """The counts at one moment.

    ``accepted`` counts events that count, of which ``late_accepted`` were older than the newest;
    ``late_rejected`` were older than the horizon; ``retracted`` were taken back.
    """

    outcomes: dict[str, int]
    degraded: dict[str, int]
    refused: dict[str, int]
    accepted: int
    late_accepted: int
    late_rejected: int
    retracted: int
    duplicates: int
    rebuilds: int
    waiting: int
    stages: dict[str, StageTimes]
    freshness: FreshnessView


class Stats:
    """Counters with one writing thread.

    Example:
        >>> stats = Stats()
        >>> stats.took("rules", 3_000)
        >>> stats.view(waiting=0).stages["rules"].counts[:4]
        (0, 0, 1, 0)
    """

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.degraded: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.accepted = self.duplicates = self.rebuilds = 0
        self.late_accepted = self.late_rejected = self.retracted = 0
        self.freshness = Freshness()
        self._counts = {stage: [0] * _BUCKETS for stage in STAGES}
        self._total_ns = dict.fromkeys(STAGES, 0)

    def took_in(self, *, accepted: bool, late: bool, retraction: bool) -> None:
        """An event got its place in the log."""
        if retraction:
            self.retracted += 1
        elif accepted:
            self.accepted += 1
            self.late_accepted += late
        else:
            self.late_rejected += 1

    def took(self, stage: str, ns: int) -> None:
        """One run of a stage took that many nanoseconds."""
        bucket = (ns // 1_000).bit_length()
        self._counts[stage][bucket if bucket < _BUCKETS else _BUCKETS - 1] += 1
        self._total_ns[stage] += ns

    def view(self, *, waiting: int) -> StatsView:
        """A copy that later counting does not change."""
        return StatsView(
            outcomes=dict(self.outcomes),
            degraded=dict(self.degraded),
            refused=dict(self.refused),
            accepted=self.accepted,
            late_accepted=self.late_accepted,
            late_rejected=self.late_rejected,
            retracted=self.retracted,
            duplicates=self.duplicates,
            rebuilds=self.rebuilds,
            waiting=waiting,
            stages={
                stage: StageTimes(tuple(self._counts[stage]), self._total_ns[stage] / 1_000)
                for stage in STAGES
            },
            freshness=self.freshness.view(),
        )
