"""Where are the catalogs that ever decided? In documents named by the digest of their meaning."""

import re
from pathlib import Path

from assay.adapters.files.atomic import write_atomically
from assay.core.errors import Invalid, NotFound, TooLarge, Unavailable, shown
from assay.features.document import SIZE_MAX

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)


class CatalogFiles:
    """A folder of documents; see the port `CatalogStore`. Whoever reads one checks it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, digest: str, document: bytes) -> None:
        """See `CatalogStore.put`."""
        path = self._path(digest)
        try:
            if not path.exists() or path.read_bytes() != document:
                write_atomically(path, document)
        except OSError as error:
            raise Unavailable(f"catalog {digest} cannot be stored: {error}") from error

    def get(self, digest: str) -> bytes:
        """See `CatalogStore.get`."""
        path = self._path(digest)
        try:
            if path.stat().st_size > SIZE_MAX:
                raise TooLarge(f"catalog {digest}: expected a document of at most {SIZE_MAX} bytes")
            return path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no catalog {digest} is stored") from None
        except OSError as error:
            raise Unavailable(f"catalog {digest} cannot be read: {error}") from error

    def _path(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise Invalid(f"expected sha256: and 64 hexadecimal digits, got {shown(digest)}")
        return self._folder / f"{match[1]}.json"
