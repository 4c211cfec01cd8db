"""``assay import``: bring recorded events into a home from files; what is refused is kept."""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from assay.app.home import Home
from assay.cli.home import HOME, WORKLOAD, settings_of
from assay.cli.show import JSON, counting, emit
from assay.contracts.quarantine import Refusal
from assay.core.errors import Invalid

INVALID = 3  #: as in `assay.cli.main`, which imports this module only to run it
_REASONS_MAX = 50
_TABLES = (".csv", ".csv.gz", ".parquet")


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@HOME
@WORKLOAD
@click.option("--type", "event_type", default="", help="Of every row; else the column `type`.")
@click.option("--id", "id_column", default="id", show_default=True, help="Column of the event id.")
@click.option("--ts", "ts_column", default="ts", show_default=True, help="Column of its time.")
@click.option("--known-at", default="", help="Column of when it could have been known.")
@click.option("--major", multiple=True, help="Money or decimal column in whole units (12.50).")
@click.option("--naive-utc", is_flag=True, help="Times without a zone are UTC.")
@click.option("--ignore", "ignored", multiple=True, help="A column that is no field.")
@JSON
def imports(files: tuple[Path, ...], **options: Any) -> int:
    """Take in events from files of JSON lines, .csv (both also .gz) and .parquet, oldest first.

    A line of JSON is an event in wire form; a row has the envelope and the fields of its event
    type as columns, all names as in the contract. What breaks the contract goes to the quarantine
    with the reason and its place, and the others are taken in: bytes that are not UTF-8 or a CSV
    value over 131,072 characters refuse their row alone. Only after a stray quote in a CSV file can
    nobody tell where the row ends: the file ends before it (exit code 3, with row and line). Mend
    it, or repeat an interrupted import: what was taken in, or refused, is recognised. Exit code 3
    too when everything was refused.

    Numbers of money are cents unless --major names their column, and one with a decimal point is
    refused without it; a decimal type in a Parquet file is in whole units by itself. Digits are
    never rounded away: a time finer than a microsecond is refused.
    """
    from assay.app.history import import_lines, import_rows
    from assay.app.workloads import workload_named

    settings = settings_of(options["home"], {"workload": options["workload"]})
    definitions = workload_named(settings.workload)
    home, contracts, request = Home(settings.home), definitions.contracts, definitions.request
    tables = [path for path in files if path.name.lower().endswith(_TABLES)]
    if tables and len(tables) < len(files):
        raise click.UsageError("expected lines of JSON or tables, not both at once")
    reasons = Reasons()
    with counting("importing", None, "events", quiet=options["as_json"]) as advance:
        home.create()
        how: dict[str, Any] = {
            "horizon": settings.time.horizon, "progress": advance, "refused": reasons.add
        }  # fmt: skip
        with home.filling(settings.workload):
            if tables:
                rows = _rows(files, contracts, options)
                report = import_rows(home, contracts, request, rows, **how)
            else:
                report = import_lines(home, contracts, request, _lines(files), **how)
    told = {**msgspec.to_builtins(report), "home": str(settings.home)}
    if options["as_json"]:
        emit({**told, "reasons": reasons.rows()}, as_json=True)
    else:
        emit(told, as_json=False, title="Imported")
        _show(reasons, settings.home)
    known = report.accepted + report.late_rejected + report.duplicates
    return INVALID if report.refused and not known else 0


class Reasons:
    """How often what broke where, with the first example of each."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], Refusal] = {}

    def add(self, refusal: Refusal) -> None:
        """Count one more."""
        # A path may name what the sender called a field: of these there is no end.
        reason = (refusal.code, refusal.path)
        if reason not in self._first and len(self._first) >= _REASONS_MAX:
            reason = ("other reasons", "")
        self._counts[reason] += 1
        self._first.setdefault(reason, refusal)

    def rows(self) -> list[dict[str, Any]]:
        """The commonest first."""
        return [
            {
                "refused": count,
                "code": code,
                "path": path,
                "first": self._first[code, path].place,
                "why": self._first[code, path].message,
            }
            for (code, path), count in self._counts.most_common()
        ]


def _show(reasons: Reasons, home: Path) -> None:
    rows = reasons.rows()
    if not rows:
        return
    click.echo("Refused:")
    for row in rows:
        click.echo(f"  {row['refused']:,} x {row['code']}, first {row['first']}: {row['why']}")
    click.echo(f"Each is kept with its place: assay quarantine list --home {home}")


def _lines(files: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        packed = path.name.lower().endswith(".gz")
        try:
            with gzip.open(path) if packed else path.open("rb") as source:
                for number, line in enumerate(source, start=1):
                    yield f"{path.name}:{number}", line
        except (OSError, EOFError, zlib.error) as error:
            raise Invalid(f"{path.name} cannot be read: {error}") from error


def _rows(files: tuple[Path, ...], contracts: Any, options: dict[str, Any]) -> Iterator[Any]:
    from assay.app.tables import parquet_texts
    from assay.runtime.tables import Layout, TableReader

    layout = Layout(
        event_type=options["event_type"],
        id=options["id_column"],
        ts=options["ts_column"],
        known_at=options["known_at"],
        major=frozenset(options["major"]),
        naive_utc=options["naive_utc"],
        ignored=frozenset(options["ignored"]),
    )
    reader = TableReader(contracts, layout, parquet_texts)
    for path in files:
        yield from reader.rows(path)
