"""Who serves this home folder? One process, known by the lock it holds until it ends."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from assay.core.errors import HomeLocked, Unavailable, shown


class HomeLock:
    """An exclusive lock on a home folder; the kernel releases it when the process ends, however.

    Raises:
        HomeLocked: another process holds it; the message names its process id.
        Unavailable: the lock file cannot be opened.
    """

    def __init__(self, home: Path | str) -> None:
        self._path = Path(home) / "lock"
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unavailable(f"{shown(str(self._path))} cannot be opened: {error}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise HomeLocked(
                f"the home folder {shown(str(home))} is in use by process {holder or 'unknown'}: "
                "stop that process, or name another folder"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder up; releasing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.release()
