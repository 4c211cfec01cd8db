"""Where do models, catalogs and documents live? In files named by the SHA-256 of their bytes."""

import re
from pathlib import Path

from assay.adapters.files.atomic import write_atomically
from assay.core.canonical import digest_bytes
from assay.core.errors import Corrupt, Invalid, NotFound, Unavailable, shown

_DIGEST = re.compile(r"sha256:([0-9a-f]{2})([0-9a-f]{62})", re.ASCII)


class ObjectFiles:
    """An object store in a folder, two levels deep; see the port `ObjectStore`.

    Every read is verified, so a changed byte is an error and never a changed model.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def put(self, data: bytes) -> str:
        """See `ObjectStore.put`.

        Raises:
            Unavailable: the bytes could not be made durable.
        """
        name = digest_bytes(data)
        path = self._path(name)
        try:
            # A file that is there may be damaged: only verified bytes make the write needless.
            if not path.exists() or path.read_bytes() != data:
                write_atomically(path, data)
        except OSError as error:
            raise Unavailable(f"object {name} cannot be stored: {error}") from error
        return name

    def get(self, digest: str) -> bytes:
        """See `ObjectStore.get`."""
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no object {digest} is stored") from None
        except OSError as error:
            raise Unavailable(f"object {digest} cannot be read: {error}") from error
        found = digest_bytes(data)
        if found != digest:
            raise Corrupt(
                f"object {digest} has bytes that hash to {found}: restore the file from a backup"
            )
        return data

    def has(self, digest: str) -> bool:
        """See `ObjectStore.has`."""
        return self._path(digest).exists()

    def _path(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise Invalid(f"expected sha256: and 64 hexadecimal digits, got {shown(digest)}")
        return self._folder / match[1] / match[2]
