"""How do a day's numbers become events? Codes get their names here, and only here.

An event's id says its type, day and place in the day's time order, so it is the same on every run
and tells nothing about who made the event.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.contracts.label import SOURCES
from assay.core.time import DAY, HOUR
from assay.simulate.batch import Table, Truth
from assay.simulate.draft import Block, Pattern
from assay.simulate.draws import Ints
from assay.simulate.followups import REQUEST_DAY
from assay.simulate.messages import BY_HOST, render
from assay.simulate.names import full_name
from assay.simulate.population import AGE_BANDS, UTC_OFFSET, Population, country_codes
from assay.workloads.checkout.contracts import PAYMENT
from assay.workloads.checkout.text import message_digest

_PREFIX = {
    "booking": "bk",
    "payment": "py",
    "login": "lg",
    "message": "ms",
    "listing_created": "lc",
    "review": "rv",
    "label": "lb",
}
_FAILURES = PAYMENT.field("failure").choices
_SENDERS = ("guest", "host")
Columns = dict[str, list[Any]]


def table(population: Population, day: int, event_type: str, block: Block) -> Table:
    """The events of one type; ``block`` is in the order of time."""
    columns = _COLUMNS[event_type](population, block)
    return Table(event_type, _event_ids(event_type, day, block["ts"].size), block["ts"], columns)


def truth(population: Population, day: int, bookings: Block) -> Truth:
    """What the day's bookings were; ``bookings`` is in the order of time."""
    pattern = bookings["pattern"]
    names = [Pattern(code).name.lower() for code in range(len(Pattern))]
    return Truth(
        _event_ids("booking", day, pattern.size),
        [names[code] for code in pattern.tolist()],
        (pattern != Pattern.NONE) & (pattern != Pattern.MISTAKEN_DISPUTE),
        population.user_ids(bookings["user"]),
        [AGE_BANDS[band] for band in population.age_band(bookings["user"]).tolist()],
    )


def _event_ids(event_type: str, day: int, size: int) -> list[str]:
    prefix = f"{_PREFIX[event_type]}-{day:04d}-"
    return [f"{prefix}{place:06d}" for place in range(size)]


def _request_ids(requests: Ints) -> list[str]:
    return [
        f"bk-{request // REQUEST_DAY:04d}-{request % REQUEST_DAY:06d}"
        for request in requests.tolist()
    ]


def _booking(population: Population, block: Block) -> Columns:
    home = population.home(block["user"])
    hour = block["ts"] % DAY // HOUR + UTC_OFFSET[home]
    texts, senders, digests = _messages(block)
    return {
        **_who(population, block, "user", "device", "card", "listing", "host"),
        "guest_name": [full_name(w) for w in population.name_word(block["user"]).tolist()],
        "amount": block["amount"].tolist(),
        "nightly": block["nightly"].tolist(),
        "suggested_nightly": block["suggested"].tolist(),
        "nights": block["nights"].tolist(),
        "guests": block["guests"].tolist(),
        "lead_days": block["lead"].tolist(),
        "account_age_days": block["account_age"].tolist(),
        "host_age_days": block["host_age"].tolist(),
        "listing_age_days": block["listing_age"].tolist(),
        "local_hour": (hour % 24).tolist(),
        "ip_country": country_codes(block["ip"]),
        "card_country": country_codes(block["card_country"]),
        "home_country": country_codes(home),
        "listing_country": country_codes(population.listing_country(block["listing"])),
        "message_text": texts,
        "message_from": senders,
        "message_digest": digests,
    }


def _payment(population: Population, block: Block) -> Columns:
    return {
        **_who(population, block, "user", "device", "card"),
        "amount": block["amount"].tolist(),
        "succeeded": block["ok"].astype(np.bool_).tolist(),
        "failure": [None if code < 0 else _FAILURES[code] for code in block["failure"].tolist()],
        "ip_country": country_codes(block["ip"]),
        "card_country": country_codes(block["card_country"]),
    }


def _login(population: Population, block: Block) -> Columns:
    return {
        **_who(population, block, "user", "device"),
        "succeeded": block["ok"].astype(np.bool_).tolist(),
        "new_device": block["new"].astype(np.bool_).tolist(),
        "ip_country": country_codes(block["ip"]),
    }


def _message(population: Population, block: Block) -> Columns:
    texts, senders, digests = _messages(block)
    return {
        **_who(population, block, "user", "host", "listing"),
        "sender": senders,
        "text": texts,
        "message_digest": digests,
    }


def _listing_created(population: Population, block: Block) -> Columns:
    return {
        **_who(population, block, "listing", "host"),
        "nightly": block["nightly"].tolist(),
        "suggested_nightly": block["suggested"].tolist(),
        "listing_country": country_codes(population.listing_country(block["listing"])),
        "host_age_days": block["host_age"].tolist(),
    }


def _review(population: Population, block: Block) -> Columns:
    return {
        **_who(population, block, "user", "listing", "host"),
        "request_id": _request_ids(block["request"]),
        "author": [_SENDERS[author] for author in block["author"].tolist()],
        "rating": block["rating"].tolist(),
    }


def _label(population: Population, block: Block) -> Columns:
    return {
        "request_id": _request_ids(block["request"]),
        "fraud": block["fraud"].astype(np.bool_).tolist(),
        "source": [SOURCES[source] for source in block["source"].tolist()],
        **_who(population, block, "user", "device", "card", "listing", "host"),
        "amount": block["amount"].tolist(),
    }


def _who(population: Population, block: Block, *entities: str) -> Columns:
    named = {
        "user": population.user_ids,
        "device": population.device_ids,
        "card": population.card_ids,
        "listing": population.listing_ids,
        "host": population.host_ids,
    }
    return {f"{entity}_id": list(named[entity](block[entity])) for entity in entities}


def _messages(block: Block) -> tuple[list[Any], list[Any], list[Any]]:
    kinds = block["kind"].tolist()
    texts = [render(kind, slot) for kind, slot in zip(kinds, block["slot"].tolist(), strict=True)]
    senders = [
        None if text is None else _SENDERS[kind in BY_HOST]
        for kind, text in zip(kinds, texts, strict=True)
    ]
    digests = [None if text is None else message_digest(text) for text in texts]
    return texts, senders, digests


_COLUMNS: dict[str, Callable[[Population, Block], Columns]] = {
    "booking": _booking,
    "payment": _payment,
    "login": _login,
    "message": _message,
    "listing_created": _listing_created,
    "review": _review,
    "label": _label,
}
