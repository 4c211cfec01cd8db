"""A log that fails on demand, as a full disk does."""

import threading
from collections.abc import Sequence

from assay.contracts.quarantine import Refusal
from assay.core.errors import Unavailable
from assay.runtime.memory import MemoryLog
from assay.runtime.ports import Entry


class FailingLog(MemoryLog):
    """``full`` makes every write fail; ``gate`` holds appends back while it is not set."""

    def __init__(self) -> None:
        self.full = False
        self.gate = threading.Event()
        self.gate.set()
        super().__init__()

    def append(self, entries: Sequence[Entry]) -> None:
        """See the port."""
        self.gate.wait(10)
        self._check_space()
        super().append(entries)

    def put(self, refusals: Sequence[Refusal]) -> list[int]:
        """See the port."""
        self._check_space()
        return super().put(refusals)

    def probe(self) -> None:
        """See the port."""
        self._check_space()

    def _check_space(self) -> None:
        if self.full:
            raise Unavailable("no space left on device")
