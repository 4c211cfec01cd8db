"""What do honest guests do in a day? Bookings with all the oddities fraud also shows.

They travel, buy new phones, mistype security codes, book tonight for tonight, share a card in the
family, paste the same message twice and offer cash for the late check-in. Without these a model
would look better than any model is.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.time import DAY, HOUR, MINUTE, SECOND
from assay.simulate.draft import Draft, Failure, Pattern, Stream, repeated, seconds
from assay.simulate.draws import Draws, Ints, choose
from assay.simulate.messages import BY_HOST, Kind
from assay.simulate.population import UTC_OFFSET, Family, Population, some_country

#: Monday to Sunday, percent of an average day.
_WEEK = (96, 94, 97, 100, 108, 110, 115)
#: Guests' local clock, midnight first; the young stay up.
_HOURS = (6, 4, 2, 1, 1, 2, 6, 14, 24, 34, 40, 42, 44, 42, 38, 36, 38, 42, 50, 58, 62, 52, 34, 16)
_HOURS_YOUNG = (
    *(22, 16, 10, 6, 3, 2, 3, 7, 13, 22, 30, 36),
    *(40, 40, 38, 38, 40, 44, 50, 56, 62, 62, 54, 38),
)
#: How many come along, as quantiles.
PARTY = (1, 1, 2, 2, 2, 3, 4, 6)
#: Days to check-in, as quantiles.
LEAD = (0, 1, 3, 6, 10, 16, 25, 38, 60, 95, 200)
_LEAD_DRIFTED = (0, 0, 1, 2, 4, 7, 11, 18, 30, 52, 140)
_NIGHTS = (1, 1, 2, 2, 3, 3, 4, 5, 7, 10, 24)
#: Numbers set aside a day and a lane for devices and cards seen once.
_ONE_OFF_DAY, _ONE_OFF_LANE = 1 << 16, 1 << 14


class Guests(msgspec.Struct, frozen=True):
    """Honest guests at their keyboards: who, when, on what; columns of shape ``(n,)``."""

    ts: Ints
    user: Ints
    device: Ints
    new_device: NDArray[np.bool_]
    card: Ints
    card_country: Ints
    ip: Ints
    home: Ints
    account_age: Ints
    corporate: NDArray[np.bool_]
    on_the_road: NDArray[np.bool_]


def honest_day(population: Population, day: int, draft: Draft) -> None:
    """Write one day of honest bookings and everything around them."""
    settings = population.settings
    draws = Draws(settings.seed, Stream.HONEST, day)
    weekday = (draft.start // DAY + 3) % 7  # 1970-01-01 was a Thursday
    size = settings.bookings_per_day * _WEEK[weekday] // 100
    size += int(draws.between(-size // 32, size // 32, 1)[0])
    guests = some_guests(population, day, draft.start, draws, size, lane=0)
    stay = _stays(population, day, draws, guests)
    disputes = Draws(settings.seed, Stream.DISPUTES, day)
    pattern = _disputed(population, disputes, stay["amount"])
    draft.add("booking", **stay, pattern=pattern)
    around(Draws(settings.seed, Stream.AROUND, day), draft, guests, stay)
    _background(population, day, draft, size)
    _new_listings(population, day, draft)


def some_guests(
    population: Population, day: int, start: int, draws: Draws, size: int, *, lane: int
) -> Guests:
    """``size`` guests of that day, the frequent and the newly joined over-represented.

    ``lane`` (0 to 3) keeps apart the devices and cards first seen that day: two groups of guests
    drawn in two lanes never share one by accident.
    """
    settings = population.settings
    members = population.users_by(day)
    anyone = draws.below(members, size)
    kind = draws.choose((55, 34, 4, 7), size)
    newcomer = members - 1 - draws.below(min(3 * settings.signups_per_day, members), size)
    user = np.select(
        (kind == 0, kind == 1, kind == 2),
        (anyone, anyone // 8 * 8, newcomer),
        population.corporate_users(anyone),
    )
    home, corporate = population.home(user), population.corporate(user)
    young = population.age_band(user) == 0
    first_seen = day * _ONE_OFF_DAY + lane * _ONE_OFF_LANE
    # A lost phone abroad, tonight's bed needed: honest, and all that a takeover looks like.
    road = draws.chance(120, size)
    device, new_device = _devices(population, day, draws, user, young)
    new_device |= road
    device = np.where(new_device, _one_off(first_seen, new_device), device)
    card, new_card = _cards(population, draws, user)
    card = np.where(new_card, _one_off(first_seen, new_card), card)
    issuer = population.card_country(card, home)
    away = np.where(corporate, 2_200, 1_100 if settings.drifted(day) else 550)
    away = draws.chance(away, size) | road
    ip = np.where(away, some_country(draws.halves(size)), home)
    word = draws.halves(size)
    hour = np.where(young, choose(_HOURS_YOUNG, word), choose(_HOURS, word))
    ts = start + (hour - UTC_OFFSET[home]) % 24 * HOUR + seconds(draws, 0, 3_600, size)
    age = population.account_age(user, day)
    return Guests(ts, user, device, new_device, card, issuer, ip, home, age, corporate, road)


def popular(population: Population, day: int, draws: Draws, size: int) -> Ints:
    """Ordinary listings, the popular ones far more often (the product of two even draws)."""
    skew = ((draws.halves(size) >> 1) * (draws.halves(size) >> 1)) >> 30
    return (skew * population.listings_by(day)) >> 32


def around(draws: Draws, draft: Draft, guests: Guests, stay: dict[str, Ints]) -> None:
    """Write what surrounds honest bookings: sign-ins, mistyped cards, the charge, messages."""
    size = guests.ts.size
    _sign_ins(draft, draws, guests)
    _failures(draft, draws, guests, stay["amount"])
    paid = np.flatnonzero(draws.chance(9_500, size))
    draft.add(
        "payment",
        ts=guests.ts[paid] + seconds(draws, 2, 60, paid.size),
        user=guests.user[paid],
        device=guests.device[paid],
        card=guests.card[paid],
        amount=stay["amount"][paid],
        ok=1,
        failure=-1,
        ip=guests.ip[paid],
        card_country=guests.card_country[paid],
    )
    _conversation(draft, draws, guests, stay)


def prices(population: Population, draws: Draws, listing: Ints, percent: Ints) -> tuple[Ints, Ints]:
    """Asked and suggested price of a night in cents; ``percent`` is in 1/10,000."""
    fair = population.fair_nightly(listing)
    suggested = fair * draws.between(90, 110, listing.size) // 100
    return fair * percent // 1_000_000 * 100, suggested // 100 * 100


def total(draws: Draws, nightly: Ints, nights: Ints) -> Ints:
    """What the guest pays in cents: the nights and a cleaning fee."""
    return nightly * nights + draws.between(15, 70, nightly.size) * 100


def _stays(population: Population, day: int, draws: Draws, guests: Guests) -> dict[str, Ints]:
    settings, size = population.settings, guests.ts.size
    drifted = settings.drifted(day)
    kind = draws.choose((84, 10, 6), size)
    listed = population.listings_by(day)
    fresh = listed - 1 - draws.below(min(7 * settings.listings_per_day, listed), size)
    listing = np.select(
        (kind == 0, kind == 1),
        (popular(population, day, draws, size), population.favourite(guests.user)),
        fresh,
    )
    percent = draws.between(82, 118, size) + (14 if drifted else 0)
    percent = np.where(kind == 2, percent - draws.between(8, 38, size), percent)
    nightly, suggested = prices(population, draws, listing, percent * 100)
    short = guests.corporate | guests.on_the_road | draws.chance(800, size)
    nights = np.where(short, draws.between(1, 4, size), draws.spread(_NIGHTS, size))
    usual = draws.spread(_LEAD_DRIFTED if drifted else LEAD, size)
    host = population.host(listing)
    listing_age = population.listing_age(listing, day)
    message, slot = _first_messages(draws, guests, host)
    return {
        "ts": guests.ts,
        "user": guests.user,
        "device": guests.device,
        "card": guests.card,
        "listing": listing,
        "host": host,
        "amount": total(draws, nightly, nights),
        "nightly": nightly,
        "suggested": suggested,
        "nights": nights,
        "guests": draws.spread(PARTY, size),
        "lead": np.where(short, draws.between(0, 3, size), usual),
        "account_age": guests.account_age,
        "host_age": population.host_age(host, listing_age),
        "listing_age": listing_age,
        "ip": guests.ip,
        "card_country": guests.card_country,
        "kind": message,
        "slot": slot,
    }


def _devices(
    population: Population, day: int, draws: Draws, user: Ints, young: NDArray[np.bool_]
) -> tuple[Ints, NDArray[np.bool_]]:
    new = np.where(young, 450, 250) + (600 if population.settings.drifted(day) else 0)
    second = draws.chance(800, user.size)
    known = np.where(second, Family.SECOND.numbers(user), population.device(user))
    return known, draws.chance(new, user.size)


def _cards(population: Population, draws: Draws, user: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    second = draws.chance(800, user.size)
    known = np.where(second, Family.SECOND.numbers(user), population.card(user))
    return known, draws.chance(350, user.size)


def _one_off(first: int, chosen: NDArray[np.bool_]) -> Ints:
    """Numbers never used before or after; where nothing was chosen they mean nothing."""
    nth = np.cumsum(chosen, dtype=np.int64) % _ONE_OFF_LANE
    return Family.ONE_OFF.numbers(first + nth)


def _first_messages(draws: Draws, guests: Guests, host: Ints) -> tuple[Ints, Ints]:
    size = guests.ts.size
    kind = draws.choose(tuple(weight for _, weight in _MESSAGE_WEIGHTS), size)
    kind = np.array([int(kind) for kind, _ in _MESSAGE_WEIGHTS], dtype=np.int64)[kind]
    slot, pasted = draws.long(size), draws.choose((88, 6, 6), size)
    slot = np.where(pasted == 1, guests.user * 1_000_003, slot)
    slot = np.where(pasted == 2, draws.below(400, size) * 7_368_787, slot)
    by_host = np.isin(kind, [int(kind) for kind in BY_HOST])
    return kind, np.where(by_host, host * 1_000_003, slot)


_MESSAGE_WEIGHTS = (
    (Kind.NONE, 22),
    (Kind.GUEST, 50),
    (Kind.GUEST_SHORT, 9),
    (Kind.GUEST_LINK, 3),
    (Kind.GUEST_PHONE, 3),
    (Kind.GUEST_CASH, 3),
    (Kind.HOST_WELCOME, 6),
    (Kind.HOST_LINK, 2),
    (Kind.HOST_CONTACT, 2),
)


def _disputed(population: Population, draws: Draws, amount: Ints) -> Ints:
    """Friendly fraud (dearer stays a little likelier) and disputes raised in error."""
    fraud = population.settings.fraud
    friendly = draws.chance(np.where(amount > 45_000, 14, 7) * fraud.friendly // 10, amount.size)
    mistaken = draws.chance(fraud.mistaken, amount.size)
    return np.where(
        friendly,
        int(Pattern.FRIENDLY_FRAUD),
        np.where(mistaken, int(Pattern.MISTAKEN_DISPUTE), int(Pattern.NONE)),
    )


def _sign_ins(draft: Draft, draws: Draws, guests: Guests) -> None:
    size = guests.ts.size
    signed = draws.chance(5_200, size) | guests.new_device
    before = seconds(draws, 40, 2_400, size)
    forgot = draws.choose((900, 60, 25, 15), size) + guests.on_the_road * draws.between(0, 2, size)
    chosen = np.flatnonzero(signed)
    draft.add(
        "login",
        ts=guests.ts[chosen] - before[chosen],
        user=guests.user[chosen],
        device=guests.device[chosen],
        ok=1,
        new=guests.new_device[chosen].astype(np.int64),
        ip=guests.ip[chosen],
    )
    owner, nth = repeated(np.where(signed, forgot, 0))
    draft.add(
        "login",
        ts=guests.ts[owner] - before[owner] - (nth + 1) * 15 * SECOND,
        user=guests.user[owner],
        device=guests.device[owner],
        ok=0,
        new=guests.new_device[owner].astype(np.int64),
        ip=guests.ip[owner],
    )


def _failures(draft: Draft, draws: Draws, guests: Guests, amount: Ints) -> None:
    """Payments that failed first; some guests try every card in the drawer, or a small amount."""
    owner, nth = repeated(draws.choose((915, 50, 14, 6, 5, 4, 3, 2, 1), guests.ts.size))
    drawer = draws.chance(4_000, owner.size)
    other = Family.SECOND.numbers(guests.user[owner]) + (nth % 3 << 26)
    small = draws.chance(2_500, guests.ts.size)[owner]
    draft.add(
        "payment",
        ts=guests.ts[owner] - (nth + 1) * seconds(draws, 20, 90, owner.size),
        user=guests.user[owner],
        device=guests.device[owner],
        card=np.where(drawer, other, guests.card[owner]),
        amount=np.where(small, draws.between(100, 500, owner.size), amount[owner]),
        ok=0,
        failure=draws.choose((4, 4, 2, 1), owner.size),
        ip=guests.ip[owner],
        card_country=guests.card_country[owner],
    )


def _conversation(draft: Draft, draws: Draws, guests: Guests, stay: dict[str, Ints]) -> None:
    size = guests.ts.size
    asked = np.flatnonzero(draws.chance(1_500, size))
    answered = np.flatnonzero(draws.chance(1_400, size))
    for chosen, offset, kind, slot in (
        (asked, -seconds(draws, 300, 14_400, asked.size), Kind.GUEST, draws.long(asked.size)),
        (
            answered,
            seconds(draws, 120, 14_400, answered.size),
            Kind.HOST_WELCOME,
            stay["host"][answered] * 1_000_003,
        ),
    ):
        draft.add(
            "message",
            ts=guests.ts[chosen] + offset,
            user=guests.user[chosen],
            host=stay["host"][chosen],
            listing=stay["listing"][chosen],
            kind=int(kind),
            slot=slot,
        )


def _background(population: Population, day: int, draft: Draft, bookings: int) -> None:
    """Sign-ins without a booking and checkouts that were given up after failed payments."""
    draws = Draws(population.settings.seed, Stream.BACKGROUND, day)
    guests = some_guests(population, day, draft.start, draws, bookings // 5, lane=1)
    failed = draws.chance(700, guests.ts.size)
    draft.add(
        "login",
        ts=guests.ts,
        user=guests.user,
        device=guests.device,
        ok=1 - failed.astype(np.int64),
        new=guests.new_device.astype(np.int64),
        ip=guests.ip,
    )
    quitters = some_guests(population, day, draft.start, draws, bookings // 50, lane=2)
    owner, nth = repeated(draws.choose((0, 60, 25, 10, 5), quitters.ts.size))
    draft.add(
        "payment",
        ts=quitters.ts[owner] + nth * MINUTE,
        user=quitters.user[owner],
        device=quitters.device[owner],
        card=quitters.card[owner],
        amount=draws.between(40, 900, owner.size) * 100,
        ok=0,
        failure=int(Failure.INSUFFICIENT_FUNDS),
        ip=quitters.ip[owner],
        card_country=quitters.card_country[owner],
    )


def _new_listings(population: Population, day: int, draft: Draft) -> None:
    settings = population.settings
    draws = Draws(settings.seed, Stream.BACKGROUND, day, 1)
    size = settings.listings_per_day
    listing = population.listings_by(day - 1) + np.arange(size, dtype=np.int64)
    host = population.host(listing)
    nightly, suggested = prices(population, draws, listing, draws.between(6_500, 11_000, size))
    draft.add(
        "listing_created",
        ts=draft.start + seconds(draws, 0, 86_400, size),
        listing=listing,
        host=host,
        nightly=nightly,
        suggested=suggested,
        host_age=population.host_age(host, np.zeros(size, dtype=np.int64)),
    )
