"""How do thieves use what they stole? Card testing and account takeover.

Card testing: a burst of small charges on stolen cards from one device until one is accepted, then
a dear booking with that card. Account takeover: guessed passwords, a sign-in from a new device in
another country, then a dear booking at short notice on the victim's own card.

Some acts are *sly*: a card tested elsewhere and used from a clean device near its owner, a stolen
session on the victim's own device. After ``adapt_at`` most are.
"""

import numpy as np
from numpy.typing import NDArray

from assay.core.time import HOUR, MINUTE
from assay.simulate.draft import Draft, Pattern, Stream, repeated, seconds
from assay.simulate.draws import Draws, Ints, choose, hashed
from assay.simulate.groups import Gang, acts_of
from assay.simulate.honest import LEAD, PARTY, popular, prices, total
from assay.simulate.messages import Kind
from assay.simulate.population import Family, Population

#: Share of acts that are sly, in 1/10,000, before and after the adversary adapts.
_SLY_TESTING, _SLY_TAKEOVER = (2_800, 7_500), (2_500, 7_500)
#: Where groups sit, by country number; the last four are rare among honest guests.
_BASES = (2, 3, 3, 2, 1, 3, 2, 1, 1, 1, 3, 4, 4, 4)
#: Days since a fraudster's account was made: today, or bought from somebody.
_ACCOUNT_AGE = (0, 0, 1, 3, 10, 30, 70, 120, 200, 320, 600)
_AGED = (35, 60, 90, 130, 180, 260, 420)
_AGE, _COUNTRY = 1, 2
#: A group's stolen cards: a few it tries again and again, and many it uses once.
CARDS_TRIED, _CARDS_KEPT = 40, 400


def card_testing_gang(population: Population) -> Gang:
    """How card testers are organised in this world."""
    per_day = population.settings.fraud.card_testing_groups
    return Gang(family=Family.CARD_TESTING, per_day=per_day, lifetime=14)


def card_testing(population: Population, day: int, draft: Draft) -> None:
    """Write the day's card tests and the bookings they lead to."""
    settings = population.settings
    adapted, gang = settings.adapted(day), card_testing_gang(population)
    draws = Draws(settings.seed, Stream.CARD_TESTING, day)
    groups, since = gang.active(day)
    act = acts_of(draws, groups, settings.fraud.card_testing_acts)
    group, size = groups[act], act.size
    sly = draws.chance(_SLY_TESTING[adapted], size)
    user = gang.owned(group, np.where(sly, 100 + draws.below(400, size), draws.below(6, size)))
    device = _device(gang, draws, group, sly)
    tried = draws.below(CARDS_TRIED, size)
    card = gang.owned(group, np.where(sly, 100 + draws.below(_CARDS_KEPT, size), tried))
    young = gang.trait(settings.seed, _AGE, _ACCOUNT_AGE, user)
    aged = gang.trait(settings.seed, _AGE, _AGED, user)
    # The careful buy cards of the country their account claims to live in.
    holder = np.where(sly & draws.chance(7_000, size), population.home(user), population.home(card))
    issuer = population.card_country(card, holder)
    near = draws.chance(np.where(sly, 9_300, 5_000), size)
    base = _base(population, gang, group)
    act_columns = {
        "ts": draft.start + 3 * HOUR + seconds(draws, 0, 72_000, size),
        "user": user,
        "device": device,
        "card": card,
        "ip": np.where(near, issuer, base),
        "card_country": issuer,
    }
    booking = _booking(population, day, draws, sly, short=6_500)
    draft.add(
        "booking",
        **act_columns,
        **booking,
        account_age=np.where(sly | adapted, aged, young) + since[act],
        slot=draws.long(size),
        pattern=int(Pattern.CARD_TESTING),
    )
    signed = draws.chance(7_500, size)
    new = draws.chance(np.where(sly, 2_500, 5_000), size)
    before = 15 * MINUTE + seconds(draws, 10, 1_800, size)
    _sign_in(draft, act_columns, signed, new, before)
    _trials(population, gang, draft, draws, group, sly, act_columns)
    _charge(draft, draws, act_columns, booking["amount"])


def account_takeover(population: Population, day: int, draft: Draft) -> None:
    """Write the day's takeovers: the guesses, the strange sign-in, the booking."""
    settings = population.settings
    adapted = settings.adapted(day)
    per_day = settings.fraud.takeover_groups
    gang = Gang(family=Family.TAKEOVER, per_day=per_day, lifetime=15)
    draws = Draws(settings.seed, Stream.TAKEOVER, day)
    groups, _ = gang.active(day)
    act = acts_of(draws, groups, settings.fraud.takeover_acts)
    group, size = groups[act], act.size
    sly = draws.chance(_SLY_TAKEOVER[adapted], size)
    victim = draws.below(settings.users, size)
    home = population.home(victim)
    session = sly & draws.chance(5_500, size)  # a stolen session: no sign-in, the victim's device
    device = np.where(session, population.device(victim), _device(gang, draws, group, sly))
    stolen = gang.owned(group, draws.below(60, size))
    own = draws.chance(8_000, size)
    card = np.where(own, population.card(victim), stolen)
    issuer = population.card_country(card, np.where(own, home, population.home(stolen)))
    near = draws.chance(np.where(sly, 9_200, 3_200), size)
    act_columns = {
        "ts": draft.start + 4 * HOUR + seconds(draws, 0, 68_000, size),
        "user": victim,
        "device": device,
        "card": card,
        "ip": np.where(near, home, _base(population, gang, group)),
        "card_country": issuer,
    }
    booking = _booking(population, day, draws, sly, short=7_500)
    draft.add(
        "booking",
        **act_columns,
        **booking,
        account_age=population.account_age(victim, day),
        slot=draws.long(size),
        pattern=int(Pattern.ACCOUNT_TAKEOVER),
    )
    before = seconds(draws, 240, 9_000, size)
    _sign_in(draft, act_columns, ~session, np.ones(size, dtype=np.bool_), before)
    guesses = np.where(sly, 0, draws.choose((30, 10, 14, 20, 16, 10), size))
    _guesses(draft, draws, act_columns, before, guesses)
    _charge(draft, draws, act_columns, booking["amount"])


def _device(gang: Gang, draws: Draws, group: Ints, sly: NDArray[np.bool_]) -> Ints:
    """One of the group's three devices, or else one of 900 it uses once or twice."""
    few = draws.below(3, group.size)
    many = 100 + draws.below(900, group.size)
    shared = draws.chance(6_500, group.size) & ~sly
    return gang.owned(group, np.where(shared, few, many))


def _base(population: Population, gang: Gang, group: Ints) -> Ints:
    word = hashed(population.settings.seed, 1_000 * int(gang.family) + _COUNTRY, group)
    return choose(_BASES, word)


def _booking(
    population: Population, day: int, draws: Draws, sly: NDArray[np.bool_], *, short: int
) -> dict[str, Ints]:
    """A stay worth stealing, soon; the sly take an ordinary one like everybody."""
    size = sly.size
    listing, other = (popular(population, day, draws, size) for _ in range(2))
    dearer = population.fair_nightly(other) > population.fair_nightly(listing)
    listing = np.where(dearer & ~sly, other, listing)
    percent = draws.between(8_400, 11_900, size)
    nightly, suggested = prices(population, draws, listing, percent)
    nights = np.where(sly, draws.between(1, 5, size), draws.between(2, 6, size))
    host, age = population.host(listing), population.listing_age(listing, day)
    soon = draws.chance(np.where(sly, 2_500, short), size)
    kinds = np.array((Kind.NONE, Kind.GUEST_SHORT, Kind.GUEST), dtype=np.int64)
    return {
        "listing": listing,
        "host": host,
        "amount": total(draws, nightly, nights),
        "nightly": nightly,
        "suggested": suggested,
        "nights": nights,
        "guests": draws.spread(PARTY, size),
        "lead": np.where(soon, draws.between(0, 3, size), draws.spread(LEAD, size)),
        "host_age": population.host_age(host, age),
        "listing_age": age,
        "kind": kinds[draws.choose((36, 20, 44), size)],
    }


def _trials(
    population: Population,
    gang: Gang,
    draft: Draft,
    draws: Draws,
    group: Ints,
    sly: NDArray[np.bool_],
    act: dict[str, Ints],
) -> None:
    """The failed charges before the booking, and the small one that told which card works."""
    size = group.size
    failures = np.where(sly, draws.choose((80, 15, 5), size), draws.between(1, 8, size))
    failures = np.where(draws.chance(8_500, size), failures, 0)
    owner, nth = repeated(failures)
    tried = gang.owned(group[owner], draws.below(CARDS_TRIED, owner.size))
    card = np.where(sly[owner], act["card"][owner], tried)
    # The sly wait hours between two attempts and charge amounts that pass for a booking's.
    pause = np.where(sly[owner], 100 * MINUTE, MINUTE // 3)
    quick, slow = draws.between(100, 900, owner.size), draws.between(2_500, 15_000, owner.size)
    draft.add(
        "payment",
        ts=act["ts"][owner] - 12 * MINUTE - nth * pause - seconds(draws, 0, 20, owner.size),
        user=act["user"][owner],
        device=act["device"][owner],
        card=card,
        amount=np.where(sly[owner], slow, quick),
        ok=0,
        failure=draws.choose((2, 4, 5, 1), owner.size),
        ip=act["ip"][owner],
        card_country=population.card_country(card, population.home(card)),
    )
    proven = np.flatnonzero((failures > 0) & draws.chance(8_000, size))
    draft.add(
        "payment",
        **{name: column[proven] for name, column in act.items() if name != "ts"},
        ts=act["ts"][proven] - seconds(draws, 120, 600, proven.size),
        amount=draws.between(100, 500, proven.size),
        ok=1,
        failure=-1,
    )


def _sign_in(
    draft: Draft,
    act: dict[str, Ints],
    signed: NDArray[np.bool_],
    new: NDArray[np.bool_],
    before: Ints,
) -> None:
    draft.add(
        "login",
        ts=(act["ts"] - before)[signed],
        user=act["user"][signed],
        device=act["device"][signed],
        ok=1,
        new=new[signed].astype(np.int64),
        ip=act["ip"][signed],
    )


def _guesses(draft: Draft, draws: Draws, act: dict[str, Ints], before: Ints, guesses: Ints) -> None:
    """Wrong passwords before the right one."""
    owner, nth = repeated(guesses)
    pause = (nth + 1) * seconds(draws, 8, 60, owner.size)
    draft.add(
        "login",
        ts=(act["ts"] - before)[owner] - pause,
        user=act["user"][owner],
        device=act["device"][owner],
        ok=0,
        new=1,
        ip=act["ip"][owner],
    )


def _charge(draft: Draft, draws: Draws, act: dict[str, Ints], amount: Ints) -> None:
    """The charge after the booking."""
    columns = {name: column for name, column in act.items() if name != "ts"}
    ts = act["ts"] + seconds(draws, 2, 60, amount.size)
    draft.add("payment", **columns, ts=ts, amount=amount, ok=1, failure=-1)
