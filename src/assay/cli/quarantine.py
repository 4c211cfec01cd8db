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
    """The oldest refused bodies, where each broke, and why."""
    log = Home(_settings(home).home).open_log()
    try:
        refusals = list(log.refusals())
    finally:
        log.close()
    columns = ("id", "received", "code", "path", "why")
    rows = [(r.id, format_time(r.received_at), r.code, r.path, r.message) for r in refusals[:limit]]
    if as_json:
        shown = [dict(zip(columns, row, strict=True)) for row in rows]
        emit({"refused": len(refusals), "first": shown}, as_json=True)
    else:
        grid(f"{len(refusals)} bodies were refused", columns, rows)


@quarantine.command()
@HOME
@JSON
def replay(home: str | None, *, as_json: bool) -> None:
    """Take the refused bodies in again; the server of this home must be stopped."""
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
