"""What lies in a home folder, and how is each part opened? The paths, once, for every command."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

from assay.adapters.files.atomic import write_atomically
from assay.adapters.files.catalogs import CatalogFiles
from assay.adapters.files.checkpoint import CheckpointFile
from assay.adapters.files.lists import ListFiles
from assay.adapters.files.objects import ObjectFiles
from assay.adapters.files.snapshots import SnapshotFiles
from assay.adapters.sqlite.cases import SqliteCases
from assay.adapters.sqlite.database import create_all, open_database
from assay.adapters.sqlite.governance import SqliteGovernance
from assay.adapters.sqlite.identity import SqliteIdentity
from assay.adapters.sqlite.log import SqliteLog
from assay.adapters.sqlite.scrub import scrub
from assay.app.settings import RECORDED
from assay.core.errors import NotFound
from assay.runtime.case_store import CaseStore
from assay.runtime.clock import WallClock
from assay.runtime.governance import Governance
from assay.runtime.identity import IdentityStore
from assay.runtime.ports import CatalogStore, ListSource, ObjectStore
from assay.runtime.snapshot import SnapshotStore


@dataclass(frozen=True, slots=True)
class Home:
    """The parts of a home folder that several commands use; ``path`` is the folder."""

    path: Path

    @property
    def log_path(self) -> Path:
        """Events, decisions, quarantine."""
        return self.path / "log.db"

    @property
    def control_path(self) -> Path:
        """Users, tokens, cases, inventory, evidence, approvals, audit."""
        return self.path / "control.db"

    def create(self) -> None:
        """Make the folder and what every part of it expects."""
        for part in (self.path, self.path / "objects", self.path / "lists"):
            part.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """Return when there is such a home.

        Raises:
            NotFound: the folder is not there, or is not a home.
        """
        known = (self.log_path, self.control_path, self.path / "partitions")
        if not self.path.is_dir() or not any(part.exists() for part in known):
            raise NotFound(
                f"{str(self.path)!r} is not a home folder: `assay demo --home {self.path}` makes "
                "one with a trained model, `assay token user` an empty one"
            )

    @contextmanager
    def filling(self, workload: str) -> Iterator[None]:
        """While something may be taken in: whose events these are is remembered, if any came.

        Every later command reads it with the settings (`read_settings`). It is written first, so
        that no event is ever here without it, and taken back where the home is still empty. The
        contracts of a folder are remembered too; a change that reads on is, from here.

        Raises:
            Conflict: what is here cannot be read under the contracts that the folder has now.
        """
        path = self.path / RECORDED
        is_new = not path.exists()
        record = self._record(workload)
        if is_new or ("/" in workload and path.read_bytes() != record):
            write_atomically(path, record)
        try:
            yield
        finally:
            if is_new and not self._is_filled():
                path.unlink(missing_ok=True)

    def _record(self, workload: str) -> bytes:
        if "/" not in workload:
            return f"{workload}\n".encode()
        from assay.app.contract_record import keep_contracts

        # A folder from here, so that both may be moved together.
        name = f"./{relpath(workload, self.path.resolve())}"
        return f"{name}\n{keep_contracts(self.path, workload)}\n".encode()

    def _is_filled(self) -> bool:
        if self.partition_logs():
            return True
        if not self.log_path.exists():
            return False
        log = self.open_log()
        try:
            return log.last_seq() > 0
        finally:
            log.close()

    def open_log(self) -> SqliteLog:
        """The event log and quarantine; one process writes them, see `HomeLock`."""
        return SqliteLog(self.log_path)

    def scrub_control(self) -> None:
        """Leave no byte of what was deleted from the control database in its files."""
        scrub(self.control_path)

    def snapshots(self) -> SnapshotStore:
        """The newest states of the features, from which a restart begins."""
        return SnapshotFiles(self.path / "snapshots")

    def forget_snapshots(self) -> int:
        """Delete every snapshot of the state, which the log makes again; how many there were."""
        found = [path for path in (self.path / "snapshots").glob("**/*") if path.is_file()]
        for path in found:
            path.unlink()
        return len(found)

    def partition_logs(self) -> list[Path]:
        """The logs of the partitions that a worker of this home owns."""
        return sorted((self.path / "partitions").glob("**/log.db"))

    def objects(self) -> ObjectStore:
        """Models, policies and documents by digest."""
        return ObjectFiles(self.path / "objects")

    def catalogs(self) -> CatalogStore:
        """The definitions of every catalog that ever decided here."""
        return CatalogFiles(self.path / "catalogs")

    def lists(self) -> ListSource:
        """Allow and deny lists; every version that is used is kept among the objects."""
        return self._lists()

    def write_list(self, name: str, raw: bytes) -> None:
        """Replace a list by these bytes; a running server sees it within a second.

        Raises:
            Corrupt: they are not a list with a matching checksum.
        """
        self._lists().write(name, raw)

    def _lists(self) -> ListFiles:
        return ListFiles(self.path / "lists", keep=self.objects().put)


@dataclass(frozen=True, slots=True)
class Control:
    """The control database, opened."""

    identity: IdentityStore
    governance: Governance
    cases: CaseStore


@contextmanager
def control(home: Home) -> Iterator[Control]:
    """The control database of a home; any number of processes may have it open."""
    database = open_database(home.control_path)
    try:
        create_all(database)
        checkpoints = CheckpointFile(home.path / "audit.checkpoint")
        governance = Governance(SqliteGovernance(database), checkpoints, WallClock())
        yield Control(SqliteIdentity(database), governance, SqliteCases(database))
    finally:
        database.dispose()
