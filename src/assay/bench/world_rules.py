"""Which 33 rules does the measured decision run? The kinds a card-fraud desk keeps.

Few of them hold on honest orders: a rule that asks everybody protects nobody.
"""

from typing import NamedTuple

from assay.core.time import DAY
from assay.rules.rule import Asked, ListUse, Rule, Strength

BLOCKED_CARDS = (
    ListUse(name="blocked_cards", field="card", owner="payments-risk", age_max=3_650 * DAY),
)


class _Line(NamedTuple):
    """A rule in brief."""

    name: str
    when: str
    then: Asked
    strength: Strength = "soft"


_LINES = (
    _Line("blocked_card", "blocked_cards", "block", "hard"),
    _Line("long_known", "account_age_days > 1990 && amount < 1000", "approve", "allow"),
    _Line("device_tries", "device_failed_10m >= 4 && device_cards_tried_24h >= 4", "review"),
    _Line("device_tries_slowly", "device_failed_24h >= 9 && device_cards_tried_24h >= 6", "review"),
    _Line("card_tries", "card_failed_10m >= 4", "challenge"),
    _Line("card_tries_slowly", "card_failed_24h >= 8 && card_attempts_24h >= 10", "challenge"),
    _Line("user_tries", "user_failed_1h >= 5 && user_cards_tried_24h >= 4", "review"),
    _Line("user_tries_slowly", "user_failed_7d >= 60", "review"),
    _Line("device_shared", "device_users_24h >= 8", "review"),
    _Line("device_shared_long", "device_users_30d >= 25 && new_device", "review"),
    _Line("card_shared", "card_users_24h >= 6", "challenge"),
    _Line("card_shared_long", "card_users_30d >= 20", "challenge"),
    _Line("many_cards", "user_cards_24h >= 6", "review"),
    _Line("many_cards_long", "user_cards_30d >= 12", "review"),
    _Line("user_burst", "user_orders_10m >= 8", "challenge"),
    _Line("user_spree", "user_orders_1h >= 20 && user_spent_1h > 2000000", "challenge"),
    _Line("card_burst", "card_orders_10m >= 8", "challenge"),
    _Line("card_spree", "card_orders_24h >= 60", "challenge"),
    _Line("device_burst", "device_orders_10m >= 8", "challenge"),
    _Line("device_spree", "device_orders_24h >= 60", "challenge"),
    _Line("listing_burst", "listing_orders_10m >= 60 && listing_users_24h <= 4", "review"),
    _Line(
        "listing_ring",
        "listing_devices_7d >= 1 && listing_orders_7d > listing_devices_7d * 30",
        "review",
    ),
    _Line("dear_first", "account_age_days <= 1 && amount > 2000000", "challenge"),
    _Line(
        "dear_new_device",
        "new_device && amount > 20 * user_most_30d && amount > 500000",
        "challenge",
    ),
    _Line("dear_abroad", "ip_country != card_country && amount > 3000000", "review"),
    _Line(
        "abroad_new",
        "ip_country != card_country && new_device && account_age_days < 3",
        "challenge",
    ),
    _Line(
        "outlier",
        "user_orders_30d > 5 && double(amount) > user_mean_30d + 9.0 * user_spread_30d"
        " && amount > 300000",
        "challenge",
    ),
    _Line(
        "card_outlier", "card_orders_30d > 5 && double(amount) > card_mean_30d * 40.0", "challenge"
    ),
    _Line("woken_card", "card_since_30d > 2400000000000 && amount > 1500000", "challenge"),
    _Line("tried_then_dear", "device_last_tried_30d < 100 && amount > 1000000", "challenge"),
    _Line("tried_much", "device_tried_24h > 30000000", "review"),
    _Line("card_tried_much", "card_tried_24h > 30000000 && card_failed_1h >= 3", "review"),
    _Line("bulk", "items >= 8 && amount > 4000000 && user_orders_7d == 0", "challenge"),
)
RULES = tuple(
    Rule(
        name=line.name,
        when=line.when,
        then=line.then,
        strength=line.strength,
        owner="fraud-operations",
    )
    for line in _LINES
)
