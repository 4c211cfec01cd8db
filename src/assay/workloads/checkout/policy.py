"""Which rules, lists, costs and capacity does a checkout start with?

Amounts are cents EUR. A rule that cannot tell asks for ``if_unknown``: screening for sanctions
holds, everything else leaves it to the model.
"""

from assay.core.time import DAY, MILLISECOND
from assay.decisions.policy import Costs
from assay.rules.rule import ListUse, Rule

#: Reviews a day that the demo's team can do: about two in a hundred bookings.
CAPACITY_PER_DAY = 60
#: Chargebacks later than this are rare enough to call an unlabelled booking good.
MATURITY = 30 * DAY

LISTS = (
    ListUse(name="stolen_cards", field="card_id", owner="payments-risk", age_max=7 * DAY),
    ListUse(
        name="sanctioned_names",
        field="guest_name",
        owner="compliance",
        age_max=2 * DAY,
        normalise=True,
    ),
    ListUse(name="blocked_devices", field="device_id", owner="fraud-operations", age_max=30 * DAY),
    ListUse(name="trusted_users", field="user_id", owner="corporate-sales", age_max=90 * DAY),
)

RULES = (
    Rule(
        name="sanctions_screening",
        when="sanctioned_names",
        then="hold",
        strength="hard",
        if_unknown="hold",
        code="sanctions_potential_match",
        owner="compliance",
        about="A potential match by name is held and adjudicated by a person; so is a failure to "
        "screen.",
    ),
    Rule(
        name="stolen_card",
        when="stolen_cards",
        then="block",
        strength="hard",
        if_unknown="review",
        code="card_reported_stolen",
        owner="payments-risk",
        about="The schemes report the card as stolen.",
    ),
    Rule(
        name="blocked_device",
        when="blocked_devices",
        then="block",
        strength="hard",
        code="device_blocked",
        owner="fraud-operations",
        about="Operations blocked the device after a confirmed case.",
    ),
    Rule(
        name="trusted_user",
        when="trusted_users && amount <= 500000",
        then="approve",
        strength="allow",
        code="corporate_allowance",
        owner="corporate-sales",
        about="Corporate travellers under contract, up to 5,000 EUR a booking.",
    ),
    Rule(
        name="card_testing_velocity",
        when="device_failed_payments_1h >= 4 && device_cards_tried_24h >= 4",
        then="review",
        code="card_testing_velocity",
        owner="fraud-operations",
        about="Many failed payments and many cards on one device in a short time.",
    ),
    Rule(
        name="impossible_sign_in",
        when="login_impossible && strange_device && days_to_check_in <= 3",
        then="challenge",
        code="sign_in_impossible",
        owner="account-security",
        about="Two countries within a day, a device never used here, and a stay at short notice.",
    ),
    Rule(
        name="password_guessing",
        when="user_failed_logins_24h >= 2 && user_new_device_logins_24h >= 1 && ip_not_home",
        then="challenge",
        code="password_guessed",
        owner="account-security",
        about="Failed sign-ins, then one from a new device abroad.",
    ),
    Rule(
        name="off_platform_payment",
        when="message_off_platform >= 2 && message_by_host && host_age <= 120",
        then="review",
        code="off_platform_payment",
        owner="trust-and-safety",
        about="A host of at most four months asks to be paid or contacted elsewhere.",
    ),
    Rule(
        name="pasted_link",
        when="message_links >= 1 && message_by_host && text_hosts_30d >= 3",
        then="review",
        code="pasted_link",
        owner="trust-and-safety",
        about="One text with a link from several hosts.",
    ),
    Rule(
        name="known_bad_entity",
        when="device_frauds_30d >= 2 || (card_frauds_30d >= 2 && card_users_30d <= 2)"
        " || (listing_frauds_30d >= 2 && listing_frauds_30d * 3 >= listing_bookings_ever)",
        then="review",
        code="recent_confirmed_fraud",
        owner="fraud-operations",
        about="Repeated confirmed fraud on the device, on a card that is not shared, or in a third "
        "of a listing's bookings. Once is not enough: the guest of a fake listing is a victim.",
    ),
    Rule(
        name="dear_first_booking",
        when="account_age <= 1 && amount >= 200000 && ip_not_card",
        then="challenge",
        code="dear_first_booking",
        owner="payments-risk",
        about="A day-old account spends 2,000 EUR with a card from another country.",
    ),
)

COSTS = Costs(
    currency="EUR",
    fraud_share=1.0,
    fraud_fixed=2_000,  # the acquirer's fee for a chargeback
    block_share=0.14,  # the marketplace's commission
    block_fixed=1_500,  # and what it takes to win an annoyed guest back
    review_fixed=450,  # ten minutes of an analyst
    reviewer_error=0.05,
)

DEADLINE = 50 * MILLISECOND  #: for the stages before the model
SEGMENTS = ("home_country", "listing_country")
