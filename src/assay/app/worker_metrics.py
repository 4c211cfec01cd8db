"""What can be scraped of a worker? Its counts, its delays, and where each partition stands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from assay.core.errors import Unavailable
from assay.runtime.clock import wall_time
from assay.runtime.keeping import SnapshotView
from assay.runtime.partition_owner import Owner
from assay.runtime.partition_worker import Worker
from assay.runtime.worker_stats import DELAY_EDGES, WorkerStats

#: Name, sentence, and how it is read of a view at an instant.
_SNAPSHOTS: tuple[tuple[str, str, Callable[[SnapshotView, int], float]], ...] = (
    ("seq", "Place in the log of the newest snapshot.", lambda view, _: view.seq),
    ("bytes", "Size of the newest snapshot.", lambda view, _: view.bytes_used),
    (
        "age_seconds",
        "Since the newest snapshot was written; not a number without one.",
        lambda view, now: view.age(now),
    ),
    ("failures", "Snapshots that could not be kept.", lambda view, _: view.failures),
    ("failing", "1 while the last attempt failed.", lambda view, _: bool(view.why)),
    (
        "pause_seconds",
        "How long messages waited while the state was copied the last time.",
        lambda view, _: view.pause_us / 1e6,
    ),
)


class WorkerMetrics(Collector):
    """Reads a worker whenever it is scraped; labels are partitions and refusal codes."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def collect(self) -> Iterator[Metric]:
        """Every measure of the worker."""
        stats, events = self._worker.stats, self._worker.stats.events
        messages = CounterMetricFamily(
            "assay_worker_messages",
            "Messages that had their effect, by partition.",
            labels=("partition",),
        )
        for partition, count in list(stats.messages.items()):
            messages.add_metric((str(partition),), count)
        yield messages
        refused = CounterMetricFamily(
            "assay_worker_refused", "Messages kept in quarantine, by reason.", labels=("code",)
        )
        for code, count in list(events.refused.items()):
            refused.add_metric((code,), count)
        yield refused
        for name, about, value in (
            ("events", "Events accepted, once on each partition.", events.accepted),
            ("duplicates", "Events that had come before.", events.duplicates),
            (
                "late_accepted",
                "Events that came late and count.",
                events.late_accepted,
            ),
            ("late_rejected", "Events that came too late to count.", events.late_rejected),
            ("retracted", "Events taken back.", events.retracted),
            ("rebuilds", "States folded again from a log.", events.rebuilds),
            ("rebalances", "Assignments by the group.", stats.rebalances),
            ("failures", "Times a partition could not be followed.", stats.failures),
        ):
            yield CounterMetricFamily(f"assay_worker_{name}", about, value=value)
        for name, about, value in (
            ("followed", "Partitions followed now.", len(self._worker.held)),
            ("waiting", "Partitions assigned and not followed.", len(self._worker.waiting)),
        ):
            yield GaugeMetricFamily(f"assay_worker_partitions_{name}", about, value=value)
        yield from _snapshots(self._worker)
        yield _delays(stats)


def _snapshots(worker: Worker) -> Iterator[Metric]:
    views = {
        str(partition): part.keeper.view
        for partition, part in list(worker.held.items())
        if isinstance(part, Owner)
    }
    now = wall_time()
    for name, about, read in _SNAPSHOTS:
        family = GaugeMetricFamily(f"assay_worker_snapshot_{name}", about, labels=("partition",))
        for partition, view in views.items():
            family.add_metric((partition,), read(view, now))
        yield family


def _delays(stats: WorkerStats) -> Metric:
    total, buckets = 0, []
    for edge, count in zip((*DELAY_EDGES, None), stats.delays, strict=True):
        total += count
        buckets.append(("+Inf" if edge is None else str(edge / 1e6), float(total)))
    return HistogramMetricFamily(
        "assay_worker_durable_seconds",
        "From the broker's time of a group's oldest message until the group was durable.",
        buckets=buckets,
        sum_value=stats.delay_total / 1e6,
    )


@contextmanager
def scraped(worker: Worker, host: str, port: int | None) -> Iterator[int | None]:
    """Answer scrapes while the block runs; the port it listens on, None when there is none.

    Raises:
        Unavailable: the port cannot be had.
    """
    if port is None:
        yield None
        return
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(worker))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise Unavailable(f"metrics cannot be served on {host}:{port}: {error}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
