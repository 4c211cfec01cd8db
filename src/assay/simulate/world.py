"""What happens in the marketplace, day by day? ``simulate`` answers with batches of columns.

Determinism: chance is ``draws.Draws`` (raw PCG64 words, one stream per part of a day) and
``draws.hashed`` (traits of entities); all else is integer arithmetic. The same settings give the
same bytes on every machine, numpy version and processor; a test pins their digest.
"""

from collections.abc import Iterator

from assay.core.time import DAY
from assay.simulate.batch import DayBatch
from assay.simulate.collusion import fake_listings, review_rings
from assay.simulate.draft import COLUMNS, Draft
from assay.simulate.followups import Followups
from assay.simulate.honest import honest_day
from assay.simulate.population import Population
from assay.simulate.render import table, truth
from assay.simulate.settings import FraudMix, MarketplaceSettings, demo_settings
from assay.simulate.stolen import account_takeover, card_testing

__all__ = ["FraudMix", "MarketplaceSettings", "demo_settings", "simulate"]


def simulate(settings: MarketplaceSettings) -> Iterator[DayBatch]:
    """The days of a world, in order; memory does not grow with their number.

    A day's events all lie in that UTC day, so batches follow each other in time. Only reviews and
    labels depend on earlier days, and they wait at most 150 days.

    Example:
        >>> days = list(simulate(MarketplaceSettings(seed=1, days=2, bookings_per_day=50)))
        >>> [batch.day for batch in days]
        [0, 1]
        >>> days[1].tables["booking"].ids[0]
        'bk-0001-000000'
    """
    population, followups = Population(settings), Followups(settings)
    for day in range(settings.days):
        yield _day(population, followups, day)


def _day(population: Population, followups: Followups, day: int) -> DayBatch:
    start = population.settings.start + day * DAY
    draft = Draft(start)
    honest_day(population, day, draft)
    card_testing(population, day, draft)
    account_takeover(population, day, draft)
    fake_listings(population, day, draft)
    review_rings(population, day, draft)
    followups.deliver(draft)
    blocks = {event_type: draft.take(event_type) for event_type in COLUMNS}
    followups.plan(day, blocks["booking"])
    tables = {
        event_type: table(population, day, event_type, block)
        for event_type, block in blocks.items()
    }
    return DayBatch(day, start, tables, truth(population, day, blocks["booking"]))
