"""``assay import``: bring recorded events (JSON lines) into a home; what is refused is kept."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from assay.app.home import Home
from assay.app.settings import current_environment, home_from, read_settings
from assay.cli.show import counting, emit


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")
@click.option("--workload", help="Whose event types these are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def imports(
    files: tuple[Path, ...], home: str | None, workload: str | None, *, as_json: bool
) -> None:
    """Take in events in wire form, one JSON object a line, oldest first.

    A line that breaks its contract goes to the quarantine with the reason; nothing stops.
    """
    from assay.app.history import import_lines
    from assay.app.workloads import workload_named

    environment = current_environment()
    settings = read_settings(home_from(environment, home), environment, {"workload": workload})
    definitions = workload_named(settings.workload)
    with counting("importing", None, "events", quiet=as_json) as advance:
        report = import_lines(
            Home(settings.home),
            definitions.contracts,
            definitions.request,
            _lines(files),
            horizon=settings.time.horizon,
            progress=advance,
        )
    emit(
        {**msgspec.to_builtins(report), "home": str(settings.home)},
        as_json=as_json,
        title="Imported",
    )


def _lines(files: tuple[Path, ...]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as source:
            yield from source
