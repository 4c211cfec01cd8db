"""What follows at request time from the booking itself and from what is known about its past?

Each value is a pure function of named inputs; one input that is not known makes the value not
known, unless the value is about exactly that. Arithmetic is one division at most, so the bits are
the same everywhere.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from assay.features.definition import Derived, ValueKind
from assay.workloads.checkout import text

Value = int | float | bool | None
Inputs = Mapping[str, Any]


class TextScorer(Protocol):
    """A model of messages: a score in [0, 1] for a text, and the digest of its weights."""

    @property
    def digest(self) -> str:
        """Identifies the weights."""

    def score(self, text: str, /) -> float:
        """How much the text resembles those of fraud."""


def message_score(model: TextScorer) -> Derived:
    """The text model's view of the message; not known without a message."""
    return Derived(
        name="message_score",
        inputs=("message_text",),
        function=_of_text(model.score),
        kind="real",
        version="1",
        parameters=model.digest,
        about="score of the message by the text model",
    )


def _field(name: str, field: str, kind: ValueKind, unit: str) -> Derived:
    """A field of the booking as a value that models and rules can use."""
    return Derived(
        name=name,
        inputs=(field,),
        function=lambda inputs: inputs[field],
        kind=kind,
        version="1",
        unit=unit,
        about=f"{field} of the booking",
    )


def _ratio(name: str, above: str, below: str, about: str) -> Derived:
    def function(inputs: Inputs) -> Value:
        numerator, denominator = inputs[above], inputs[below]
        if numerator is None or not denominator:
            return None
        return float(numerator / denominator)

    return Derived(
        name=name,
        inputs=(above, below),
        function=function,
        kind="real",
        version="1",
        unit="ratio",
        about=about,
    )


def _differ(name: str, one: str, other: str, about: str) -> Derived:
    def function(inputs: Inputs) -> Value:
        if inputs[one] is None or inputs[other] is None:
            return None
        return bool(inputs[one] != inputs[other])

    return Derived(
        name=name, inputs=(one, other), function=function, kind="bool", version="1", about=about
    )


def _of_text(function: Callable[[str], Value]) -> Callable[[Inputs], Value]:
    def of_message(inputs: Inputs) -> Value:
        message = inputs["message_text"]
        return None if message is None else function(message)

    return of_message


def _message(name: str, kind: ValueKind, function: Callable[[str], Value], about: str) -> Derived:
    return Derived(
        name=name,
        inputs=("message_text",),
        function=_of_text(function),
        kind=kind,
        version="1",
        about=about,
    )


def _is_night(inputs: Inputs) -> Value:
    hour = inputs["local_hour"]
    return None if hour is None else bool(hour < 6)


def _from_host(inputs: Inputs) -> Value:
    sender = inputs["message_from"]
    return None if sender is None else bool(sender == "host")


def _pasted(inputs: Inputs) -> Value:
    """Others who sent the same text lately; a host's welcome counts too, the model weighs it."""
    return inputs["text_users_30d"] if inputs["message_digest"] is not None else None


def _strange_device(inputs: Inputs) -> Value:
    """An account with a past on a device without one."""
    past, here = inputs["user_bookings_ever"], inputs["user_device_bookings_ever"]
    return None if past is None or here is None else bool(past > 0 and here == 0)


def _login_impossible(inputs: Inputs) -> Value:
    """Signed in from two countries within a day, one of them on a device never seen before."""
    countries, new = inputs["user_login_countries_24h"], inputs["user_new_device_logins_24h"]
    return None if countries is None or new is None else bool(countries >= 2 and new >= 1)


def _failed_share(inputs: Inputs) -> Value:
    failed, tried = inputs["user_failed_payments_24h"], inputs["user_payments_24h"]
    return None if failed is None or not tried else float(failed / tried)


def _of(
    name: str, kind: ValueKind, inputs: str, function: Callable[[Inputs], Value], about: str
) -> Derived:
    return Derived(
        name=name,
        inputs=tuple(inputs.split()),
        function=function,
        kind=kind,
        version="1",
        about=about,
    )


DERIVED = (
    _field("booking_amount", "amount", "int", "EUR cents"),
    _field("booking_nights", "nights", "int", "nights"),
    _field("booking_guests", "guests", "int", "people"),
    _field("days_to_check_in", "lead_days", "int", "days"),
    _field("account_age", "account_age_days", "int", "days"),
    _field("host_age", "host_age_days", "int", "days"),
    _field("listing_age", "listing_age_days", "int", "days"),
    _field("hour_of_day", "local_hour", "int", "hours"),
    _of("at_night", "bool", "local_hour", _is_night, "between midnight and six, guest's clock"),
    _ratio("amount_to_user_mean", "amount", "user_amount_mean_ever", "against the user's mean"),
    _ratio("amount_to_user_max", "amount", "user_amount_max_30d", "against the user's highest"),
    _ratio("amount_to_card_mean", "amount", "card_amount_mean_ever", "against the card's mean"),
    _ratio("nightly_to_suggested", "nightly", "suggested_nightly", "against the fair price"),
    _ratio("nightly_to_listing", "nightly", "listing_nightly_mean_30d", "against what others pay"),
    _ratio("amount_per_guest", "amount", "guests", "cents a guest"),
    _differ("ip_not_home", "ip_country", "home_country", "address abroad"),
    _differ("ip_not_card", "ip_country", "card_country", "address not in the card's country"),
    _differ("card_not_home", "card_country", "home_country", "card from abroad"),
    _differ("ip_not_listing", "ip_country", "listing_country", "address not at the destination"),
    _of(
        "strange_device",
        "bool",
        "user_bookings_ever user_device_bookings_ever",
        _strange_device,
        "an account with a past on a device without one",
    ),
    _of(
        "login_impossible",
        "bool",
        "user_login_countries_24h user_new_device_logins_24h",
        _login_impossible,
        "two countries within a day, and a new device",
    ),
    _of(
        "failed_share_24h",
        "real",
        "user_failed_payments_24h user_payments_24h",
        _failed_share,
        "failed payments as a share of all",
    ),
    _of("message_by_host", "bool", "message_from", _from_host, "the host wrote first"),
    _of(
        "message_reused",
        "int",
        "message_digest text_users_30d",
        _pasted,
        "users with the same words within 30 days",
    ),
    _message("message_links", "int", text.links, "web addresses in the message"),
    _message("message_phones", "int", text.phone_numbers, "telephone-like numbers in the message"),
    _message(
        "message_off_platform",
        "int",
        text.off_platform_phrases,
        "ways of asking for money or contact elsewhere",
    ),
    _message("message_length", "int", len, "characters in the message"),
    _message("message_digits", "real", text.digit_share, "digits as a share of the message"),
)
