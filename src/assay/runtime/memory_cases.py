"""How do cases live without a file? In one dictionary, with the store's own rules."""

from collections.abc import Sequence

from assay.core.errors import Conflict
from assay.review.case import Case


class MemoryCases:
    """A ``CaseStore`` that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._cursor = 0

    def cursor(self) -> int:
        """The ``seq`` of the last log entry that was projected."""
        return self._cursor

    def project(self, opened: Sequence[Case], changed: Sequence[Case], upto: int) -> None:
        """Add, replace and move the cursor in one step."""
        if upto < self._cursor:
            raise Conflict(f"cases are projected up to {self._cursor}, cannot go back to {upto}")
        for case in opened:
            self._cases.setdefault(case.id, case)
        self._cases.update({case.id: case for case in changed})
        self._cursor = upto

    def get(self, case_id: str) -> Case | None:
        """The case of that id."""
        return self._cases.get(case_id)

    def of_event(self, event_id: str) -> Case | None:
        """The case about that request."""
        return next((c for c in self._cases.values() if c.event_id == event_id), None)

    def waiting(self) -> list[Case]:
        """Every case that is not closed, oldest first."""
        found = [case for case in self._cases.values() if case.status != "closed"]
        return sorted(found, key=lambda case: (case.opened_at, case.id))

    def closed(self, limit: int = 100) -> list[Case]:
        """Closed cases, the last closed first."""
        found = [case for case in self._cases.values() if case.status == "closed"]
        return sorted(found, key=lambda case: (-(case.closed_at or 0), case.id))[:limit]

    def forget(self, event_ids: Sequence[str]) -> int:
        """Delete the cases about those requests; how many there were."""
        gone = {case.id for case in self._cases.values() if case.event_id in set(event_ids)}
        self._cases = {name: case for name, case in self._cases.items() if name not in gone}
        return len(gone)

    def replace(self, before: Case, after: Case) -> None:
        """Store ``after`` if ``before`` is still what is stored."""
        if self._cases.get(before.id) != before:
            raise Conflict(f"case {before.id} was changed meanwhile; read it again")
        self._cases[after.id] = after
