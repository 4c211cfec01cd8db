"""``assay quarantine``: what was refused and why, and taking it in once that is put right."""

from typing import TYPE_CHECKING, Any

import click
import msgspec

from assay.app.home import Home
from assay.app.settings import Settings
from assay.cli.home import HOME, settings_of
from assay.cli.show import JSON, emit, grid
from assay.contracts.quarantine import event_id_of
from assay.core.errors import NotFound
from assay.core.time import format_time

if TYPE_CHECKING:
    from assay.app.refused import Kept

_COLUMNS = ("id", "received", "place", "event", "code", "path", "why", "partition", "offset")


@click.group()
def quarantine() -> None:
    """Bodies that were refused are kept whole, with the reason, until they are taken in."""


@quarantine.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@HOME
@JSON
def list_refusals(limit: int, home: str | None, *, as_json: bool) -> None:
    """The oldest refused bodies: which event, from where, where it broke, and why.

    "place" is the file and its line (of JSON), or the row below the header (of a table), for what
    `assay import` refused. First those of the home's log, then the messages that the home's
    workers refused: "partition" names where, "offset" the message there. An id counts within one
    log. --json holds the bodies too; `assay quarantine show ID` shows one.
    """
    from assay.app.refused import refused

    count = 0
    rows: list[dict[str, Any]] = []
    for kept in refused(Home(_settings(home).home)):
        count += 1
        if len(rows) < limit:
            rows.append(_row(kept))
    if as_json:
        emit({"refused": count, "first": rows}, as_json=True)
    else:
        grid(f"{count} bodies were refused", _COLUMNS, [[r[name] for name in _COLUMNS]
                                                        for r in rows])  # fmt: skip


@quarantine.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--partition", default="", help="Of a worker's message: as `list` names it.")
@HOME
@JSON
def show(number: int, partition: str, home: str | None, *, as_json: bool) -> None:
    """One refused body, whole, with its place and the reason."""
    from assay.app.refused import refused

    for kept in refused(Home(_settings(home).home)):
        if (kept.refusal.id, kept.partition) == (number, partition):
            emit(_row(kept), as_json=as_json, title="Refused")
            return
    where = f" of {partition}" if partition else ""
    raise NotFound(f"there is no refused body {number}{where} in this home")


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


def _row(kept: "Kept") -> dict[str, Any]:
    r = kept.refusal
    return {
        "id": r.id,
        "received": format_time(r.received_at),
        "place": r.place,
        "event": event_id_of(r.raw),
        "code": r.code,
        "path": r.path,
        "why": r.message,
        "partition": kept.partition,
        "offset": kept.offset,
        "body": r.raw.decode("utf-8", "backslashreplace"),
    }


def _settings(home: str | None) -> Settings:
    settings = settings_of(home)
    Home(settings.home).check()
    return settings
