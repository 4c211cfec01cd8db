"""What are the bytes of a file? Its SHA-256."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """``sha256:`` and the hexadecimal digest of the bytes of a file."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
