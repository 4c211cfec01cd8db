"""How do thieves use what they stole? Card testing and account takeover.

Card testing: a burst of small charges on stolen cards from one device until one is accepted, then
a dear booking with that card. Account takeover: guessed passwords, a sign-in from a new device in
another country, then a dear booking at short notice on the victim's own card.
"""

import numpy as np

from assay.core.time import HOUR, MINUTE
from assay.simulate.draft import Draft, Pattern, Stream, repeated, seconds
from assay.simulate.draws import Draws, Ints, choose, hashed
from assay.simulate.groups import Gang, acts_of
from assay.simulate.honest import popular, prices, total
from assay.simulate.messages import Kind
from assay.simulate.population import COUNTRIES, Family, Population

#: Where groups sit; the last three are rare among honest guests.
_BASES = (2, 3, 3, 2, 1, 3, 2, 1, 1, 1, 3, 4, 4, 4)
_FRESH_OR_BOUGHT = (0, 0, 1, 1, 2, 4, 12, 40, 110, 250, 420)
_AGED = (35, 60, 90, 130, 180, 260, 420)
_AGE, _COUNTRY = 1, 2


def card_testing_gang(population: Population) -> Gang:
    """How card testers are organised in this world."""
    per_day = population.settings.fraud.card_testing_groups
    return Gang(family=Family.CARD_TESTING, per_day=per_day, lifetime=4)


def card_testing(population: Population, day: int, draft: Draft) -> None:
    """Write the day's card tests and the bookings they lead to."""
    settings = population.settings
    adapted, gang = settings.adapted(day), card_testing_gang(population)
    draws = Draws(settings.seed, Stream.CARD_TESTING, day)
    groups, since = gang.active(day)
    act = acts_of(draws, groups, settings.fraud.card_testing_acts)
    group, size = groups[act], act.size
    user = gang.owned(group, draws.below(6, size))
    device = _device(gang, draws, group, shared=1_500 if adapted else 6_500)
    cards_held = 400 if adapted else 40
    card = gang.owned(group, draws.below(cards_held, size))
    age = gang.trait(settings.seed, _AGE, _AGED if adapted else _FRESH_OR_BOUGHT, user)
    issuer = population.card_country(card, population.home(card))
    base = _base(population, gang, group)
    near = draws.chance(9_000 if adapted else 4_000, size)
    ip = np.where(near, issuer, base)
    ts = draft.start + (8 if adapted else 3) * HOUR + seconds(draws, 0, 54_000, size)
    booking = _dear_booking(population, day, draws, size, best_of=2)
    short = draws.chance(6_500, size)
    draft.add(
        "booking",
        **booking,
        ts=ts,
        user=user,
        device=device,
        card=card,
        lead=np.where(short, draws.between(0, 4, size), draws.between(3, 60, size)),
        account_age=age + since[act],
        ip=ip,
        card_country=issuer,
        kind=_short_message(draws, size),
        slot=draws.long(size),
        pattern=int(Pattern.CARD_TESTING),
    )
    _sign_in(draft, draws, ts, user, device, ip)
    failures = draws.between(3, 9, size) * draws.chance(7_500, size)
    if adapted:
        failures = draws.between(0, 2, size)
    owner, nth = repeated(failures)
    pause = 90 * MINUTE if adapted else 25 * 1_000_000
    tried = gang.owned(group[owner], draws.below(cards_held, owner.size))
    small = (
        draws.between(1_500, 9_000, owner.size) if adapted else draws.between(100, 900, owner.size)
    )
    draft.add(
        "payment",
        ts=ts[owner] - 12 * MINUTE - nth * pause - seconds(draws, 0, 20, owner.size),
        user=user[owner],
        device=device[owner],
        card=tried,
        amount=small,
        ok=0,
        failure=draws.choose((2, 4, 5, 1), owner.size),
        ip=ip[owner],
        card_country=population.card_country(tried, population.home(tried)),
    )
    proven = np.flatnonzero(failures > 0)
    draft.add(
        "payment",
        ts=ts[proven] - seconds(draws, 120, 600, proven.size),
        user=user[proven],
        device=device[proven],
        card=card[proven],
        amount=draws.between(100, 500, proven.size),
        ok=1,
        failure=-1,
        ip=ip[proven],
        card_country=issuer[proven],
    )
    _charge(draft, draws, ts, user, device, card, booking["amount"], ip, issuer)


def account_takeover(population: Population, day: int, draft: Draft) -> None:
    """Write the day's takeovers: the guesses, the strange sign-in, the booking."""
    settings = population.settings
    adapted = settings.adapted(day)
    per_day = settings.fraud.takeover_groups
    gang = Gang(family=Family.TAKEOVER, per_day=per_day, lifetime=5)
    draws = Draws(settings.seed, Stream.TAKEOVER, day)
    groups, _ = gang.active(day)
    act = acts_of(draws, groups, settings.fraud.takeover_acts)
    group, size = groups[act], act.size
    victim = draws.below(settings.users, size)
    home = population.home(victim)
    device = _device(gang, draws, group, shared=2_500 if adapted else 6_000)
    ip = np.where(
        draws.chance(9_000 if adapted else 3_000, size), home, _base(population, gang, group)
    )
    own = draws.chance(8_000, size)
    stolen = gang.owned(group, draws.below(60, size))
    card = np.where(own, population.card(victim), stolen)
    issuer = population.card_country(card, np.where(own, home, population.home(stolen)))
    ts = draft.start + 4 * HOUR + seconds(draws, 0, 68_000, size)
    booking = _dear_booking(population, day, draws, size, best_of=3)
    short = draws.chance(2_500 if adapted else 8_000, size)
    draft.add(
        "booking",
        **booking,
        ts=ts,
        user=victim,
        device=device,
        card=card,
        lead=np.where(short, draws.between(0, 2, size), draws.between(2, 45, size)),
        account_age=population.account_age(victim, day),
        ip=ip,
        card_country=issuer,
        kind=_short_message(draws, size),
        slot=draws.long(size),
        pattern=int(Pattern.ACCOUNT_TAKEOVER),
    )
    entered = ts - seconds(draws, 240, 9_000, size)
    draft.add("login", ts=entered, user=victim, device=device, ok=1, new=1, ip=ip)
    guesses = draws.choose((50, 14, 14, 12, 10) if not adapted else (90, 10), size)
    owner, nth = repeated(guesses)
    draft.add(
        "login",
        ts=entered[owner] - (nth + 1) * seconds(draws, 8, 60, owner.size),
        user=victim[owner],
        device=device[owner],
        ok=0,
        new=1,
        ip=ip[owner],
    )
    _charge(draft, draws, ts, victim, device, card, booking["amount"], ip, issuer)


def _device(gang: Gang, draws: Draws, group: Ints, *, shared: int) -> Ints:
    """One of the group's three devices, or else one of 900 it uses once or twice."""
    few = draws.below(3, group.size)
    many = 100 + draws.below(900, group.size)
    return gang.owned(group, np.where(draws.chance(shared, group.size), few, many))


def _base(population: Population, gang: Gang, group: Ints) -> Ints:
    word = hashed(population.settings.seed, 1_000 * int(gang.family) + _COUNTRY, group)
    assert len(_BASES) == len(COUNTRIES)
    return choose(_BASES, word)


def _dear_booking(
    population: Population, day: int, draws: Draws, size: int, *, best_of: int
) -> dict[str, Ints]:
    """The dearest of ``best_of`` popular listings, for two to six nights."""
    listing = popular(population, day, draws, size)
    for _ in range(best_of - 1):
        other = popular(population, day, draws, size)
        dearer = population.fair_nightly(other) > population.fair_nightly(listing)
        listing = np.where(dearer, other, listing)
    nightly, suggested = prices(population, draws, listing, draws.between(8_600, 12_000, size))
    nights = draws.between(2, 6, size)
    host, age = population.host(listing), population.listing_age(listing, day)
    return {
        "listing": listing,
        "host": host,
        "amount": total(draws, nightly, nights),
        "nightly": nightly,
        "suggested": suggested,
        "nights": nights,
        "guests": draws.between(1, 4, size),
        "host_age": population.host_age(host, age),
        "listing_age": age,
    }


def _short_message(draws: Draws, size: int) -> Ints:
    kinds = np.array((Kind.NONE, Kind.GUEST_SHORT, Kind.GUEST), dtype=np.int64)
    return kinds[draws.choose((42, 28, 30), size)]


def _sign_in(draft: Draft, draws: Draws, ts: Ints, user: Ints, device: Ints, ip: Ints) -> None:
    signed = np.flatnonzero(draws.chance(8_000, ts.size))
    draft.add(
        "login",
        ts=ts[signed] - 15 * MINUTE - seconds(draws, 10, 1_800, signed.size),
        user=user[signed],
        device=device[signed],
        ok=1,
        new=draws.chance(5_000, signed.size).astype(np.int64),
        ip=ip[signed],
    )


def _charge(draft: Draft, draws: Draws, ts: Ints, *columns: Ints) -> None:
    """The charge after the booking: user, device, card, amount, ip, issuer."""
    user, device, card, amount, ip, issuer = columns
    draft.add(
        "payment",
        ts=ts + seconds(draws, 2, 60, ts.size),
        user=user,
        device=device,
        card=card,
        amount=amount,
        ok=1,
        failure=-1,
        ip=ip,
        card_country=issuer,
    )
