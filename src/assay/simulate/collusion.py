"""How do hosts cheat? Fake listings that lure guests away, and rings that review each other.

A fake listing is dear property at a cheap price; its host asks, in the first message, to be paid
elsewhere, and the guests dispute the charge. A ring is a handful of guest accounts and hosts of
one owner that book each other cheaply and leave five stars.
"""

import numpy as np

from assay.simulate.draft import Draft, Pattern, Stream, seconds
from assay.simulate.draws import Draws, Ints
from assay.simulate.groups import Gang, acts_of
from assay.simulate.honest import around, prices, some_guests, total
from assay.simulate.messages import Kind
from assay.simulate.population import Family, Population

_HOST_AGE_NEW, _HOST_AGE_AGED = (0, 0, 1, 2, 5, 25, 90), (60, 90, 150, 240, 400)
_PRICE_PERCENT, _PRICE_PERCENT_ADAPTED = (3_800, 5_200, 6_200, 7_200, 9_000), (6_500, 7_500, 9_500)
_RING_AGE, _RING_LISTING_AGE = (2, 15, 40, 80, 150, 260), (5, 20, 60, 140, 300)
_AGE, _PRICE, _LISTED = 1, 2, 3
_GUEST_ACCOUNTS, _HOST_ACCOUNTS, _LISTINGS = 5, 2, 3


def fake_listings(population: Population, day: int, draft: Draft) -> None:
    """Write new fake listings, the guests who fall for them, and the messages sent around."""
    settings = population.settings
    adapted = settings.adapted(day)
    per_day = settings.fraud.fake_listing_groups
    gang = Gang(family=Family.FAKE_LISTING, per_day=per_day, lifetime=10)
    draws = Draws(settings.seed, Stream.FAKE_LISTING, day)
    groups, since = gang.active(day)
    _announce(population, gang, draws, draft, groups[since == 0], adapted=adapted)
    act = acts_of(draws, groups, settings.fraud.fake_listing_acts)
    act = act[since[act] > 0]  # nobody books on the day it is put up
    group, size = groups[act], act.size
    guests = some_guests(population, day, draft.start, draws, size, lane=3)
    listing, host = gang.owned(group, 0), _host(gang, group)
    percent = _percent(population, gang, group, adapted=adapted)
    nightly, suggested = prices(population, draws, listing, percent)
    nights = draws.between(2, 7, size)
    host_age = _host_age(population, gang, group, adapted=adapted) + since[act]
    kind, slot = _lure(gang, draws, group, adapted=adapted)
    stay = {
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
        "guests": draws.between(1, 5, size),
        "lead": draws.spread((1, 3, 6, 10, 16, 25, 40, 80), size),
        "account_age": guests.account_age,
        "host_age": host_age,
        "listing_age": since[act],
        "ip": guests.ip,
        "card_country": guests.card_country,
        "kind": kind,
        "slot": slot,
    }
    draft.add("booking", **stay, pattern=int(Pattern.FAKE_LISTING))
    around(Draws(settings.seed, Stream.AROUND, day, 1), draft, guests, stay)
    _spam(population, day, gang, draft, draws, groups, adapted=adapted)


def review_rings(population: Population, day: int, draft: Draft) -> None:
    """Write the bookings that rings make with themselves; the reviews follow the stays."""
    settings = population.settings
    every = settings.fraud.ring_every_days
    gang = Gang(family=Family.RING, every_days=every, lifetime=30)
    draws = Draws(settings.seed, Stream.RING, day)
    groups, since = gang.active(day)
    act = acts_of(draws, groups, settings.fraud.ring_acts)
    group, size = groups[act], act.size
    user = gang.owned(group, draws.below(_GUEST_ACCOUNTS, size))
    listing = gang.owned(group, draws.below(_LISTINGS, size))
    host = gang.owned(group, draws.below(_HOST_ACCOUNTS, size))
    shared = draws.chance(2_500 if settings.adapted(day) else 6_500, size)
    device = np.where(shared, gang.owned(group, 100 + draws.below(2, size)), user)
    card = np.where(draws.chance(3_500, size), gang.owned(group, 100), user)
    home = population.home(user)
    nightly = draws.between(15, 42, size) * 100
    nights = draws.between(1, 2, size)
    listed = gang.trait(settings.seed, _LISTED, _RING_LISTING_AGE, listing) + since[act]
    kinds = np.array((Kind.NONE, Kind.GUEST_SHORT, Kind.GUEST), dtype=np.int64)
    draft.add(
        "booking",
        ts=draft.start + seconds(draws, 25_000, 82_000, size),
        user=user,
        device=device,
        card=card,
        listing=listing,
        host=host,
        amount=total(draws, nightly, nights),
        nightly=nightly,
        suggested=nightly * draws.between(95, 160, size) // 10_000 * 100,
        nights=nights,
        guests=draws.between(1, 2, size),
        lead=draws.between(0, 4, size),
        account_age=gang.trait(settings.seed, _AGE, _RING_AGE, user) + since[act],
        host_age=listed + 10,
        listing_age=listed,
        ip=home,
        card_country=population.card_country(card, home),
        kind=kinds[draws.choose((50, 25, 25), size)],
        slot=draws.long(size),
        pattern=int(Pattern.REVIEW_RING),
    )


def _announce(
    population: Population,
    gang: Gang,
    draws: Draws,
    draft: Draft,
    group: Ints,
    *,
    adapted: bool,
) -> None:
    listing = gang.owned(group, 0)
    percent = _percent(population, gang, group, adapted=adapted)
    nightly, suggested = prices(population, draws, listing, percent)
    draft.add(
        "listing_created",
        ts=draft.start + seconds(draws, 0, 86_400, group.size),
        listing=listing,
        host=_host(gang, group),
        nightly=nightly,
        suggested=suggested,
        host_age=_host_age(population, gang, group, adapted=adapted),
    )


def _spam(
    population: Population,
    day: int,
    gang: Gang,
    draft: Draft,
    draws: Draws,
    groups: Ints,
    *,
    adapted: bool,
) -> None:
    """Two messages a day of each listing to guests who only looked."""
    sent = np.repeat(groups, 2)
    kind, slot = _lure(gang, draws, sent, adapted=adapted)
    draft.add(
        "message",
        ts=draft.start + seconds(draws, 20_000, 80_000, sent.size),
        user=draws.below(population.users_by(day), sent.size),
        host=_host(gang, sent),
        listing=gang.owned(sent, 0),
        kind=kind,
        slot=slot,
    )


def _lure(gang: Gang, draws: Draws, group: Ints, *, adapted: bool) -> tuple[Ints, Ints]:
    """Kind and slot of what the host writes: mostly one text pasted to every guest."""
    kinds = np.array(
        (Kind.SCAM_LINK, Kind.SCAM_PLAIN, Kind.SCAM_ADAPTED, Kind.HOST_WELCOME), dtype=np.int64
    )
    weights = (0, 0, 78, 22) if adapted else (46, 24, 10, 20)
    kind = kinds[draws.choose(weights, group.size)]
    pasted = draws.chance(7_000, group.size)
    return kind, np.where(pasted, _host(gang, group) * 982_451_653, draws.long(group.size))


def _host(gang: Gang, group: Ints) -> Ints:
    """Two listings that start on one day belong to one host."""
    return gang.owned(group // 2, 1)


def _host_age(population: Population, gang: Gang, group: Ints, *, adapted: bool) -> Ints:
    quantiles = _HOST_AGE_AGED if adapted else _HOST_AGE_NEW
    return gang.trait(population.settings.seed, _AGE, quantiles, _host(gang, group))


def _percent(population: Population, gang: Gang, group: Ints, *, adapted: bool) -> Ints:
    """Price asked in 1/10,000 of the fair one."""
    quantiles = _PRICE_PERCENT_ADAPTED if adapted else _PRICE_PERCENT
    return gang.trait(population.settings.seed, _PRICE, quantiles, group)
