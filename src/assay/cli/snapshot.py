"""``assay snapshot``: keep the state of the features beside a running server."""

import click

from assay.cli.home import HOME, settings_of
from assay.cli.show import JSON, counting, emit


@click.command()
@HOME
@JSON
def snapshot(home: str | None, *, as_json: bool) -> None:
    """Keep the state at the end of the log, so that the next start folds only what came after.

    It begins at the newest snapshot, folds the entries since by itself and asks nothing of a
    running server. The last two snapshots are kept; the server takes one when it stops.

    Exit code 4: the log is damaged, or the disk is full; the snapshots before are untouched.
    """
    from assay.app.snapshots import take_snapshot

    settings = settings_of(home)
    with counting("folding the log", None, "entries", quiet=as_json) as advance:
        made = take_snapshot(settings, advance)
    told: dict[str, object] = {"taken": made is not None}
    if made is not None:
        told |= {"seq": made.seq, "bytes": sum(part.nbytes for part in made.parts.values())}
    else:
        told["why"] = "the log is empty, or nothing came since the newest snapshot"
    emit(told, as_json=as_json, title="Snapshot")
