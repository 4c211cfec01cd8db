"""How are the histories of a home on Kafka laid out on disk, and by whom was that decided?

``partitions/TOPIC/NUMBER/`` holds the log of a partition and snapshots of its state. The number of
partitions decides where every entity's history lies, so the first worker writes it down, and no
later one may change it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from assay.adapters.files.atomic import write_atomically
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.core.errors import Corrupt, Invalid, NotFound
from assay.runtime.partition_plan import Partition, Routes
from assay.runtime.ports import EventLog

SNAPSHOTS = "snapshots"  #: beside the log of a partition
_LAYOUT, _FOLDER = "layout.json", "partitions"


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decided where every entity's history lies, kept beside the histories."""

    topic: str
    partitions: dict[str, int]


def folder_of(root: Path, partition: Partition) -> Path:
    """Where a partition's log lies."""
    return root / partition.topic / str(partition.number)


def check_layout(root: Path, routes: Routes) -> None:
    """Return when the home's histories are laid out so; the first worker says how.

    Raises:
        Invalid: they are laid out otherwise.
        Corrupt: what says so cannot be read.
    """
    path, now = root / _LAYOUT, Layout(routes.topic, routes.partitions)
    if not path.exists():
        write_atomically(path, msgspec.json.format(msgspec.json.encode(now)))
        return
    before = _read(path)
    kept: Mapping[str, int] = before.partitions
    moved = [name for name, count in now.partitions.items() if kept.get(name, count) != count]
    if before.topic != now.topic or moved:
        raise Invalid(
            f"the histories in {root} are those of topic {before.topic!r} with {before.partitions} "
            f"partitions; the settings say {now.topic!r} with {now.partitions}. Entities would be "
            "looked for where their history is not: set them back, or use another home"
        )
    if now.partitions != before.partitions:
        both = Layout(now.topic, {**before.partitions, **now.partitions})
        write_atomically(path, msgspec.json.format(msgspec.json.encode(both)))


def read_layout(root: Path) -> Routes:
    """How the histories in a folder are laid out.

    Raises:
        NotFound: no worker has worked there.
        Corrupt: what says so cannot be read.
    """
    path = root / _LAYOUT
    if not path.exists():
        raise NotFound(f"{path} is not there: no worker has used this home")
    layout = _read(path)
    return Routes(layout.topic, layout.partitions)


@contextmanager
def worker_logs(
    home: Path,
) -> Iterator[tuple[Routes, Callable[[Partition], EventLog | None]]]:
    """The logs of a home's partitions, each opened when it is asked for; workers may go on.

    Raises:
        NotFound: no worker has worked there.
        Corrupt: the layout cannot be read.
    """
    root = root_of(home)
    with ExitStack() as opened:

        def log_of(partition: Partition) -> EventLog | None:
            path = folder_of(root, partition) / "log.db"
            if not path.exists():
                return None
            log = SqlitePartitionLog(path, create=False)
            opened.callback(log.close)
            return log

        yield read_layout(root), log_of


def root_of(home: Path) -> Path:
    """The folder of all partitions."""
    return home / _FOLDER


def _read(path: Path) -> Layout:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Layout)
    except msgspec.DecodeError as error:
        raise Corrupt(f"{path} cannot be read: {error}. Restore it from a backup") from error
