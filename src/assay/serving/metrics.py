"""What can be scraped? Counters and histograms of requests and decisions, as Prometheus text."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
_METHODS = frozenset({"GET", "HEAD", "POST"})


class Metrics:
    """One process's metrics in a registry of their own.

    Labels come from closed sets (routes as they stand in the access table, statuses, outcomes),
    so that a caller cannot make the number of series grow.

    Args:
        gauges: name and sentence to a function that reads the value when scraped.
    """

    def __init__(self, gauges: Mapping[tuple[str, str], Callable[[], float]] | None = None) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = Counter(
            "assay_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "assay_http_seconds",
            "Seconds from the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._decisions = Counter(
            "assay_decisions",
            "Decisions answered.",
            ("outcome", "degraded"),
            registry=self.registry,
        )
        self._refused = Counter(
            "assay_events_refused", "Events refused, by reason.", ("code",), registry=self.registry
        )
        self._decided: dict[tuple[str, bool], Counter] = {}
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        for (name, about), read in (gauges or {}).items():
            self.watch(name, about, read)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method if method in _METHODS else "other", route, status)
        pair = self._children.get(key)
        if pair is None:
            pair = (self._requests.labels(key[0], route, status), self._seconds.labels(route))
            self._children[key] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def decided(self, outcome: str, *, degraded: bool) -> None:
        """Count one decision."""
        child = self._decided.get((outcome, degraded))
        if child is None:
            child = self._decisions.labels(outcome, "yes" if degraded else "no")
            self._decided[outcome, degraded] = child
        child.inc()

    def refused(self, code: str) -> None:
        """Count one refused event."""
        self._refused.labels(code).inc()

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read whenever it is scraped."""
        Gauge(name, about, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """Everything in the Prometheus text format."""
        return generate_latest(self.registry)
