"""What would the lists of this world hold? Entries as the platform's partners would send them.

The schemes list one stolen card in five before it is used; compliance's list names a few guests
among many strangers; corporate sales lists its travellers. Nothing here says what is fraud.
"""

import numpy as np

from assay.simulate.draws import Draws
from assay.simulate.names import full_name
from assay.simulate.population import Family, Population
from assay.simulate.settings import MarketplaceSettings
from assay.simulate.stolen import CARDS_TRIED, card_testing_gang

_STRANGERS, _GUESTS_LISTED = 400, 5
#: A stream of its own, apart from any day's.
_STREAM = 1_000


def demo_lists(settings: MarketplaceSettings) -> dict[str, tuple[str, ...]]:
    """Entries of each list of the checkout workload, by list name.

    They cover the whole world, so one snapshot serves a replay of any of its days.

    Example:
        >>> lists = demo_lists(MarketplaceSettings(seed=1, days=3))
        >>> sorted(lists)
        ['blocked_devices', 'sanctioned_names', 'stolen_cards', 'trusted_users']
    """
    population = Population(settings)
    draws = Draws(settings.seed, _STREAM)
    return {
        "stolen_cards": _stolen_cards(population),
        "sanctioned_names": _sanctioned_names(population, draws),
        "blocked_devices": tuple(
            population.device_ids(Family.COMPANY.numbers(draws.below(1 << 20, 12)))
        ),
        "trusted_users": _trusted_users(population, draws),
    }


def _stolen_cards(population: Population) -> tuple[str, ...]:
    gang = card_testing_gang(population)
    groups = np.unique(
        np.concatenate([gang.active(day)[0] for day in range(population.settings.days)])
    )
    held = np.arange(CARDS_TRIED, dtype=np.int64)
    cards = gang.owned(np.repeat(groups, held.size), np.tile(held, groups.size))
    return tuple(sorted(population.card_ids(cards[population.reported(cards)])))


def _sanctioned_names(population: Population, draws: Draws) -> tuple[str, ...]:
    guests = draws.below(population.settings.users, _GUESTS_LISTED)
    words = np.concatenate([population.name_word(guests), draws.halves(_STRANGERS)])
    # Lists spell names their own way; screening folds case and accents before it compares.
    return tuple(sorted({full_name(word).upper() for word in words.tolist()}))


def _trusted_users(population: Population, draws: Draws) -> tuple[str, ...]:
    everyone = population.corporate_users(np.arange(population.settings.users // 101))
    chosen = everyone[draws.chance(7_000, everyone.size)]
    return tuple(sorted(population.user_ids(chosen)))
