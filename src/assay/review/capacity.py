"""How many more requests may be sent to people today? Exactly the capacity, never one more."""

from collections.abc import Iterable, Mapping

from assay.core.errors import Invalid, Refused
from assay.core.time import utc_day
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord


class CapacityUsedUp(Refused):
    """No review slot is left on that day."""

    code = "capacity_used_up"


class Budget:
    """Review slots per UTC day of the request's ``ts``.

    It holds nothing that the decision records do not say, so it is rebuilt from them after a
    restart. A hold takes no slot: screening is never limited by how many people are at work.

    Example:
        >>> budget = Budget(2)
        >>> budget.take(20_000), budget.take(20_000), budget.left(20_000), budget.left(20_001)
        (1, 0, 0, 2)
    """

    def __init__(self, capacity_per_day: int) -> None:
        if capacity_per_day < 0:
            raise Invalid(f"expected a review capacity of 0 or more a day, got {capacity_per_day}")
        self.capacity_per_day = capacity_per_day
        self._taken: dict[int, int] = {}

    @classmethod
    def of(cls, capacity_per_day: int, records: Iterable[DecisionRecord]) -> "Budget":
        """The budget as the recorded decisions left it."""
        budget = cls(capacity_per_day)
        for record in records:
            budget.count(record)
        return budget

    @property
    def taken(self) -> dict[int, int]:
        """Slots used, by UTC day."""
        return dict(self._taken)

    def restore(self, taken: Mapping[int, int]) -> None:
        """Take slots as used that were used before, by UTC day."""
        self._taken = dict(taken)

    def left(self, day: int) -> int:
        """Slots left on a UTC day (counted from 1970-01-01); never below 0."""
        return max(self.capacity_per_day - self._taken.get(day, 0), 0)

    def take(self, day: int) -> int:
        """Use one slot of the day and return how many are left.

        Raises:
            CapacityUsedUp: none was left.
        """
        if self.left(day) == 0:
            raise CapacityUsedUp(
                f"all {self.capacity_per_day} review slots of UTC day {day} are used"
            )
        self._taken[day] = self._taken.get(day, 0) + 1
        return self.left(day)

    def count(self, record: DecisionRecord) -> None:
        """Account for a decision that has been made (also one made under a larger capacity)."""
        if record.outcome is Outcome.REVIEW:
            self.count_slot(utc_day(record.at))

    def count_slot(self, day: int) -> None:
        """Account for a slot of a day, without asking whether one is left."""
        self._taken[day] = self._taken.get(day, 0) + 1
