"""What may name a thing: identifiers are short printable ASCII, checked once at the edge."""

import hashlib
import re
from typing import NewType

from assay.core.errors import Invalid, shown

EventId = NewType("EventId", str)
DecisionId = NewType("DecisionId", str)

ID_LENGTH_MAX = 128
_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


def check_id(text: str) -> str:
    """The same text if it is 1 to 128 printable ASCII characters without spaces.

    Raises:
        Invalid: it is not.
    """
    if not _ID.fullmatch(text):
        raise Invalid(
            f"expected an id of 1 to {ID_LENGTH_MAX} printable ASCII characters, got {shown(text)}"
        )
    return text


def check_name(text: str) -> str:
    """The same text if it is a snake_case name of at most 64 characters.

    Raises:
        Invalid: it is not.
    """
    if not _NAME.fullmatch(text):
        raise Invalid(
            "expected a name of lower-case letters, digits and underscores, starting with a "
            f"letter, at most 64 characters, got {shown(text)}"
        )
    return text


def derived_id(prefix: str, *parts: str) -> str:
    """An id computed from other ids: the same parts always give the same id.

    Example:
        >>> derived_id("dec", "booking-17")
        'dec_5895311873c52a0a'
    """
    body = "\x1f".join(parts).encode()
    return f"{prefix}_{hashlib.sha256(body).hexdigest()[:16]}"
