"""``assay publish``: let scorers on other machines read the features of a home, through Redis."""

import signal
from threading import Event as Flag
from typing import Any

import click

from assay.cli.home import HOME, WORKLOAD, settings_of
from assay.cli.show import PROGRESS, emit


@click.command()
@HOME
@WORKLOAD
@click.option("--once", is_flag=True, help="Publish what the log holds now, then stop.")
@click.option("--json", "as_json", is_flag=True, help="At the end print one JSON object.")
def publish(home: str | None, workload: str | None, *, once: bool, as_json: bool) -> None:
    """Publish the features of a home to the read model, beside its running server or without one.

    Follows the log until SIGTERM or Ctrl-C; whatever happens to Redis meanwhile, it goes on when
    that is back. Exit code 3: another process publishes this partition now; 4: Redis does not
    answer at the start, throws keys away, or the extra is missing (pip install 'assay[redis]').
    """
    from assay.app.read_model import open_following

    settings = settings_of(home, {"workload": workload})
    stop = Flag()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    with open_following(settings) as following:
        partition = following.publisher.partition
        PROGRESS.print(f"following the log of {settings.home} as partition {partition}")
        following.start()
        PROGRESS.print(f"{following.seq} entries folded; publishing")
        if once:
            while following.step() and following.publisher.published < following.seq:
                pass
        else:
            following.run(stop.wait)
        emit(_told(following), as_json=as_json, title="Published")


def _told(following: Any) -> dict[str, Any]:
    publisher = following.publisher
    latency = publisher.latency.view()
    return {
        "partition": publisher.partition,
        "seq": publisher.published,
        "images": publisher.images,
        "complete_publications": publisher.complete_publications,
        "failures": following.failures,
        "events": latency.count,
        "mean_us_to_servable": latency.total_us // latency.count if latency.count else None,
    }
