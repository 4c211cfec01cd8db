"""What was refused, why, and what did it say, byte for byte?"""

import msgspec

from assay.contracts.violation import ContractViolation
from assay.core.errors import AssayError


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was not taken in, kept whole so that it can be replayed after a fix.

    ``code`` and ``path`` say what broke and where (``path`` is empty when the body as a whole was
    refused); ``id`` is its place in the quarantine, None before it has one; ``place`` is where it
    stood in a file (``FILE:N``), empty for a body that came otherwise.
    """

    code: str
    path: str
    message: str
    raw: bytes
    received_at: int
    id: int | None = None
    place: str = ""


def refusal(raw: bytes, error: AssayError, received_at: int) -> Refusal:
    """The refusal that keeps ``raw`` with the reason ``error``.

    Example:
        >>> refusal(b"{", ContractViolation("$", "UTF-8 JSON", "nothing"), 0).path
        '$'
    """
    path = error.path if isinstance(error, ContractViolation) else ""
    return Refusal(code=error.code, path=path, message=str(error), raw=raw, received_at=received_at)


def event_id_of(raw: bytes) -> str:
    """The id that a refused body names, empty where it names none.

    Example:
        >>> event_id_of(b'{"id":"e1","type":"nope"}'), event_id_of(b"{")
        ('e1', '')
    """
    try:
        found = msgspec.json.decode(raw, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


class _Named(msgspec.Struct):
    id: object = None
