"""Where are cases kept? In a table that can be filled again from the log, with its cursor."""

from collections.abc import Sequence
from typing import Protocol

from assay.review.case import Case


class CaseStore(Protocol):
    """Cases and the place in the log up to which they were projected."""

    def cursor(self) -> int:
        """The ``seq`` of the last log entry that was projected; 0 before the first."""
        ...

    def project(self, opened: Sequence[Case], changed: Sequence[Case], upto: int) -> None:
        """Add cases that are not there yet, replace changed ones, move the cursor: one transaction.

        Raises:
            Conflict: ``upto`` lies before the cursor: another process projected further.
        """
        ...

    def get(self, case_id: str) -> Case | None:
        """The case of that id."""
        ...

    def of_event(self, event_id: str) -> Case | None:
        """The case about that request."""
        ...

    def waiting(self) -> list[Case]:
        """Every case that is not closed, oldest first."""
        ...

    def closed(self, limit: int = 100) -> list[Case]:
        """Closed cases, the last closed first."""
        ...

    def forget(self, event_ids: Sequence[str]) -> int:
        """Delete the cases about those requests; how many there were."""
        ...

    def replace(self, before: Case, after: Case) -> None:
        """Store ``after`` if ``before`` is still what is stored.

        Raises:
            Conflict: somebody else changed the case meanwhile.
        """
        ...
