"""``assay features diff``: what would this change of the catalog have altered?"""

from pathlib import Path

import click
import msgspec

from assay.app.home import Home
from assay.cli.home import HOME, WORKLOAD, settings_of
from assay.cli.show import JSON, counting, emit, grid
from assay.core.time import parse_time

_SHOWN = 25


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@HOME
@WORKLOAD
@click.option("--since", help="First instant of requests looked at, such as 2025-07-01T00:00:00Z.")
@click.option("--until", help="The instant before which they lie.")
@JSON
def diff(
    file: Path,
    home: str | None,
    workload: str | None,
    since: str | None,
    until: str | None,
    *,
    as_json: bool,
) -> None:
    """Say which served values and decisions of a period FILE would have altered.

    The policies and models that decided are asked again with the other values; a version trained
    with the change would decide by its own model.
    """
    from assay.app.definitions import read_change
    from assay.app.feature_diff import diff_home, entries_of

    settings = settings_of(home, {"workload": workload})
    folder, change = Home(settings.home), read_change(file)
    with counting("replaying", entries_of(folder), "entries", quiet=as_json) as advance:
        found = diff_home(
            folder,
            settings.workload,
            change,
            since=None if since is None else parse_time(since),
            until=None if until is None else parse_time(until),
            progress=advance,
        )
    plain = msgspec.to_builtins(found)
    if as_json:
        emit(plain, as_json=True)
        return
    if not found.decisions:
        click.echo("No request of that period was decided in this home: nothing can be compared.")
        return
    by_value, by_outcome = plain.pop("by_value"), plain.pop("by_outcome")
    emit(plain, as_json=False, title="What the change would have altered")
    names = ("name", "what", "served", "differing")
    most = sorted(by_value, key=lambda row: -row["differing"])[:_SHOWN]
    grid("Values", (*names, "for example"), [[*(r[n] for n in names), _example(r)] for r in most])
    moves = ("was", "would_be", "decisions", "amount", "frauds", "fraud_amount")
    grid("Decisions", moves, [[row[name] for name in moves] for row in by_outcome])


def _example(row: dict[str, list[dict[str, str]]]) -> str:
    if not row["examples"]:
        return ""
    first = row["examples"][0]
    return f"{first['request']}: {first['was']} would be {first['would_be']}"
