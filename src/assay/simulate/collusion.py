"""How do hosts cheat? Fake listings that lure guests away, and rings that review each other.

A fake listing is dear property at a cheap price; its host asks, in the first message, to be paid
elsewhere, and the guests dispute the charge. A ring is a handful of guest accounts and hosts of
one owner that book each other cheaply and leave five stars.
"""

import numpy as np
from numpy.typing import NDArray

from assay.simulate.draft import Draft, Pattern, Stream, seconds
from assay.simulate.draws import Draws, Ints
from assay.simulate.groups import Gang, acts_of
from assay.simulate.honest import PARTY, around, prices, some_guests, total
from assay.simulate.messages import Kind
from assay.simulate.population import Family, Population

_HOST_AGE_NEW, _HOST_AGE_AGED = (0, 0, 1, 2, 5, 25, 90), (60, 90, 150, 240, 400)
_PRICE_PERCENT, _PRICE_SLY = (4_200, 5_600, 6_700, 7_800, 9_500), (7_500, 8_500, 10_500)
_RING_HOST_AGE = (0, 10, 60, 200, 500)
_RING_AGE, _RING_LISTING_AGE = (2, 15, 40, 80, 150, 260), (5, 20, 60, 140, 300)
_AGE, _PRICE, _LISTED, _SLY = 1, 2, 3, 4
_GUEST_ACCOUNTS, _HOST_ACCOUNTS, _LISTINGS = 10, 3, 6
#: Share of fake listings run by somebody careful, in 1/10,000, before and after adapting.
_SLY_LISTINGS = (3_000, 8_500)


def fake_listings(population: Population, day: int, draft: Draft) -> None:
    """Write new fake listings, the guests who fall for them, and the messages sent around."""
    settings = population.settings
    adapted = settings.adapted(day)
    per_day = settings.fraud.fake_listing_groups
    gang = Gang(family=Family.FAKE_LISTING, per_day=per_day, lifetime=10)
    draws = Draws(settings.seed, Stream.FAKE_LISTING, day)
    groups, since = gang.active(day)
    sly = gang.trait(settings.seed, _SLY, (0, 10_000), groups) < _SLY_LISTINGS[adapted]
    _announce(population, gang, draws, draft, groups[(since == 0) & ~sly])
    act = acts_of(draws, groups, settings.fraud.fake_listing_acts)
    act = act[since[act] > 0]  # nobody books on the day it is put up
    group, size = groups[act], act.size
    guests = some_guests(population, day, draft.start, draws, size, lane=3)
    listing, host = gang.owned(group, 0), _host(gang, group)
    percent = _percent(population, gang, group, sly[act])
    percent = percent * draws.between(91, 109, size) // 100
    nightly, suggested = prices(population, draws, listing, percent)
    nights = draws.between(2, 7, size)
    host_age = _host_age(population, gang, group, sly[act]) + since[act]
    # The careful do not put up a listing: they take over a host who has one.
    listing_age = np.where(sly[act], host_age // 2, 0) + since[act]
    kind, slot = _lure(gang, draws, group, sly[act], adapted=adapted)
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
        "guests": draws.spread(PARTY, size),
        "lead": draws.spread((1, 3, 6, 10, 16, 25, 40, 80), size),
        "account_age": guests.account_age,
        "host_age": host_age,
        "listing_age": listing_age,
        "ip": guests.ip,
        "card_country": guests.card_country,
        "kind": kind,
        "slot": slot,
    }
    draft.add("booking", **stay, pattern=int(Pattern.FAKE_LISTING))
    around(Draws(settings.seed, Stream.AROUND, day, 1), draft, guests, stay)
    _spam(population, day, gang, draft, draws, groups[~sly])


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
    shared = draws.chance(1_500 if settings.adapted(day) else 4_500, size)
    device = np.where(shared, gang.owned(group, 100 + draws.below(2, size)), user)
    card = np.where(draws.chance(2_000, size), gang.owned(group, 100), user)
    home = population.home(user)
    nightly = draws.between(18, 75, size) * 100
    nights = draws.spread((1, 1, 1, 2, 2, 3, 5), size)
    amount = total(draws, nightly, nights)
    listed = gang.trait(settings.seed, _LISTED, _RING_LISTING_AGE, listing) + since[act]
    kinds = np.array((Kind.NONE, Kind.GUEST_SHORT, Kind.GUEST), dtype=np.int64)
    actor = {
        "user": user,
        "device": device,
        "card": card,
        "ip": home,
        "card_country": population.card_country(card, home),
    }
    ts = draft.start + seconds(draws, 25_000, 82_000, size)
    draft.add(
        "booking",
        **actor,
        ts=ts,
        listing=listing,
        host=host,
        amount=amount,
        nightly=nightly,
        suggested=nightly * draws.between(90, 135, size) // 10_000 * 100,
        nights=nights,
        guests=draws.spread(PARTY, size),
        lead=draws.spread((0, 0, 1, 2, 4, 8, 20), size),
        account_age=gang.trait(settings.seed, _AGE, _RING_AGE, user) + since[act],
        host_age=gang.trait(settings.seed, _AGE, _RING_HOST_AGE, host) + listed,
        listing_age=listed,
        kind=kinds[draws.choose((40, 20, 40), size)],
        slot=draws.long(size),
        pattern=int(Pattern.REVIEW_RING),
    )
    signed = draws.chance(6_000, size)
    draft.add(
        "login",
        ts=(ts - seconds(draws, 40, 2_400, size))[signed],
        user=user[signed],
        device=device[signed],
        ok=1,
        new=draws.chance(500, size).astype(np.int64)[signed],
        ip=home[signed],
    )
    paid = ts + seconds(draws, 2, 60, size)
    draft.add("payment", **actor, ts=paid, amount=amount, ok=1, failure=-1)


def _announce(
    population: Population,
    gang: Gang,
    draws: Draws,
    draft: Draft,
    group: Ints,
) -> None:
    listing = gang.owned(group, 0)
    blunt = np.zeros(group.size, dtype=np.bool_)
    percent = _percent(population, gang, group, blunt)
    nightly, suggested = prices(population, draws, listing, percent)
    draft.add(
        "listing_created",
        ts=draft.start + seconds(draws, 0, 86_400, group.size),
        listing=listing,
        host=_host(gang, group),
        nightly=nightly,
        suggested=suggested,
        host_age=_host_age(population, gang, group, blunt),
    )


def _spam(
    population: Population,
    day: int,
    gang: Gang,
    draft: Draft,
    draws: Draws,
    groups: Ints,
) -> None:
    """A message or two a day of each blunt listing to guests who only looked."""
    sent = np.repeat(groups, draws.between(0, 2, groups.size))
    kind, slot = _lure(gang, draws, sent, np.zeros(sent.size, dtype=np.bool_), adapted=False)
    draft.add(
        "message",
        ts=draft.start + seconds(draws, 20_000, 80_000, sent.size),
        user=draws.below(population.users_by(day), sent.size),
        host=_host(gang, sent),
        listing=gang.owned(sent, 0),
        kind=kind,
        slot=slot,
    )


_LURES = (
    *(Kind.SCAM_LINK, Kind.SCAM_PLAIN, Kind.SCAM_ADAPTED),
    *(Kind.HOST_WELCOME, Kind.HOST_CONTACT, Kind.GUEST),
)


def _lure(
    gang: Gang, draws: Draws, group: Ints, sly: NDArray[np.bool_], *, adapted: bool
) -> tuple[Ints, Ints]:
    """Kind and slot of what the host writes: mostly one text pasted to every guest."""
    kinds = np.array(_LURES, dtype=np.int64)
    blunt = kinds[draws.choose((44, 26, 8, 10, 4, 8), group.size)]
    # Before anybody learns, the careful simply write like other hosts.
    careful = (0, 0, 60, 20, 8, 12) if adapted else (0, 4, 26, 34, 16, 20)
    kind = np.where(sly, kinds[draws.choose(careful, group.size)], blunt)
    # Half of what is pasted is the host's own text, half comes with a kit sold to many that month.
    source = draws.choose((35, 35, 30), group.size)
    own, kit = _host(gang, group) * 982_451_653, (1 + group // 32) * 982_451_653_001
    return kind, np.select((source == 0, source == 1), (own, kit), draws.long(group.size))


def _host(gang: Gang, group: Ints) -> Ints:
    """Two listings that start on one day belong to one host."""
    return gang.owned(group // 2, 1)


def _host_age(population: Population, gang: Gang, group: Ints, sly: NDArray[np.bool_]) -> Ints:
    seed, host = population.settings.seed, _host(gang, group)
    aged = gang.trait(seed, _AGE, _HOST_AGE_AGED, host)
    return np.where(sly, aged, gang.trait(seed, _AGE, _HOST_AGE_NEW, host))


def _percent(population: Population, gang: Gang, group: Ints, sly: NDArray[np.bool_]) -> Ints:
    """Price asked in 1/10,000 of the fair one."""
    seed = population.settings.seed
    careful = gang.trait(seed, _PRICE, _PRICE_SLY, group)
    return np.where(sly, careful, gang.trait(seed, _PRICE, _PRICE_PERCENT, group))
