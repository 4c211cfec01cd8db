"""How big is the world, who cheats in it, and when does it change? One frozen value says it."""

import msgspec

from assay.core.errors import Invalid
from assay.core.time import DAY, check_time, parse_time

#: Limits that keep every entity number below 2**32 (population.Family says how it is split).
DAYS_MAX, PER_DAY_MAX, POPULATION_MAX = 4_096, 100_000, 20_000_000


class FraudMix(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each pattern: new groups a day, and how often an active one acts, in percent.

    ``acts`` of 150 means three actions in two days on average. ``friendly`` is the share of
    honest-looking bookings that end in a dispute, in 1/10,000; ``mistaken`` the share of truly
    honest ones that are disputed in error and later reversed, in 1/10,000. Groups do not scale
    with ``bookings_per_day``: a small marketplace attracts as many.

    Raises:
        Invalid: a value outside the limits.
    """

    card_testing_groups: int = 1
    card_testing_acts: int = 95
    takeover_groups: int = 1
    takeover_acts: int = 65
    fake_listing_groups: int = 2
    fake_listing_acts: int = 65
    ring_every_days: int = 5
    ring_acts: int = 105
    friendly: int = 9
    mistaken: int = 3

    def __post_init__(self) -> None:
        for name, low, high in (
            ("card_testing_groups", 0, 15),
            ("takeover_groups", 0, 15),
            ("fake_listing_groups", 0, 15),
            ("ring_every_days", 1, 30),
            ("card_testing_acts", 0, 1_000),
            ("takeover_acts", 0, 1_000),
            ("fake_listing_acts", 0, 1_000),
            ("ring_acts", 0, 1_000),
            ("friendly", 0, 5_000),
            ("mistaken", 0, 5_000),
        ):
            _within(name, getattr(self, name), low, high)


class MarketplaceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a simulated world depends on.

    Args:
        seed: of all chance; the same settings give the same events on every machine.
        start: first instant, midnight UTC in microseconds.
        days: how many days are simulated.
        users, listings, hosts: how many exist before the first day.
        signups_per_day, listings_per_day: how many join each day.
        bookings_per_day: honest bookings on an average day; the week has a rhythm around it.
        fraud: how much of each pattern.
        drift_at: day number from which honest behaviour differs (prices, travel, devices).
        adapt_at: day number from which fraudsters have learned: slow card tests on many devices,
            aged accounts, proxies in the victim's country, messages without links or the usual
            phrases.

    Raises:
        Invalid: a value outside the limits.
    """

    seed: int
    start: int = parse_time("2025-06-02T00:00:00Z")  # a Monday
    days: int = 55
    users: int = 60_000
    listings: int = 8_000
    hosts: int = 5_000
    signups_per_day: int = 160
    listings_per_day: int = 25
    bookings_per_day: int = 2_700
    fraud: FraudMix = msgspec.field(default_factory=FraudMix)
    drift_at: int | None = None
    adapt_at: int | None = None

    def __post_init__(self) -> None:
        check_time(self.start)
        if self.start % DAY:
            raise Invalid(f"start: expected midnight UTC, got {self.start}")
        for name, low, high in (
            ("seed", 0, 2**63 - 1),
            ("days", 1, DAYS_MAX),
            ("users", 1_000, POPULATION_MAX),
            ("listings", 100, POPULATION_MAX),
            ("hosts", 100, POPULATION_MAX),
            ("signups_per_day", 10, PER_DAY_MAX // 10),
            ("listings_per_day", 1, PER_DAY_MAX // 10),
            ("bookings_per_day", 0, PER_DAY_MAX),
        ):
            _within(name, getattr(self, name), low, high)
        check_time(self.start + self.days * DAY)

    def drifted(self, day: int) -> bool:
        """Whether honest behaviour has changed by that day."""
        return self.drift_at is not None and day >= self.drift_at

    def adapted(self, day: int) -> bool:
        """Whether fraudsters have changed their ways by that day."""
        return self.adapt_at is not None and day >= self.adapt_at


def demo_settings(seed: int = 20_250_602) -> MarketplaceSettings:
    """The world of ``assay demo``: 55 days, about half a million events.

    The last six days hold more than 15,500 bookings; about 1.5 % of bookings are fraud.
    """
    return MarketplaceSettings(seed=seed)


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Invalid(f"{name}: expected a whole number from {low} to {high}, got {value}")
