"""How is a file read that somebody else named, so that no pipe keeps the reader waiting?"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from assay.core.errors import TooLarge, shown


def open_regular(path: Path, *, links: bool = True) -> BufferedReader:
    """A regular file, opened to be read.

    A pipe without a writer would block its reader, and a device need not end.

    Args:
        path: of the file.
        links: whether the path may be a symbolic link.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        _check(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_regular(path: Path) -> None:
    """Return when a library may open the path itself.

    Raises:
        OSError: there is nothing, or no regular file.
    """
    _check(path.stat().st_mode, path)


def read_regular(path: Path, size_max: int) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: it cannot be read, or is no regular file.
        TooLarge: it has more bytes; what a file says of its size need not be true.
    """
    with open_regular(path) as file:
        raw = file.read(size_max + 1)
    if len(raw) > size_max:
        raise TooLarge(
            f"{shown(str(path), 1_000)}: expected a file of at most {size_max:,} bytes, got more"
        )
    return raw


def _check(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file (a pipe or a device)", str(path))
