"""Which version of an allow or deny list holds now? The file's, if its checksum says so."""

import time
from collections.abc import Callable
from pathlib import Path

from assay.adapters.files.atomic import write_atomically
from assay.core.errors import AssayError
from assay.core.ids import check_name
from assay.rules.lists import ListSnapshot, parse_list

_SUFFIX = ".list"
_CHECK_EVERY = 1.0  #: seconds between looks at a file: a change is seen by then, see design 6
#: What tells one version of a file from the next without reading it.
_Stamp = tuple[int, int, int]


class ListFiles:
    """Lists in ``folder/NAME.list``, in the format of `assay.rules.lists`; see port `ListSource`.

    A changed file is read again within a second. A missing, unreadable or corrupt one gives None
    (the policy then cannot tell, and a sanctions rule holds), also when an earlier version was
    good: an entry may have been added in the version that cannot be read.

    Args:
        folder: where the files are.
        monotonic: seconds, never going back.
        keep: stores the bytes of every version before it is used for the first time, so that the
            decisions it takes part in can be made again; a version that cannot be kept is not used.
    """

    def __init__(
        self,
        folder: Path | str,
        monotonic: Callable[[], float] = time.monotonic,
        keep: Callable[[bytes], object] | None = None,
    ) -> None:
        self._folder, self._monotonic = Path(folder), monotonic
        self._keep = keep or (lambda _raw: None)
        self._kept: dict[str, _Kept] = {}

    def snapshot(self, name: str) -> ListSnapshot | None:
        """See `ListSource.snapshot`."""
        return self._look(name).snapshot

    def reason(self, name: str) -> str:
        """See `ListSource.reason`."""
        return self._look(name).reason

    def write(self, name: str, raw: bytes) -> ListSnapshot:
        """Replace a list's file by these bytes, once they are found good.

        Raises:
            Corrupt: they are not a list with a matching checksum.
        """
        found = parse_list(name, raw)
        self._keep(raw)
        write_atomically(self._path(name), raw)
        self._kept.pop(name, None)
        return found

    def _look(self, name: str) -> "_Kept":
        now = self._monotonic()
        kept = self._kept.get(name)
        if kept is not None and now < kept.look_again:
            return kept
        path = self._path(name)
        stamp = _stamp(path)
        if kept is None or kept.stamp != stamp:
            kept = self._kept[name] = self._read(name, path, stamp)
        kept.look_again = now + _CHECK_EVERY
        return kept

    def _read(self, name: str, path: Path, stamp: _Stamp | None) -> "_Kept":
        try:
            raw = path.read_bytes()
            found = parse_list(name, raw)
            self._keep(raw)
        except FileNotFoundError:
            return _Kept(stamp, None, f"list {name!r} is missing: expected the file {path.name}")
        except OSError as error:
            return _Kept(stamp, None, f"list {name!r} cannot be read: {error.strerror}")
        except AssayError as error:
            return _Kept(stamp, None, str(error))
        _ = found.folded  # computed here, once, and not inside the first decision that asks
        return _Kept(stamp, found, "")

    def _path(self, name: str) -> Path:
        return self._folder / (check_name(name) + _SUFFIX)


class _Kept:
    __slots__ = ("look_again", "reason", "snapshot", "stamp")

    def __init__(self, stamp: _Stamp | None, snapshot: ListSnapshot | None, reason: str) -> None:
        self.stamp, self.snapshot, self.reason = stamp, snapshot, reason
        self.look_again = 0.0


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None  # `ListFiles._read` finds out why
    return status.st_mtime_ns, status.st_size, status.st_ino
