"""``assay worker``: own partitions of the history on Kafka, together with others of a group."""

import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from assay.app.settings import Settings
from assay.cli.home import HOME, settings_of

if TYPE_CHECKING:
    from assay.runtime.partition_worker import Worker


@click.command()
@HOME
@click.option("--brokers", help="Addresses of the cluster: HOST:PORT, separated by commas.")
@click.option("--topic", help="Where events come in.")
@click.option("--group", help="Workers of one group share the partitions.")
@click.option("--workload", help="The ready-made definitions this home runs.")
@click.option("--clock", type=click.Choice(["wall", "log"]), help="What now means.")
@click.option("--metrics-port", type=int, help="Answer scrapes there; 0 lets the system choose.")
@click.option("--json", "as_json", is_flag=True, help="Say what is followed as JSON lines.")
def worker(home: str | None, *, as_json: bool, **given: Any) -> None:
    """Own partitions of the history on Kafka, with the other workers of the group.

    Events come in on TOPIC; for every key field of the workload's features they are routed to a
    topic of their own (TOPIC-FIELD) and folded there, each exactly once, into a durable log and
    feature state per partition.

    Stops on SIGTERM or Ctrl-C: it finishes the group of messages in hand, gives its partitions to
    the other workers, and exits with 0. Exit code 3: settings that do not fit the topics or the
    home; 4: the cluster does not answer, or the extra is missing (pip install 'assay[kafka]').
    """
    overrides = {
        "workload": given["workload"],
        "time.clock": given["clock"],
        "kafka.brokers": given["brokers"],
        "kafka.topic": given["topic"],
        "kafka.group": given["group"],
        "kafka.metrics_port": given["metrics_port"],
    }
    settings = settings_of(home, overrides)
    run_worker(settings, as_json=as_json)


def run_worker(settings: Settings, *, as_json: bool) -> None:
    """Join the group and work until told to stop."""
    from assay.app.worker import open_worker
    from assay.app.worker_metrics import scraped
    from assay.app.workloads import workload_named
    from assay.serving.logs import log_as_json

    log_as_json()
    stopping: list[int] = []
    kafka = settings.kafka
    with ExitStack() as opened:
        for name in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(name, lambda number, _frame: stopping.append(number))
            opened.callback(signal.signal, name, before)
        working, routes = opened.enter_context(
            open_worker(settings, workload_named(settings.workload), monotonic=time.monotonic)
        )
        port = opened.enter_context(scraped(working, kafka.metrics_host, kafka.metrics_port))
        facts = {"group": kafka.group, "topics": routes.topics, "metrics_port": port}
        _say({"joined": facts}, as_json=as_json)
        told: set[str] = set()
        while not stopping:
            working.step(0.2)
            held = {str(partition) for partition in working.held}
            if held != told:
                told = held
                _say({"following": sorted(told)}, as_json=as_json)
    _say({"stopped": dict(sorted(_counts(working).items()))}, as_json=as_json)


def _counts(working: "Worker") -> dict[str, int]:
    events = working.stats.events
    return {
        "accepted": events.accepted,
        "duplicates": events.duplicates,
        "late_accepted": events.late_accepted,
        "late_rejected": events.late_rejected,
        "retracted": events.retracted,
        "refused": sum(events.refused.values()),
    }


def _say(facts: dict[str, Any], *, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(msgspec.json.encode(facts).decode())
        return
    for name, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        click.echo(f"{name}: {shown}")
