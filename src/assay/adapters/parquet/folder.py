"""Where does each file of a backfill lie? The names, once; and the journal of what is done."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from assay.adapters.files.atomic import sync_folder, write_atomically
from assay.core.errors import Conflict, Corrupt, Unavailable, shown
from assay.runtime.backfill_job import Shape, Source

Facts = dict[str, Any]
_LOCK = "lock"


class _Header(msgspec.Struct):
    job: str
    inputs: list[Source]


class _Step(msgspec.Struct):
    step: str
    facts: Facts


class _Read(msgspec.Struct):
    pieces: dict[str, int]
    refused: int
    unused: int
    retracted: int


class _Same(msgspec.Struct):
    duplicates: int
    conflicts: int


class _Order(msgspec.Struct):
    events: int


class _Fill(msgspec.Struct):
    rows: int
    overflows: int


class _Join(msgspec.Struct):
    rows: int
    overflows: int
    derived_failures: int


#: What is read of a step's facts, by its stage.
_FACTS: dict[str, type[msgspec.Struct]] = {
    "shape": Shape, "read": _Read, "same": _Same, "order": _Order, "fill": _Fill, "join": _Join
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """The output folder; what is not output lies in ``.work`` until the job is done."""

    path: Path

    @property
    def work(self) -> Path:
        """Everything between the steps."""
        return self.path / ".work"

    @property
    def manifest(self) -> Path:
        """What the output is; there only once all of it is."""
        return self.path / "manifest.json"

    @property
    def quarantine(self) -> Path:
        """The rows that were refused, one JSON object each."""
        return self.path / "quarantine.jsonl"

    def part(self, at: int) -> Path:
        """The output of a range."""
        return self.path / f"part-{at:05}.parquet"

    def staged(self, piece: str) -> Path:
        """Events of one type, by range."""
        return self.work / "staged" / f"{piece}.arrow"

    def ids(self, piece: str) -> Path:
        """Hashes of ids and bodies, by hash."""
        return self.work / "ids" / f"{piece}.arrow"

    def refused(self, step: str) -> Path:
        """The rows that one step refused."""
        return self.work / "refused" / f"{step}.jsonl"

    def rows(self, lookup: int, at: int, what: str) -> Path:
        """Events or requests of a look-up in one range, by bucket."""
        return self.work / f"rows-{lookup}" / f"{what}-{at:05}.arrow"

    def asked(self, at: int) -> Path:
        """The requests of one range."""
        return self.work / "asked" / f"{at:05}.arrow"

    def filled(self, lookup: int, bucket: int) -> Path:
        """Values of one bucket of a look-up, by range."""
        return self.work / f"filled-{lookup}" / f"{bucket:05}.arrow"

    def create(self, lookups: int) -> None:
        """Make the folders.

        Raises:
            Unavailable: they cannot be made.
        """
        parts = ["staged", "ids", "refused", "asked"]
        parts += [f"{what}-{number}" for number in range(lookups) for what in ("rows", "filled")]
        try:
            for part in parts:
                (self.work / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be made: {error}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only this process works in the folder; the kernel ends that with it, however it ends.

        Raises:
            Conflict: another one does.
            Unavailable: the folder cannot be made.
        """
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.work / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be made: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise Conflict(
                f"another backfill works in {shown(str(self.path))} right now: wait for its end, "
                "or name another folder"
            ) from error
        try:
            yield
        finally:
            os.close(descriptor)

    def spend(self, what: str) -> None:
        """Remove the files of a stage; the folder stays."""
        for path in (self.work / what).glob("*"):
            path.unlink()

    def forget(self) -> None:
        """Remove all that was written; the folder stays held."""
        written = [*self.path.glob("part-*.parquet"), self.quarantine, self.manifest]
        for path in [*written, *self.work.glob("*")]:
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink(missing_ok=True)

    def finish(self, manifest: Facts, refused: list[Path]) -> None:
        """Gather the refused rows, write the manifest, and remove the rest."""
        if refused:
            aside = self.work / "quarantine.jsonl"
            with aside.open("wb") as out:
                for path in refused:
                    out.write(path.read_bytes())
                out.flush()
                os.fsync(out.fileno())
            aside.replace(self.quarantine)
        sync_folder(self.path)
        body = json.dumps(manifest, indent=1, ensure_ascii=True) + "\n"
        write_atomically(self.manifest, body.encode())
        shutil.rmtree(self.work, ignore_errors=True)

    def finished(self) -> Facts | None:
        """The manifest of a job that is done; what a kill left after it is removed.

        Raises:
            Corrupt: it is no JSON object.
        """
        if not self.manifest.exists():
            return None
        try:
            found: Facts = msgspec.convert(json.loads(self.manifest.read_bytes()), dict[str, Any])
        except (ValueError, RecursionError) as error:
            raise Corrupt(f"{self.manifest} is not a manifest: {error}") from error
        shutil.rmtree(self.work, ignore_errors=True)
        return found


class JournalFile:
    """One line of JSON a step, each made durable before the next step begins."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, header: Facts) -> tuple[Facts, dict[str, Facts]]:
        """See the port; a last line that was torn by a crash is cut off: its step is done again.

        Raises:
            Corrupt: another line is not what was written, or lacks facts of its step.
        """
        lines = self._path.read_bytes() if self._path.exists() else b""
        whole = lines[: lines.rfind(b"\n") + 1]
        if len(whole) < len(lines):
            with self._path.open("r+b") as stream:
                stream.truncate(len(whole))
        if not whole:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._append(header)
            return header, {}
        kept, *steps = (self._line(at, raw) for at, raw in enumerate(whole.splitlines()))
        return kept, {line["step"]: line["facts"] for line in steps}

    def done(self, step: str, facts: Mapping[str, Any]) -> None:
        """See the port."""
        self._append({"step": step, "facts": facts})

    def _line(self, at: int, raw: bytes) -> Facts:
        """The header, or a step and its facts."""
        kind = _Step if at else _Header
        try:
            said: Facts = json.loads(raw)
            msgspec.convert(said, kind)
            if at:
                msgspec.convert(said["facts"], _FACTS[said["step"].partition("-")[0]])
        except (ValueError, RecursionError, KeyError) as error:
            raise Corrupt(
                f"{self._path}, line {at + 1}: expected {' and '.join(kind.__struct_fields__)} as "
                f"a backfill writes them, got {shown(raw[:40])} ({error}): remove "
                f"{self._path.parent.parent} to start over"
            ) from error
        return said

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            with self._path.open("ab") as stream:
                stream.write(json.dumps(line).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise Unavailable(f"{self._path} cannot be written: {error}") from error
