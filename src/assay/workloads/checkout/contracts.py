"""What does a marketplace tell the platform? The event contracts of the checkout workload.

Amounts are whole cents EUR, countries ISO 3166 alpha-2 codes, ages and lead times whole days.
The booking is the request that is decided. It carries the first message between guest and host,
so that values derived at request time can see it, and ``message_digest``, the marketplace's own
digest of that text (``text.message_digest``), so that reuse can be counted as a key.
"""

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.label import label_contract

#: The highest amount a contract of this workload accepts: 1 million EUR in cents.
AMOUNT_MAX = 100_000_000
MESSAGE_LENGTH_MAX = 500


def _id(name: str, about: str) -> Field:
    return Field(name=name, kind="text", length_max=64, sensitivity="personal", about=about)


def _country(name: str, about: str) -> Field:
    return Field(name=name, kind="text", length_max=2, about=about)


def _days(name: str, about: str, high: int = 36_500) -> Field:
    return Field(name=name, kind="int", unit="days", low=0, high=high, about=about)


def _money(name: str, about: str) -> Field:
    return Field(name=name, kind="money", unit="EUR", low=0, high=AMOUNT_MAX, about=about)


USER = _id("user_id", "the guest's account")
DEVICE = _id("device_id", "fingerprint of the guest's device")
CARD = _id("card_id", "token of the payment instrument")
LISTING = _id("listing_id", "what is booked")
HOST = _id("host_id", "who offers it")
IP_COUNTRY = _country("ip_country", "country of the network address")
CARD_COUNTRY = _country("card_country", "country of the card's issuer")
_DIGEST = Field(
    name="message_digest",
    kind="text",
    required=False,
    length_max=64,
    about="digest of the normalised text, computed by the marketplace",
)
_SENDER = ("guest", "host")

BOOKING = EventContract(
    type="booking",
    version=1,
    keys=("user_id", "device_id", "card_id", "listing_id", "host_id", "message_digest"),
    about="A guest asks to book a listing: the request that is decided.",
    fields=(
        USER,
        DEVICE,
        CARD,
        LISTING,
        HOST,
        Field(
            name="guest_name",
            kind="text",
            required=False,
            length_max=120,
            sensitivity="personal",
            about="name of the guest as on the account, for sanctions screening",
        ),
        _money("amount", "total of the booking"),
        _money("nightly", "price of one night"),
        _money("suggested_nightly", "the marketplace's own estimate of a fair nightly price"),
        Field(name="nights", kind="int", unit="nights", low=1, high=365),
        Field(name="guests", kind="int", unit="people", low=1, high=50),
        _days("lead_days", "days from now to check-in", high=730),
        _days("account_age_days", "since the guest signed up"),
        _days("host_age_days", "since the host signed up"),
        _days("listing_age_days", "since the listing was created"),
        Field(name="local_hour", kind="int", unit="hours", low=0, high=23, about="guest's clock"),
        IP_COUNTRY,
        CARD_COUNTRY,
        _country("home_country", "country of the guest's account"),
        _country("listing_country", "country of the listing"),
        Field(
            name="message_text",
            kind="text",
            required=False,
            length_max=MESSAGE_LENGTH_MAX,
            sensitivity="personal",
            about="first message between guest and host",
        ),
        Field(
            name="message_from",
            kind="text",
            required=False,
            choices=_SENDER,
            about="who wrote message_text",
        ),
        _DIGEST,
    ),
)

PAYMENT = EventContract(
    type="payment",
    version=1,
    keys=("user_id", "device_id", "card_id"),
    about="An attempt to charge a card, whether or not it succeeded.",
    fields=(
        USER,
        DEVICE,
        CARD,
        _money("amount", "amount of the attempt"),
        Field(name="succeeded", kind="bool", about="whether the issuer authorised it"),
        Field(
            name="failure",
            kind="text",
            required=False,
            choices=("insufficient_funds", "incorrect_cvc", "do_not_honour", "expired_card"),
            about="the issuer's answer when it did not",
        ),
        IP_COUNTRY,
        CARD_COUNTRY,
    ),
)

LOGIN = EventContract(
    type="login",
    version=1,
    keys=("user_id", "device_id"),
    about="An attempt to sign in.",
    fields=(
        USER,
        DEVICE,
        Field(name="succeeded", kind="bool", about="whether the credentials were right"),
        Field(name="new_device", kind="bool", about="the account was never used on this device"),
        IP_COUNTRY,
    ),
)

MESSAGE = EventContract(
    type="message",
    version=1,
    keys=("user_id", "host_id", "listing_id", "message_digest"),
    about="A message between a guest and a host, outside a booking request.",
    fields=(
        USER,
        HOST,
        LISTING,
        Field(name="sender", kind="text", choices=_SENDER, about="who wrote it"),
        Field(name="text", kind="text", length_max=MESSAGE_LENGTH_MAX, sensitivity="personal"),
        Field(name="message_digest", kind="text", length_max=64),
    ),
)

LISTING_CREATED = EventContract(
    type="listing_created",
    version=1,
    keys=("listing_id", "host_id"),
    about="A host offers something new.",
    fields=(
        LISTING,
        HOST,
        _money("nightly", "price of one night"),
        _money("suggested_nightly", "the marketplace's own estimate of a fair nightly price"),
        _country("listing_country", "country of the listing"),
        _days("host_age_days", "since the host signed up"),
    ),
)

REVIEW = EventContract(
    type="review",
    version=1,
    keys=("user_id", "listing_id", "host_id"),
    about="A guest or a host rates the other after a stay.",
    fields=(
        USER,
        LISTING,
        HOST,
        Field(name="request_id", kind="text", length_max=128, about="the booking that is rated"),
        Field(name="author", kind="text", choices=_SENDER),
        Field(name="rating", kind="int", unit="stars", low=1, high=5),
    ),
)

LABEL = label_contract((USER, DEVICE, CARD, LISTING, HOST, _money("amount", "of the booking")))

CONTRACTS = ContractSet((BOOKING, PAYMENT, LOGIN, MESSAGE, LISTING_CREATED, REVIEW, LABEL))
