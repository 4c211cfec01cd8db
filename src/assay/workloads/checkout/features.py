"""What is known about a booking when it is decided? The catalog of the checkout workload.

Windowed values are data, one call each, grouped by the entity whose past they describe. The
request-time values are in ``derived``.
"""

from collections.abc import Iterable

from assay.core.time import DAY, HOUR, MINUTE
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Aggregate, Combined, Feature, Where
from assay.workloads.checkout.contracts import BOOKING, CONTRACTS
from assay.workloads.checkout.derived import DERIVED, TextScorer, message_score

_WINDOWS = {
    "10m": 10 * MINUTE,
    "1h": HOUR,
    "24h": DAY,
    "7d": 7 * DAY,
    "30d": 30 * DAY,
    "90d": 90 * DAY,
    "ever": LIFETIME,
}
_FAILED = (Where("succeeded", "==", False),)
_NEW_DEVICE = (Where("succeeded", "==", True), Where("new_device", "==", True))
_FRAUD = (Where("fraud", "==", True),)
_FROM_HOST = (Where("sender", "==", "host"),)
_BY_GUEST = (Where("author", "==", "guest"),)


def catalog(text_model: TextScorer) -> Catalog:
    """All values a booking is decided by; ``text_model`` is part of their version."""
    return Catalog(
        request=BOOKING,
        contracts=CONTRACTS,
        features=FEATURES,
        combined=COMBINED,
        derived=(*DERIVED, message_score(text_model)),
    )


def _each(  # one line a feature below is worth a parameter more here
    name: str,
    source: str,
    key: str,
    windows: str,
    aggregate: Aggregate = "count",
    of: str | None = None,
    where: tuple[Where, ...] = (),
) -> Iterable[Feature]:
    """One feature a window: ``name`` with the window at its end."""
    return [
        Feature(
            name=f"{name}_{window}",
            source=source,
            key=tuple(key.split()),
            aggregate=aggregate,
            of=of,
            window=_WINDOWS[window],
            where=where,
            unit=_unit(aggregate, of),
            about=_about(source, key, aggregate, of, window, where),
        )
        for window in windows.split()
    ]


def _unit(aggregate: Aggregate, of: str | None) -> str:
    if aggregate in ("time_since", "time_since_first"):
        return "us"
    if aggregate in ("top_share", "entropy"):
        return {"entropy": "bits"}.get(aggregate, "")
    if aggregate in ("count", "distinct"):
        return f"{of}s" if of else "events"
    return {"amount": "EUR cents", "nightly": "EUR cents", "rating": "stars"}.get(of or "", "")


def _about(  # one sentence of everything that says which events count
    source: str,
    key: str,
    aggregate: Aggregate,
    of: str | None,
    window: str,
    where: tuple[Where, ...],
) -> str:
    subject = f"{aggregate} of {of}" if of else aggregate
    events = f"{source} events with the same {key.replace(' ', ' and ')}"
    only = " and ".join(str(each) for each in where)
    return f"{subject} over {events}{' where ' if only else ''}{only}, {window}"


#: The guest's account.
USER_FEATURES = (
    *_each("user_bookings", "booking", "user_id", "1h 24h 7d 30d ever"),
    *_each("user_amount_sum", "booking", "user_id", "24h 7d", "sum", "amount"),
    *_each("user_amount_mean", "booking", "user_id", "30d ever", "mean", "amount"),
    *_each("user_amount_max", "booking", "user_id", "30d", "max", "amount"),
    *_each("user_amount_std", "booking", "user_id", "ever", "std", "amount"),
    *_each("user_since_booking", "booking", "user_id", "ever", "time_since"),
    *_each("user_cards", "booking", "user_id", "30d", "distinct", "card_id"),
    *_each("user_devices", "booking", "user_id", "30d", "distinct", "device_id"),
    *_each("user_hosts", "booking", "user_id", "30d", "distinct", "host_id"),
    *_each("user_ip_countries", "booking", "user_id", "7d", "distinct", "ip_country"),
    *_each("user_failed_logins", "login", "user_id", "1h 24h", where=_FAILED),
    *_each("user_new_device_logins", "login", "user_id", "1h 24h", where=_NEW_DEVICE),
    *_each("user_since_new_device", "login", "user_id", "30d", "time_since", where=_NEW_DEVICE),
    *_each("user_login_countries", "login", "user_id", "24h", "distinct", "ip_country"),
    *_each("user_login_devices", "login", "user_id", "7d", "distinct", "device_id"),
    *_each("user_failed_payments", "payment", "user_id", "10m 1h 24h", where=_FAILED),
    *_each("user_payments", "payment", "user_id", "24h"),
    *_each("user_cards_tried", "payment", "user_id", "24h", "distinct", "card_id"),
    *_each("user_payment_min", "payment", "user_id", "24h", "min", "amount"),
    *_each("user_reviews", "review", "user_id", "30d", where=_BY_GUEST),
    *_each("user_frauds", "label", "user_id", "90d", where=_FRAUD),
)

#: The device in the guest's hand.
DEVICE_FEATURES = (
    *_each("device_bookings", "booking", "device_id", "1h 24h 7d ever"),
    *_each("device_users", "booking", "device_id", "24h 30d", "distinct", "user_id"),
    *_each("device_cards", "booking", "device_id", "7d", "distinct", "card_id"),
    *_each("device_amount_sum", "booking", "device_id", "24h", "sum", "amount"),
    *_each("device_failed_payments", "payment", "device_id", "10m 1h 24h", where=_FAILED),
    *_each("device_cards_tried", "payment", "device_id", "24h", "distinct", "card_id"),
    *_each("device_failed_logins", "login", "device_id", "24h", where=_FAILED),
    *_each("device_login_users", "login", "device_id", "7d", "distinct", "user_id"),
    *_each("device_frauds", "label", "device_id", "30d", where=_FRAUD),
)

#: The payment instrument.
CARD_FEATURES = (
    *_each("card_bookings", "booking", "card_id", "24h 7d ever"),
    *_each("card_users", "booking", "card_id", "30d", "distinct", "user_id"),
    *_each("card_devices", "booking", "card_id", "30d", "distinct", "device_id"),
    *_each("card_amount_sum", "booking", "card_id", "24h", "sum", "amount"),
    *_each("card_amount_mean", "booking", "card_id", "ever", "mean", "amount"),
    *_each("card_since_booking", "booking", "card_id", "ever", "time_since"),
    *_each("card_failed_payments", "payment", "card_id", "1h 24h", where=_FAILED),
    *_each("card_payment_devices", "payment", "card_id", "7d", "distinct", "device_id"),
    *_each("card_frauds", "label", "card_id", "30d", where=_FRAUD),
)

#: What is booked, and who offers it.
LISTING_FEATURES = (
    *_each("listing_bookings", "booking", "listing_id", "24h 7d ever"),
    *_each("listing_guests", "booking", "listing_id", "7d", "distinct", "user_id"),
    *_each("listing_nightly_mean", "booking", "listing_id", "30d", "mean", "nightly"),
    *_each("listing_reviews", "review", "listing_id", "ever", where=_BY_GUEST),
    *_each("listing_rating", "review", "listing_id", "ever", "mean", "rating", _BY_GUEST),
    *_each("listing_frauds", "label", "listing_id", "30d", where=_FRAUD),
    *_each("host_bookings", "booking", "host_id", "24h 30d"),
    *_each("host_guests", "booking", "host_id", "30d", "distinct", "user_id"),
    *_each("host_listings_created", "listing_created", "host_id", "30d"),
    *_each("host_messages", "message", "host_id", "24h", where=_FROM_HOST),
    *_each("host_frauds", "label", "host_id", "90d", where=_FRAUD),
)

#: Two together: has this user been here before, on this device, with this card, at this host?
PAIR_FEATURES = (
    *_each("user_device_bookings", "booking", "user_id device_id", "ever"),
    *_each("user_device_since", "login", "user_id device_id", "ever", "time_since"),
    *_each("user_card_bookings", "booking", "user_id card_id", "ever"),
    *_each("user_host_bookings", "booking", "user_id host_id", "30d"),
    *_each("user_host_reviews", "review", "user_id host_id", "90d"),
)

#: The same words again, by the digest of the text.
MESSAGE_FEATURES = (
    *_each("text_users", "booking", "message_digest", "24h 30d", "distinct", "user_id"),
    *_each("text_hosts", "booking", "message_digest", "30d", "distinct", "host_id"),
    *_each("text_messages", "message", "message_digest", "24h 30d"),
)

#: What is usual for them, from the values themselves.
HABIT_FEATURES = (
    Feature(
        name="user_amount_median_90d",
        source="booking",
        key=("user_id",),
        aggregate="quantile",
        of="amount",
        permille=500,
        window=_WINDOWS["90d"],
        unit="EUR cents",
        about="median of amount over booking events with the same user_id, 90d",
    ),
    *_each("user_since_first_booking", "booking", "user_id", "ever", "time_since_first"),
    *_each("user_country_entropy", "booking", "user_id", "90d", "entropy", "ip_country"),
    *_each("device_top_user_share", "booking", "device_id", "30d", "top_share", "user_id"),
)

#: What two of them say together.
COMBINED = (
    Combined(
        name="user_failed_payment_share_24h",
        how="ratio",
        of=("user_failed_payments_24h", "user_payments_24h"),
        about="share of the account's payments that failed, 24h",
    ),
    Combined(
        name="user_amount_share_24h",
        how="ratio",
        of=("user_amount_sum_24h", "user_amount_sum_7d"),
        about="share of what the account spent in 7d that it spent in the last 24h",
    ),
    Combined(
        name="device_cards_over_3_24h",
        how="over",
        of=("device_cards_tried_24h",),
        limit=3,
        about="whether more than three cards were tried on the device, 24h",
    ),
)

FEATURES = (
    *USER_FEATURES,
    *DEVICE_FEATURES,
    *CARD_FEATURES,
    *LISTING_FEATURES,
    *PAIR_FEATURES,
    *MESSAGE_FEATURES,
    *HABIT_FEATURES,
)
