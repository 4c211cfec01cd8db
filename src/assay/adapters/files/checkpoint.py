"""Where is the audit checkpoint kept? In a small file outside the database it speaks of."""

from pathlib import Path

import msgspec

from assay.adapters.files.atomic import write_atomically
from assay.core.errors import Corrupt
from assay.governance.audit import Checkpoint


class CheckpointFile:
    """A ``CheckpointStore`` in one JSON file, replaced in one step and synced to disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Checkpoint | None:
        """The checkpoint, None when the file does not exist.

        Raises:
            Corrupt: the file is not a checkpoint.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Checkpoint)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise Corrupt(
                f"{self._path.name} is not an audit checkpoint: {error}. "
                "Restore it from a backup of the home folder"
            ) from error

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the file; an older checkpoint never replaces a newer one."""
        held = self.load()
        if held is None or held.size < checkpoint.size:
            write_atomically(self._path, msgspec.json.encode(checkpoint))
