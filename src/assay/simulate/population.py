"""Who lives in the marketplace? Every entity is a number, every trait a function of it.

Nothing is stored: user 17's country, card and age are computed when needed, so a population of
millions costs no memory and day 3,000 needs nothing of day 2,999.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from assay.simulate.draws import Ints, choose, hashed, scrambled, spread
from assay.simulate.settings import MarketplaceSettings

#: Countries, how many guests live there, how many listings lie there, hours ahead of UTC.
COUNTRIES = ("DE", "FR", "ES", "IT", "NL", "GB", "PL", "SE", "PT", "AT", "US", "RO", "NG", "VN")
_GUESTS_OF = (22, 18, 13, 12, 8, 9, 6, 3, 3, 3, 2, 1, 0, 0)
_LISTINGS_OF = (11, 17, 22, 18, 4, 7, 4, 3, 9, 4, 1, 0, 0, 0)
UTC_OFFSET = np.array((2, 2, 2, 2, 2, 1, 2, 2, 1, 2, -5, 3, 1, 7), dtype=np.int64)

AGE_BANDS = ("18-24", "25-34", "35-49", "50-64", "65+")
_BANDS_SETTLED, _BANDS_NEW = (9, 26, 36, 20, 9), (24, 34, 26, 11, 5)

#: Days a member had been on the marketplace before the world begins, as quantiles.
_TENURE = (1, 30, 75, 130, 200, 290, 400, 540, 720, 980, 2_200)
#: Fair price of a night in cents, as quantiles.
_NIGHTLY = (2_400, 4_400, 5_700, 7_000, 8_400, 10_000, 12_200, 15_200, 20_000, 30_000, 85_000)
#: One user in 101 books for a company, with a card shared by the seven colleagues next to them.
_CORPORATE_EVERY, _COLLEAGUES = 101, 8


class Family(IntEnum):
    """The first four bits of an entity's number: where it comes from (never shown in an id)."""

    ORDINARY = 0
    SECOND = 1
    ONE_OFF = 2
    CARD_TESTING = 3
    TAKEOVER = 4
    FAKE_LISTING = 5
    RING = 6
    COMPANY = 7

    def numbers(self, rest: Ints) -> Ints:
        """Entity numbers of this family; ``rest`` is below 2**28."""
        return (int(self) << 28) | rest


class _Trait(IntEnum):
    HOME, TENURE, BAND, CARD_ABROAD, HOUSEHOLD, NAME, FAVOURITE = 1, 2, 3, 4, 5, 6, 7
    LISTING_COUNTRY, LISTING_AGE, LISTING_HOST, LISTING_PRICE, HOST_LEAD = 11, 12, 13, 14, 15
    USER_ID, DEVICE_ID, CARD_ID, LISTING_ID, HOST_ID = 21, 22, 23, 24, 25
    REPORTED = 31


_PREFIX = {
    _Trait.USER_ID: "us",
    _Trait.DEVICE_ID: "dv",
    _Trait.CARD_ID: "cd",
    _Trait.LISTING_ID: "ls",
    _Trait.HOST_ID: "ho",
}


class Population:
    """The traits of a world's entities; all arrays have shape ``(n,)``."""

    def __init__(self, settings: MarketplaceSettings) -> None:
        self.settings = settings

    def users_by(self, day: int) -> int:
        """How many ordinary users have signed up by the end of that day."""
        return self.settings.users + self.settings.signups_per_day * (day + 1)

    def listings_by(self, day: int) -> int:
        """How many ordinary listings exist at the end of that day."""
        return self.settings.listings + self.settings.listings_per_day * (day + 1)

    def home(self, users: Ints) -> Ints:
        """Country numbers of the users."""
        return choose(_GUESTS_OF, self._hash(_Trait.HOME, users))

    def account_age(self, users: Ints, day: int) -> Ints:
        """Days since ordinary users signed up, as of ``day``."""
        settings = self.settings
        before = spread(_TENURE, self._hash(_Trait.TENURE, users)) + day
        joined = (users - settings.users) // settings.signups_per_day
        return np.where(users < settings.users, before, np.maximum(day - joined, 0))

    def age_band(self, users: Ints) -> Ints:
        """Positions in ``AGE_BANDS``; who joins late is younger. The platform never sees it."""
        word = self._hash(_Trait.BAND, users)
        return np.where(
            users < self.settings.users, choose(_BANDS_SETTLED, word), choose(_BANDS_NEW, word)
        )

    def corporate(self, users: Ints) -> NDArray[np.bool_]:
        """Whether the users book for a company."""
        found: NDArray[np.bool_] = (users % _CORPORATE_EVERY == 7) & (users < self.settings.users)
        return found

    def corporate_users(self, picks: Ints) -> Ints:
        """Corporate users for arbitrary non-negative numbers."""
        return picks % (self.settings.users // _CORPORATE_EVERY) * _CORPORATE_EVERY + 7

    def device(self, users: Ints) -> Ints:
        """The usual device; 4 % share it with the user before them (a household)."""
        shares = self._hash(_Trait.HOUSEHOLD, users) < _share(400)
        return np.where(shares & (users > 0), users - 1, users)

    def card(self, users: Ints) -> Ints:
        """The usual card: one's own, the household's or the company's."""
        company = users // (_CORPORATE_EVERY * _COLLEAGUES)
        shares = self._hash(_Trait.HOUSEHOLD, users) < _share(200)
        own = np.where(shares & (users > 0), users - 1, users)
        return np.where(self.corporate(users), Family.COMPANY.numbers(company), own)

    def card_country(self, cards: Ints, home: Ints) -> Ints:
        """Country of issue: mostly where the holder lives, 5 % kept one from elsewhere."""
        word = self._hash(_Trait.CARD_ABROAD, cards)
        elsewhere = choose(_GUESTS_OF, (word * 7919) & 0xFFFFFFFF)
        return np.where(word < _share(500), elsewhere, home)

    def listing_country(self, listings: Ints) -> Ints:
        """Country numbers of the listings."""
        return choose(_LISTINGS_OF, self._hash(_Trait.LISTING_COUNTRY, listings))

    def listing_age(self, listings: Ints, day: int) -> Ints:
        """Days since ordinary listings were created, as of ``day``."""
        settings = self.settings
        before = spread(_TENURE, self._hash(_Trait.LISTING_AGE, listings)) + day
        joined = (listings - settings.listings) // settings.listings_per_day
        return np.where(listings < settings.listings, before, np.maximum(day - joined, 0))

    def host(self, listings: Ints) -> Ints:
        """Who offers ordinary listings; every second late listing comes with a new host."""
        word = self._hash(_Trait.LISTING_HOST, listings)
        # The square of an even draw: a few professional hosts have a hundred listings.
        skew = ((word >> 1) * (word >> 1)) >> 30
        settled = (skew * self.settings.hosts) >> 32
        fresh = (listings >= self.settings.listings) & (word % 2 == 0)
        return np.where(fresh, self.settings.hosts + listings // 3, settled)

    def host_age(self, hosts: Ints, listing_age: Ints) -> Ints:
        """Days since the host signed up: never after the listing."""
        lead = spread((0, 0, 2, 20, 60, 150, 300, 600, 1_200), self._hash(_Trait.HOST_LEAD, hosts))
        return np.where(hosts >= self.settings.hosts, listing_age, listing_age + lead)

    def fair_nightly(self, listings: Ints) -> Ints:
        """The price of a night that the market would pay, in cents."""
        return spread(_NIGHTLY, self._hash(_Trait.LISTING_PRICE, listings))

    def favourite(self, users: Ints) -> Ints:
        """The listing a user returns to."""
        return (self._hash(_Trait.FAVOURITE, users) * self.settings.listings) >> 32

    def name_word(self, users: Ints) -> Ints:
        """The 32-bit word a user's name is made of (``names.full_name``)."""
        return self._hash(_Trait.NAME, users)

    def reported(self, cards: Ints) -> NDArray[np.bool_]:
        """Whether the schemes had listed the card as stolen before it was used (one in five)."""
        return self._hash(_Trait.REPORTED, cards) < _share(2_000)

    def user_ids(self, users: Ints) -> list[str]:
        """Ids such as ``us-09ab34ef``: unique, stable, and silent about order and family."""
        return self._ids(_Trait.USER_ID, users)

    def device_ids(self, devices: Ints) -> list[str]:
        """Ids of devices."""
        return self._ids(_Trait.DEVICE_ID, devices)

    def card_ids(self, cards: Ints) -> list[str]:
        """Ids of payment instruments."""
        return self._ids(_Trait.CARD_ID, cards)

    def listing_ids(self, listings: Ints) -> list[str]:
        """Ids of listings."""
        return self._ids(_Trait.LISTING_ID, listings)

    def host_ids(self, hosts: Ints) -> list[str]:
        """Ids of hosts."""
        return self._ids(_Trait.HOST_ID, hosts)

    def _hash(self, trait: _Trait, numbers: Ints) -> Ints:
        return hashed(self.settings.seed, trait, numbers)

    def _ids(self, trait: _Trait, numbers: Ints) -> list[str]:
        prefix = _PREFIX[trait]
        words = scrambled(self.settings.seed, trait, numbers).tolist()
        return [f"{prefix}-{word:08x}" for word in words]


def country_codes(countries: Ints) -> list[str]:
    """Codes of country numbers."""
    return [COUNTRIES[country] for country in countries.tolist()]


def some_country(halves: Ints) -> Ints:
    """Country numbers drawn as guests live; for travellers and strangers."""
    return choose(_GUESTS_OF, halves)


def pick(options: Sequence[int], positions: Ints) -> Ints:
    """``options[position]`` for each position."""
    return np.asarray(options, dtype=np.int64)[positions]


def _share(per_10k: int) -> int:
    return (per_10k << 32) // 10_000
