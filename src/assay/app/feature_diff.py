"""Which served values and decisions of a home would a file of changes have altered?"""

from collections.abc import Callable

from assay.app.home import Home
from assay.app.promises import served
from assay.features.document import Change, changed
from assay.runtime.what_if import WhatIf, what_if

#: What is known of a period without decisions.
NOTHING = WhatIf(
    decisions=0,
    skipped=0,
    values=0,
    differing=0,
    changed_decisions=0,
    by_value=(),
    by_outcome=(),
)


def diff_home(
    home: Home,
    workload: str,
    change: Change,
    *,
    since: int | None = None,
    until: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> WhatIf:
    """Replay a home's log with the changed catalog beside the one that served; see `what_if`.

    Nothing is replayed where nothing was decided in the period.

    Nothing is written, so a server may go on meanwhile.

    Raises:
        NotFound: the folder is no home.
        Corrupt: the log is damaged.
        Invalid: a catalog that served cannot be changed so.
    """
    home.check()
    log = home.open_log()
    try:
        low, high = -(2**63) if since is None else since, 2**63 if until is None else until
        if not any(low <= record.at < high for record in log.decisions()):
            return NOTHING  # known at once, where a replay takes minutes to say it
        found = served(log, home, workload)
        return what_if(
            log,
            found.policies,
            found.scorers,
            lambda catalog: changed(catalog, change),
            since=since,
            until=until,
            progress=progress,
        )
    finally:
        log.close()


def entries_of(home: Home) -> int:
    """How many entries a home's log holds, for a bar of progress."""
    home.check()
    log = home.open_log()
    try:
        return log.last_seq()
    finally:
        log.close()
