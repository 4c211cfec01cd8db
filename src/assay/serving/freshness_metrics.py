"""What can be scraped about freshness? Ages, delays, and each view against its target."""

from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from assay.runtime.freshness import FreshnessView
from assay.runtime.latency import Latencies

_SECOND = 1e6


class FreshnessMetrics(Collector):
    """Reads the freshness of a platform whenever it is scraped.

    Labels are the views of policies and reason codes: closed sets.

    Args:
        read: the counts at this moment.
    """

    def __init__(self, read: Callable[[], FreshnessView]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Every measure of freshness."""
        found = self._read()
        yield _histogram(
            "assay_newest_event_age_seconds",
            "T minus the newest event used, of decisions that used any.",
            found.newest_age,
        )
        yield _histogram(
            "assay_event_servable_seconds",
            "From the arrival of an event until a read would see it, in this process.",
            found.servable,
        )
        absent = CounterMetricFamily(
            "assay_views_absent", "Views that could not be had, by reason.", labels=("reason",)
        )
        for reason, count in found.absent.items():
            absent.add_metric((reason,), count)
        yield absent
        decisions = CounterMetricFamily(
            "assay_view_decisions", "Decisions by view and freshness.", labels=("view", "fresh")
        )
        share = GaugeMetricFamily(
            "assay_view_fresh_share",
            "Share of fresh ones in the window.",
            labels=("view",),
        )
        target = GaugeMetricFamily(
            "assay_view_fresh_target", "What that share shall be at least.", labels=("view",)
        )
        for view, counts in found.views.items():
            decisions.add_metric((view, "yes"), counts.fresh)
            decisions.add_metric((view, "no"), counts.stale)
            target.add_metric((view,), counts.target)
            if counts.share is not None:
                share.add_metric((view,), counts.share)
        yield from (decisions, share, target)


def _histogram(name: str, about: str, found: Latencies) -> Metric:
    """Cumulated, as Prometheus has it; edges in seconds."""
    buckets, total = [], 0
    for power, count in enumerate(found.counts[:-1]):
        total += count
        buckets.append((repr(2**power / _SECOND), total))
    buckets.append(("+Inf", found.count))
    family = HistogramMetricFamily(name, about)
    family.add_metric((), buckets, found.total_us / _SECOND)
    return family
