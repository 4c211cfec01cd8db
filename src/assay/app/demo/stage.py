"""How does the demo say what it is doing? Through whatever its caller shows progress with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class Stage(Protocol):
    """Shows one stage while its block runs; the yielded function advances it by a count."""

    def __call__(
        self, what: str, total: int | None, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin a stage of ``total`` units (None: unknown)."""
        ...


Say = Callable[[str], None]
