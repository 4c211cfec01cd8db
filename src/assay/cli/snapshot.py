"""``assay snapshot``: keep the state of the features beside a running server."""

import click

from assay.app.settings import current_environment, home_from, read_settings
from assay.cli.show import counting, emit


@click.command()
@click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def snapshot(home: str | None, *, as_json: bool) -> None:
    """Keep the state at the end of the log, so that the next start folds only what came after.

    It begins at the newest snapshot, folds the entries since by itself and asks nothing of a
    running server. The last two snapshots are kept; the server takes one when it stops.

    Exit code 4: the log is damaged, or the disk is full; the snapshots before are untouched.
    """
    from assay.app.snapshots import take_snapshot

    environment = current_environment()
    settings = read_settings(home_from(environment, home), environment)
    with counting("folding the log", None, "entries", quiet=as_json) as advance:
        made = take_snapshot(settings, advance)
    told: dict[str, object] = {"taken": made is not None}
    if made is not None:
        told |= {"seq": made.seq, "bytes": sum(part.nbytes for part in made.parts.values())}
    emit(told, as_json=as_json, title="Snapshot")
