"""``assay list``: the allow and deny lists of a home, changed by their owners without a restart."""

from pathlib import Path

import click

from assay.app.home import Home, control
from assay.cli.home import HOME, opened
from assay.cli.show import JSON, emit, grid
from assay.core.errors import Unknown
from assay.core.time import format_duration, format_time, parse_time
from assay.rules.lists import parse_list, write_list
from assay.runtime.clock import wall_time


@click.group("list")
def lists() -> None:
    """Replace and show allow and deny lists; a running server sees a change within a second."""


@lists.command()
@click.argument("name")
@click.argument("entries", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as-of", help="The instant the entries were true; now unless given.")
@HOME
@JSON
def put(name: str, entries: Path, as_of: str | None, home: str | None, *, as_json: bool) -> None:
    """Replace the list NAME by the lines of a text file, one entry each.

    The act goes into the audit log under the identity in ASSAY_TOKEN.
    """
    from assay.cli.actor import actor

    folder, uses = _opened(home)
    if name not in uses:
        raise Unknown("list", name, known=uses)
    at = wall_time() if as_of is None else parse_time(as_of)
    lines = entries.read_text(encoding="utf-8").splitlines()
    wanted = sorted({line.strip() for line in lines if line.strip()})
    with control(folder) as parts:
        who = actor(parts)
        raw = write_list(wanted, as_of=at)
        details = {"digest": parse_list(name, raw).digest, "entries": len(wanted)}
        # Noted first: an audit log that cannot be continued leaves the list as it was.
        parts.governance.note(who, "list replaced", f"list/{name}", details)
        folder.write_list(name, raw)
    emit({"list": name, **details, "as_of": format_time(at)}, as_json=as_json)


@lists.command()
@HOME
@JSON
def show(home: str | None, *, as_json: bool) -> None:
    """Show every list the workload consults, and why one cannot be used."""
    folder, uses = _opened(home)
    source = folder.lists()
    rows = []
    for name, (owner, age_max) in uses.items():
        snapshot = source.snapshot(name)
        rows.append(
            {
                "list": name,
                "owner": owner,
                "entries": None if snapshot is None else len(snapshot.entries),
                "as_of": None if snapshot is None else format_time(snapshot.as_of),
                "usable_for": format_duration(age_max),
                "trouble": source.reason(name),
            }
        )
    if as_json:
        emit({"lists": rows}, as_json=True)
    else:
        columns = ("list", "owner", "entries", "as_of", "usable_for", "trouble")
        grid("Lists", columns, [[row[column] for column in columns] for row in rows])


def _opened(home: str | None) -> tuple[Home, dict[str, tuple[str, int]]]:
    from assay.app.workloads import workload_named

    folder, settings = opened(home)
    uses = workload_named(settings.workload).lists
    return folder, {use.name: (use.owner, use.age_max) for use in uses}
