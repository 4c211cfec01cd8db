"""``assay erase``: forget a subject, and leave a receipt that anybody can check."""

import secrets

import click
import msgspec

from assay.app.home import Home
from assay.cli.home import HOME, settings_of
from assay.cli.show import JSON, counting, emit
from assay.features.catalog import Catalog
from assay.runtime.clock import wall_time
from assay.runtime.ports import EventLog
from assay.runtime.subject import Subject

_SALT_BYTES = 16


@click.command()
@click.option("--subject", required=True, help="Whom: a field and its value, such as user_id=u1.")
@click.option("--dry-run", is_flag=True, help="Say what would go and what depended on it.")
@HOME
@JSON
def erase(subject: str, home: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Erase every event, decision, case and refused body about a subject; stop the server first.

    Places, ids and salted digests stay, with a receipt in the log and in the audit log. The
    identity in ASSAY_TOKEN must be an administrator. Run it again if it was interrupted.
    """
    from assay.app.erasure import erase_subject, look
    from assay.app.promises import served
    from assay.cli.actor import actor

    settings = settings_of(home)
    folder, whom = Home(settings.home), Subject.parse(subject)

    def catalogs(log: EventLog) -> dict[str, Catalog]:
        return served(log, folder, settings.workload).catalogs

    with counting("folding the log", None, "entries", quiet=as_json) as advance:
        if dry_run:
            told = look(folder, catalogs, whom, advance)
        else:
            told = erase_subject(
                folder,
                catalogs,
                whom,
                actor,
                at=wall_time(),
                salt=secrets.token_bytes(_SALT_BYTES),
                progress=advance,
            )
    emit(
        msgspec.to_builtins(told),
        as_json=as_json,
        title="Would be erased" if dry_run else "Erased",
    )
