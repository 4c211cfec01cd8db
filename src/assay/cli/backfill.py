"""``assay backfill``: every value of a catalog at every past request, in bounded memory."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from assay.app.home import Home
from assay.cli.home import WORKLOAD, settings_of
from assay.cli.show import JSON, PROGRESS, emit, narrate
from assay.core.errors import Invalid, shown

_SIZE = re.compile(r"(\d{1,6})(MiB|GiB)", re.ASCII)
_STAGES = {
    "log": "copying the log",
    "digest": "digesting the input",
    "read": "checking events",
    "same": "looking for duplicates",
    "order": "dealing events out by key",
    "join": "writing the output",
}


@click.command()
@WORKLOAD
@click.option("--events", type=click.Path(path_type=Path), help="A Parquet file, or a folder.")
@click.option("--home", help="A home folder whose log is read, in place of --events.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder to fill.")
@click.option(
    "--catalog", "change", type=click.Path(path_type=Path), help="A file of changes to the catalog."
)
@click.option("--version", help="Of the home, in place of the live one: its key, the digest of a "
              "catalog, or shipped.")  # fmt: skip
@click.option("--ignore", "ignored", multiple=True, help="A column of --events that is no field.")
@click.option("--memory", default="4GiB", show_default=True, help="What the process may use.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Steps done at a time; they share the memory.",
)
@JSON
def backfill(
    *,
    workload: str | None,
    events: Path | None,
    home: str | None,
    out: Path,
    change: Path | None,
    version: str | None,
    ignored: tuple[str, ...],
    memory: str,
    workers: int,
    as_json: bool,
) -> None:
    """Compute every value at every request of a history, as it would be served now.

    Of a home by the catalog of its live version, of files by the workload's own.
    Killed or failed, the same command continues where it stopped; a changed input is refused.
    Rows that break their contract are in quarantine.jsonl of the folder, each with its reason.
    """
    from assay.app.backfill import backfill_files, backfill_home
    from assay.app.definitions import changed_workload, read_change
    from assay.app.live import definitions_of_home, shipped

    if (events is None) == (home is None):
        raise click.UsageError("Name either --events or --home.")
    if version is not None and home is None:
        raise click.UsageError("--version goes with --home: files are computed as shipped.")
    if home is None:  # files are of no home: one that lies near by is asked by default only
        chosen = shipped(workload or settings_of(home).workload)
    else:
        named = settings_of(home, {"workload": workload}).workload
        chosen = definitions_of_home(Home(Path(home)), named, version)
    definitions = chosen.workload
    if change is not None:
        definitions = changed_workload(chosen.code, read_change(change))
    narrate(f"computing catalog {definitions.catalog.digest} ({chosen.version}"
            f"{'' if change is None else ', changed'})")  # fmt: skip
    limit = size(memory)
    with _stages(quiet=as_json) as progress:
        if events is not None:
            report = backfill_files(
                definitions,
                events,
                out,
                memory=limit,
                workers=workers,
                ignored=frozenset(ignored),
                progress=progress,
            )
        elif home is not None:
            report = backfill_home(
                definitions,
                Home(Path(home)),
                out,
                memory=limit,
                workers=workers,
                progress=progress,
            )
    emit(
        {**msgspec.to_builtins(report), "version": chosen.version, "folder": str(out)},
        as_json=as_json,
        title="Backfilled",
    )


def size(text: str) -> int:
    """Bytes written with a binary unit.

    Raises:
        Invalid: it is not a whole number of MiB or GiB.

    Example:
        >>> size("512MiB"), size("4GiB")
        (536870912, 4294967296)
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise Invalid(f"expected an amount of memory such as 512MiB or 4GiB, got {shown(text)}")
    return int(found[1]) << (20 if found[2] == "MiB" else 30)


@contextmanager
def _stages(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar a stage."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
    )
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=PROGRESS, disable=quiet) as shown_bars:

        def progress(stage: str, done: int, count: int) -> None:
            if stage not in bars:
                words = _STAGES.get(stage, f"computing, look-up {stage.partition('-')[2]}")
                bars[stage] = shown_bars.add_task(words, total=count)
            shown_bars.update(bars[stage], completed=done, total=count)

        yield progress
        for task in bars.values():
            shown_bars.update(task, completed=shown_bars.tasks[task].total or 0)
