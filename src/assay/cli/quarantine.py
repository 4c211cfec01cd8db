"""``assay quarantine``: what was refused and why, and taking it in once that is put right."""

import click
import msgspec

from assay.app.home import Home
from assay.app.settings import Settings, current_environment, home_from, read_settings
from assay.cli.show import emit, grid
from assay.core.time import format_time

_HOME = click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def quarantine() -> None:
    """Bodies that were refused are kept whole, with the reason, until they are taken in."""


@quarantine.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@_HOME
@_JSON
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
@_HOME
@_JSON
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
    environment = current_environment()
    settings = read_settings(home_from(environment, home), environment)
    Home(settings.home).check()
    return settings
