"""Where do snapshots of the live state lie? In a folder, the last two, each whole or not there.

A file is a magic word, the length of its header, the header with a SHA-256 of every part, the
header's own SHA-256, and the parts one after the other. Sizes are checked against the file's
before anything is read, and nothing is unpickled.
"""

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import msgspec
import numpy as np

from assay.adapters.files.atomic import sync_folder
from assay.adapters.files.regular import open_regular
from assay.core.errors import Corrupt, NotFound, Unavailable
from assay.features.image import Part
from assay.runtime.snapshot import Kept, Snapshot

KEPT = 2
_MAGIC = b"ASSAYSN1"
_START = struct.Struct("<8sI")
_SHA = 32
_HEADER_MAX = 1 << 26  #: bytes; the largest part of it are the sizes of buffers of ids
_SUFFIX, _ASIDE = ".snapshot", ".aside"


class _Part(msgspec.Struct, frozen=True, array_like=True):
    name: str
    size: int
    sha: bytes


class _Header(msgspec.Struct, frozen=True):
    seq: int
    meta: bytes
    parts: list[_Part]


class SnapshotFiles:
    """A `SnapshotStore` in a folder, which is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, snapshot: Snapshot) -> None:
        """See `SnapshotStore.save`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._write(snapshot)
                # One ahead of this is of a log that was longer: it must not outlive what is sound.
                sound = [seq for seq in self.seqs() if seq <= snapshot.seq][:KEPT]
                for seq in set(self.seqs()) - set(sound):
                    self.remove(seq)
        except OSError as error:
            raise Unavailable(
                f"the snapshot at seq {snapshot.seq} cannot be written to "
                f"{str(self._folder)!r}: {error}"
            ) from error

    def seqs(self) -> list[int]:
        """See `SnapshotStore.seqs`."""
        if not self._folder.is_dir():
            return []
        stems = [path.stem for path in self._folder.glob(f"*{_SUFFIX}")]
        return sorted((int(stem) for stem in stems if stem.isdecimal()), reverse=True)

    def newest(self) -> Kept | None:
        """See `SnapshotStore.newest`."""
        for seq in self.seqs():
            try:
                found = self._path(seq).stat()
            except FileNotFoundError:  # another process keeps the newest two
                continue
            return Kept(seq, found.st_size, found.st_mtime_ns // 1_000)
        return None

    def load(self, seq: int) -> Snapshot:
        """See `SnapshotStore.load`."""
        path = self._path(seq)
        try:
            # A link could lead to anybody's.
            with open_regular(path, links=False) as stream:
                return _read(stream, os.fstat(stream.fileno()).st_size, seq)
        except FileNotFoundError as error:
            raise NotFound(f"there is no snapshot at seq {seq}") from error
        except OSError as error:
            raise Corrupt(f"{path.name} cannot be read: {error}") from error

    def remove(self, seq: int) -> None:
        """See `SnapshotStore.remove`."""
        self._path(seq).unlink(missing_ok=True)

    def _path(self, seq: int) -> Path:
        return self._folder / f"{seq:020}{_SUFFIX}"

    def _write(self, snapshot: Snapshot) -> None:
        for left in self._folder.glob(f"*{_ASIDE}"):  # of a process that died; we hold the lock
            left.unlink()
        aside = self._folder / f"{snapshot.seq:020}{_ASIDE}"
        parts = [
            _Part(name, part.nbytes, hashlib.sha256(part.data).digest())
            for name, part in snapshot.parts.items()
        ]
        header = msgspec.msgpack.encode(_Header(snapshot.seq, snapshot.meta, parts))
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            start = _START.pack(_MAGIC, len(header)) + header + hashlib.sha256(header).digest()
            _write_all(descriptor, memoryview(start))
            for part in snapshot.parts.values():
                _write_all(descriptor, part.data)
            os.fsync(descriptor)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        aside.replace(self._path(snapshot.seq))
        sync_folder(self._folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time writes; the system lets go of the lock when it dies."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data[: 1 << 24]) :]


def _read(stream: BufferedReader, size: int, seq: int) -> Snapshot:
    def bad(why: str) -> Corrupt:
        return Corrupt(f"the snapshot at seq {seq} is damaged: {why}")

    start = stream.read(_START.size)
    if len(start) < _START.size or not start.startswith(_MAGIC):
        raise bad("it does not begin as one")
    _, length = _START.unpack(start)
    if length > min(_HEADER_MAX, size):
        raise bad(f"a header of {length} bytes")
    raw, sha = stream.read(length), stream.read(_SHA)
    if hashlib.sha256(raw).digest() != sha:
        raise bad("its header does not match its checksum")
    try:
        header = msgspec.msgpack.decode(raw, type=_Header)
    except msgspec.MsgspecError as error:
        raise bad(f"its header cannot be read: {error}") from error
    sizes = [part.size for part in header.parts]
    if header.seq != seq or min(sizes, default=0) < 0 or stream.tell() + sum(sizes) != size:
        raise bad(f"expected {stream.tell() + sum(sizes)} bytes of seq {header.seq}, got {size}")
    parts: dict[str, Part] = {}
    for part in header.parts:
        found = np.empty(part.size, np.uint8)
        if stream.readinto(found.data) != part.size:
            raise bad(f"part {part.name!r} is cut short")
        if hashlib.sha256(found.data).digest() != part.sha:
            raise bad(f"part {part.name!r} does not match its checksum")
        parts[part.name] = found
    return Snapshot(seq, header.meta, parts)
