"""Small worlds that several tests look at."""

from functools import cache

from assay.simulate.batch import DayBatch
from assay.simulate.world import MarketplaceSettings, simulate

SMALL = MarketplaceSettings(
    seed=7,
    days=45,
    users=3_000,
    listings=500,
    hosts=300,
    signups_per_day=20,
    listings_per_day=5,
    bookings_per_day=120,
)


@cache
def days(settings: MarketplaceSettings = SMALL) -> tuple[DayBatch, ...]:
    """All days of a world; computed once a test run."""
    return tuple(simulate(settings))
