"""What was refused anywhere in a home? By its server, and by its workers partition by partition."""

from collections.abc import Iterator
from typing import NamedTuple

from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.app.home import Home
from assay.contracts.quarantine import Refusal


class Kept(NamedTuple):
    """A refused body; of a message also its partition (``TOPIC/NUMBER``) and its offset there."""

    refusal: Refusal
    partition: str = ""
    offset: int | None = None


def refused(home: Home) -> Iterator[Kept]:
    """Every refused body of a home, oldest first in each log; servers and workers may go on.

    Raises:
        Corrupt: a log is damaged, or a body does not match its checksum.
    """
    if home.log_path.exists():
        log = home.open_log()
        try:
            yield from map(Kept, log.refusals())
        finally:
            log.close()
    for path in home.partition_logs():
        partition = SqlitePartitionLog(path, create=False)
        name = f"{path.parent.parent.name}/{path.parent.name}"
        try:
            for spoiled in partition.spoiled():
                yield Kept(spoiled.refusal, name, spoiled.offset)
        finally:
            partition.close()
