"""``assay quarantine``: what was refused and why, and taking it in once that is put right."""

import click
import msgspec

from assay.app.home import Home
from assay.app.settings import Settings
from assay.cli.home import HOME, settings_of
from assay.cli.show import JSON, emit, grid
from assay.core.time import format_time


@click.group()
def quarantine() -> None:
    """Bodies that were refused are kept whole, with the reason, until they are taken in."""


@quarantine.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@HOME
@JSON
def list_refusals(limit: int, home: str | None, *, as_json: bool) -> None:
    """The oldest refused bodies, where each broke, and why.

    First those of the home's log, then the messages that the home's workers refused: "partition"
    names where, "offset" the message there. An id counts within one log.
    """
    from assay.app.refused import refused

    count = 0
    rows: list[tuple[object, ...]] = []
    for kept in refused(Home(_settings(home).home)):
        count += 1
        if len(rows) < limit:
            r = kept.refusal
            why = (r.id, format_time(r.received_at), r.code, r.path, r.message)
            rows.append((*why, kept.partition, kept.offset))
    columns = ("id", "received", "code", "path", "why", "partition", "offset")
    if as_json:
        shown = [dict(zip(columns, row, strict=True)) for row in rows]
        emit({"refused": count, "first": shown}, as_json=True)
    else:
        grid(f"{count} bodies were refused", columns, rows)


@quarantine.command()
@HOME
@JSON
def replay(home: str | None, *, as_json: bool) -> None:
    """Take the refused bodies in again; the server of this home must be stopped.

    Not the messages that workers refused: put those right and send them to the topic again.
    """
    from assay.app.history import replay_quarantine
    from assay.app.wire import clock_of
    from assay.app.workloads import workload_named

    settings = _settings(home)
    definitions = workload_named(settings.workload)
    report = replay_quarantine(
        Home(settings.home),
        definitions.contracts,
        definitions.request,
        horizon=settings.time.horizon,
        clock=clock_of(settings),
    )
    emit(msgspec.to_builtins(report), as_json=as_json, title="Taken in from quarantine")


def _settings(home: str | None) -> Settings:
    settings = settings_of(home)
    Home(settings.home).check()
    return settings
