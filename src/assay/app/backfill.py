"""From where to where does a backfill run? Files or a home's log, into a folder of Parquet."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.adapters.parquet.folder import Folder, JournalFile
from assay.app.home import Home
from assay.contracts.contract import ContractSet
from assay.contracts.reserved import ERASURE_TYPE
from assay.contracts.retraction import with_retractions
from assay.core.errors import Conflict, Invalid, Unavailable
from assay.runtime.backfill import Progress, Report, run_backfill
from assay.runtime.backfill_job import Source, job_digest
from assay.runtime.backfill_log import standing
from assay.runtime.tombstones import ERASURE_PREFIX
from assay.workloads.workload import Workload

MEMORY_MIN = 1 << 29
_ORIGIN = "origin.json"  #: beside the copy of a log: whose it is, and what was erased from it


def backfill_files(
    workload: Workload,
    given: Path,
    out: Path,
    *,
    memory: int,
    workers: int = 1,
    ignored: frozenset[str] = frozenset(),
    progress: Progress = lambda *_: None,
) -> Report:
    """Fill the values of every request in Parquet files, whatever their size.

    Args:
        workload: its contracts say what may come, its catalog what is computed.
        given: a Parquet file, or a folder of them.
        out: new, or that of a run that did not end.
        memory: bytes that the process may use.
        workers: steps done at a time; no bit of the output depends on it.
        ignored: columns that are no field.
        progress: told a stage, how many of its steps are done, and how many there are.

    Raises:
        Invalid: see `run_backfill` and `ParquetStages`.
        Conflict: another process fills the folder, or it holds another job.
        Unavailable: pyarrow is not installed, or a file cannot be read or written.
    """
    _check_folder(out)
    run = _prepared(workload, given, out, memory, workers, progress, ignored)
    with Folder(out).held():
        return run()


def _prepared(
    workload: Workload,
    given: Path,
    out: Path,
    memory: int,
    workers: int,
    progress: Progress,
    ignored: frozenset[str] = frozenset(),
) -> Callable[[], Report]:
    """The input looked at and found good; nothing is written yet."""
    try:
        from assay.adapters.parquet.stages import ParquetStages
    except ImportError as error:
        raise Unavailable(
            "a backfill reads and writes Parquet: pip install 'assay[parquet]'"
        ) from error
    if memory < MEMORY_MIN:
        raise Invalid(f"expected at least 512MiB of memory, got {memory:,} bytes")
    stages = ParquetStages(
        given,
        out,
        workload.catalog,
        workload.contracts,
        memory=memory,
        workers=workers,
        ignored=ignored,
    )

    def job(sources: tuple[Source, ...]) -> str:
        return job_digest(workload.catalog, workload.request.type, sources)

    journal = JournalFile(out / ".work" / "journal.jsonl")
    return lambda: run_backfill(workload.catalog, stages, journal, job, progress, workers=workers)


def backfill_home(
    workload: Workload,
    home: Home,
    out: Path,
    *,
    memory: int,
    workers: int = 1,
    progress: Progress = lambda *_: None,
) -> Report:
    """The same for the log of a home: accepted events that were not taken back.

    The log is first copied into the folder; what is appended after that is not seen. A server may
    run meanwhile.

    Raises:
        NotFound: there is no such home.
        Corrupt: the log is damaged.
        Conflict: the folder holds a finished backfill, or one of another home that is not done, or
            another process fills it; or a subject was erased meanwhile, and so is what was written.
    """
    home.check()
    _check_folder(out)
    if (out / "manifest.json").exists():
        raise Conflict(f"{out} holds a finished backfill: name a new folder")
    folder, copied = Folder(out), out / ".work" / "log"
    with folder.held():
        if not copied.exists():
            _copy_log(home, copied, with_retractions(workload.contracts), progress)
        begun = json.loads((copied / _ORIGIN).read_text())
        if begun["log"] != _log_of(home):
            raise Conflict(
                f"{out} holds a backfill of another home that is not done: name another folder, "
                "or remove this one to start over"
            )
        _check_erasures(home, folder, begun)
        report = _prepared(workload, copied, out, memory, workers, progress)()
        _check_erasures(home, folder, begun)
        return report


def _check_erasures(home: Home, folder: Folder, begun: dict[str, Any]) -> None:
    """A copy outlives no erasure: whoever was erased since is in it, and in what came of it."""
    if begun["erasures"] != _erasures_of(home):
        folder.forget()
        raise Conflict(
            f"a subject was erased from {home.path} since {folder.path} was begun, and stood in "
            "it: all that was written there is removed. Start the same command again"
        )


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise Invalid(f"{out} is a file: expected a folder, new or of a run that did not end")


def _log_of(home: Home) -> list[str | int]:
    """Which log it is: its path, and its file, which another log at that path would not have."""
    return [str(home.path.resolve()), home.log_path.stat().st_ino]


def _erasures_of(home: Home) -> list[str]:
    """The receipts of the erasures in a log."""
    log = home.open_log()
    try:
        named = log.named(ERASURE_PREFIX)
        return [entry.event.id for entry in named if entry.event.type == ERASURE_TYPE]
    finally:
        log.close()


def _copy_log(home: Home, to: Path, contracts: ContractSet, progress: Progress) -> None:
    try:
        from assay.adapters.parquet.events import write_events
    except ImportError as error:
        raise Unavailable("a backfill writes Parquet: pip install 'assay[parquet]'") from error
    aside = to.with_name("log.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    # Before the copy: an erasure meanwhile is one that the copy does not know.
    erasures = _erasures_of(home)
    log = home.open_log()
    try:
        last, done = log.last_seq(), 0
        for count in write_events(aside, standing(log.entries(until=last)), contracts):
            done += count
            progress("log", done, last)
    finally:
        log.close()
    (aside / _ORIGIN).write_text(json.dumps({"log": _log_of(home), "erasures": erasures}))
    aside.rename(to)
