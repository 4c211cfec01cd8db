"""Where should review begin, and where block, when each mistake costs and people are few?

The day is played as it will be played online: requests come in order, each that falls in the
review band takes a slot while there are any, and after that gets the overflow outcome. So a choice
whose band is too wide for the capacity is charged for its overflow, ties included.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid

Overflow = Literal["approve", "block"]
Floats = NDArray[np.float64]

#: Cut-offs tried, spread evenly over the logarithm of the rank from the riskiest row down: the
#: best ones lie among the few riskiest, where a step must be fine.
CANDIDATES = 72


class CostRates(msgspec.Struct, frozen=True, kw_only=True):
    """What each mistake costs: the fields of a policy's ``Costs`` as plain numbers.

    Shares are of the amount; fixed costs are in its minor units. A reviewer decides wrongly with
    probability ``reviewer_error``.
    """

    fraud_share: float
    fraud_fixed: float
    block_share: float
    block_fixed: float
    review_fixed: float
    reviewer_error: float

    def __post_init__(self) -> None:
        if min(msgspec.structs.astuple(self)) < 0 or self.reviewer_error > 1:
            raise Invalid(f"expected costs of at least 0 and an error rate up to 1, got {self}")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of cut-offs and what it would have led to on the rows it was tried on.

    ``expected_cost`` is in minor units over all rows; ``reviews``, ``overflowed`` and ``blocked``
    count rows; ``reviews_per_day_max`` never exceeds the capacity.
    """

    review_at: float
    block_at: float
    overflow: Overflow
    expected_cost: float
    reviews: int
    reviews_per_day_max: int
    overflowed: int
    blocked: int


class BandChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The cheapest pair, its alternatives and the two baselines everyone asks about.

    ``table`` holds, for every ``review_at`` tried, its best ``block_at``, cheapest first.
    ``slot_value`` is what one more review a day would have saved per day (the shadow price).
    """

    review_at: float
    block_at: float
    overflow: Overflow
    expected_cost: float
    approve_all_cost: float
    block_at_half_cost: float
    slot_value: float
    days: int
    rows: int
    table: tuple[Choice, ...]


def choose_bands(
    probability: Floats,
    amount: NDArray[np.int64],
    day: NDArray[np.int64],
    costs: CostRates,
    capacity_per_day: int,
    *,
    overflow: Overflow | None = None,
) -> BandChoice:
    """The pair of cut-offs with the least expected cost under the daily review capacity.

    Every pair ``review_at <= block_at`` of the candidates is played through exactly; the
    candidates are all distinct probabilities, or ``CANDIDATES`` of them where there are more. Of
    equal costs the pair with less overflow wins, then higher cut-offs: they trouble fewer people.

    Args:
        probability: calibrated, shape ``(n,)``, rows in time order.
        amount: minor units, shape ``(n,)``.
        day: UTC day number of each row, not decreasing, shape ``(n,)``.
        costs: of each mistake.
        capacity_per_day: reviews there are people for; 0 for none.
        overflow: what a request gets when the slots are used up; None chooses the cheaper.

    Raises:
        Invalid: shapes differ, no rows, a probability outside [0, 1], days that decrease, or a
            negative capacity.

    Source:
        Expected cost with costs that depend on the amount: Elkan (2001), IJCAI 973-978; Bahnsen
        et al. (2015), Expert Systems with Applications 42:6609-6619.
    """
    _check(probability, amount, day, capacity_per_day)
    world = _World(probability, amount, day, costs)
    tried = [
        world.play(review_at, block_at, capacity_per_day, way)
        for way in ((overflow,) if overflow else ("approve", "block"))
        for review_at, block_at in _pairs(_candidates(probability))
    ]
    ranked = sorted(tried, key=_order)
    best = ranked[0]
    more = world.play(best.review_at, best.block_at, capacity_per_day + 1, best.overflow)
    days = int(np.unique(day).size)
    return BandChoice(
        review_at=best.review_at,
        block_at=best.block_at,
        overflow=best.overflow,
        expected_cost=best.expected_cost,
        approve_all_cost=float(world.approve.sum()),
        block_at_half_cost=world.cut(0.5),
        slot_value=(best.expected_cost - more.expected_cost) / days,
        days=days,
        rows=int(probability.size),
        table=_best_per_review(ranked),
    )


def play_bands(
    probability: Floats,
    amount: NDArray[np.int64],
    day: NDArray[np.int64],
    costs: CostRates,
    bands: tuple[float, float, int, Overflow],
) -> tuple[Choice, NDArray[np.int8]]:
    """What given bands lead to on other rows, and what each row gets: 0 approve, 1 review, 2 block.

    Args:
        probability: calibrated, shape ``(n,)``, rows in time order.
        amount: minor units, shape ``(n,)``.
        day: UTC day number of each row.
        costs: of each mistake.
        bands: review cut-off, block cut-off, capacity per day, overflow.
    """
    review_at, block_at, capacity, overflow = bands
    _check(probability, amount, day, capacity)
    world = _World(probability, amount, day, costs)
    choice = world.play(review_at, block_at, capacity, overflow)
    given = np.zeros(probability.size, dtype=np.int8)
    given[probability >= block_at] = 2
    rows = np.flatnonzero((probability >= review_at) & (probability < block_at))
    slots = world.slots(rows, capacity)
    given[rows[slots]] = 1
    given[rows[~slots]] = 2 if overflow == "block" else 0
    return choice, given


def realised_cost(
    given: NDArray[np.int8], labels: NDArray[np.int8], amount: NDArray[np.int64], costs: CostRates
) -> float:
    """What outcomes (0 approve, 1 review, 2 block) cost once it is known what was fraud.

    The reviewer's errors are taken at their expected rate.
    """
    approve, review, block = row_costs(labels.astype(np.float64), amount, costs)
    return float(np.choose(given, (approve, review, block)).sum())


class _World:
    """Rows with what each outcome is expected to cost."""

    def __init__(
        self,
        probability: Floats,
        amount: NDArray[np.int64],
        day: NDArray[np.int64],
        costs: CostRates,
    ) -> None:
        self.probability, self.day = probability, day
        self.approve, self.review, self.block = row_costs(probability, amount, costs)

    def play(self, review_at: float, block_at: float, capacity: int, overflow: Overflow) -> Choice:
        blocked = self.probability >= block_at
        rows = np.flatnonzero((self.probability >= review_at) & ~blocked)
        slots = self.slots(rows, capacity)
        spilled = self.block if overflow == "block" else self.approve
        base = np.where(blocked, self.block, self.approve).sum() - self.approve[rows].sum()
        band = self.review[rows[slots]].sum() + spilled[rows[~slots]].sum()
        per_day = np.unique(self.day[rows[slots]], return_counts=True)[1]
        return Choice(
            review_at=review_at,
            block_at=block_at,
            overflow=overflow,
            expected_cost=float(base + band),
            reviews=int(slots.sum()),
            reviews_per_day_max=int(per_day.max(initial=0)),
            overflowed=int((~slots).sum()),
            blocked=int(blocked.sum()),
        )

    def slots(self, rows: NDArray[np.int64], capacity: int) -> NDArray[np.bool_]:
        """Which of these rows, in order, still find a slot on their day."""
        days = self.day[rows]
        starts = np.flatnonzero(np.append(True, days[1:] != days[:-1]))[: days.size]
        sizes = np.diff(np.append(starts, days.size))
        rank = np.arange(days.size) - np.repeat(starts, sizes)
        return np.asarray(rank < capacity)

    def cut(self, at: float) -> float:
        return float(np.where(self.probability >= at, self.block, self.approve).sum())


def row_costs(
    probability: Floats, amount: NDArray[np.int64], costs: CostRates
) -> tuple[Floats, Floats, Floats]:
    """Expected cost of approving, reviewing and blocking each row."""
    approve = probability * (costs.fraud_share * amount + costs.fraud_fixed)
    block = (1.0 - probability) * (costs.block_share * amount + costs.block_fixed)
    # A right reviewer blocks the fraud and lets the good one pass; a wrong one does the opposite.
    review = costs.review_fixed + costs.reviewer_error * (approve + block)
    return approve, review, block


def _candidates(probability: Floats) -> list[float]:
    """Distinct levels to cut at, riskiest first; the first cuts off nothing."""
    ranked = np.sort(probability)[::-1]
    distinct = np.unique(ranked)[::-1]
    if distinct.size > CANDIDATES:
        places = np.unique(np.geomspace(1, ranked.size, CANDIDATES).astype(np.int64)) - 1
        distinct = np.unique(ranked[places])[::-1]
    levels = distinct.tolist()
    # Just above the riskiest row: "never", as a value that a policy can hold.
    never = float(min(1.0, np.nextafter(ranked[0], 2.0)))
    return list(dict.fromkeys([never, *levels]))


def _order(choice: Choice) -> tuple[float, int, float, float]:
    # Sums of the same rows in another order differ by rounding: that must not break a tie.
    return round(choice.expected_cost, 6), choice.overflowed, -choice.review_at, -choice.block_at


def _pairs(levels: list[float]) -> list[tuple[float, float]]:
    return [(low, high) for place, high in enumerate(levels) for low in levels[place:]]


def _best_per_review(ranked: list[Choice]) -> tuple[Choice, ...]:
    best: dict[float, Choice] = {}
    for choice in ranked:
        best.setdefault(choice.review_at, choice)
    return tuple(best.values())


def _check(
    probability: Floats, amount: NDArray[np.int64], day: NDArray[np.int64], capacity: int
) -> None:
    if not probability.size or not probability.shape == amount.shape == day.shape:
        raise Invalid(
            f"expected probabilities, amounts and days of one length, got {probability.shape}, "
            f"{amount.shape}, {day.shape}"
        )
    if not ((probability >= 0) & (probability <= 1)).all() or (amount < 0).any():
        raise Invalid("expected probabilities in [0, 1] and amounts of at least 0")
    if (np.diff(day) < 0).any() or capacity < 0:
        raise Invalid(f"expected rows in time order and a capacity of at least 0, got {capacity}")
