"""Which entries of a log speak of one subject? Its events, what was said of them, and copies."""

import json
import re
from collections.abc import Iterator

import msgspec

from assay.contracts.label import LABEL_TYPE
from assay.contracts.quarantine import Refusal
from assay.contracts.retraction import RETRACTION_TYPE, told_of
from assay.core.errors import Invalid, shown
from assay.core.ids import check_name
from assay.runtime.ports import Entry, EventLog, Quarantine

_LENGTH_MAX = 256
_TELLING = 4  #: letters from which on a value inside a longer word is hardly a coincidence
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


class Subject(msgspec.Struct, frozen=True):
    """Whoever or whatever has this value in this field of an event.

    Raises:
        Invalid: the field is no name, or the value is empty or longer than any text may be.

    Example:
        >>> Subject.parse("user_id=u1")
        Subject(field='user_id', value='u1')
    """

    field: str
    value: str

    def __post_init__(self) -> None:
        check_name(self.field)
        if not 0 < len(self.value) <= _LENGTH_MAX:
            raise Invalid(
                f"expected a value of 1 to {_LENGTH_MAX} characters, got {shown(self.value)}"
            )

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """The subject written as ``field=value``."""
        name, separator, value = text.partition("=")
        if not separator:
            raise Invalid(f"expected a subject such as user_id=u1, got {shown(text)}")
        return cls(name, value)

    def is_of(self, payload: dict[str, object]) -> bool:
        """Whether a payload is about the subject; whole numbers compare by their digits."""
        found = payload.get(self.field)
        return found is not None and str(found) == self.value

    def is_in(self, text: str | None) -> bool:
        """Whether a text holds the value."""
        return text is not None and self.value in text


def entries_about(log: EventLog, subject: Subject) -> list[Entry]:
    """The entries about a subject, in ``seq`` order, without those erased before.

    Its own events, their retractions (which hold copies), and the labels of its requests, whatever
    fields those carry.

    Raises:
        Corrupt: the log is damaged; names the seq.
    """
    own = {
        entry.event.id
        for entry in log.entries()
        if entry.erased is None and subject.is_of(entry.event.payload)
    }
    kept = (entry for entry in log.entries() if entry.erased is None)
    return [entry for entry in kept if _about(entry, subject, own)]


def refusals_about(quarantine: Quarantine, subject: Subject) -> list[int]:
    """The refused bodies about a subject.

    One that can be read is if any value in it, under whatever name, is the subject's or holds it.
    One that cannot be read is if the value stands in it: too much goes, never too little.
    """
    return [
        refusal.id
        for refusal in quarantine.refusals()
        if refusal.id is not None and _refused(refusal, subject)
    ]


def _about(entry: Entry, subject: Subject, own: set[str]) -> bool:
    event = entry.event
    if event.id in own or subject.is_of(told_of(event).payload):
        return True
    if event.type == LABEL_TYPE:
        return event.payload.get("request_id") in own
    return event.type == RETRACTION_TYPE and event.payload["event"] in own


def _refused(refusal: Refusal, subject: Subject) -> bool:
    try:
        # As pairs: of a name given twice, both values were written.
        told = json.loads(refusal.raw, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return _mentions(refusal.raw, subject.value) or subject.is_in(refusal.message)
    return any(_speaks(name, value, subject) for name, value in _leaves("", told))


class _Pairs(list[tuple[str, object]]):
    """The names and values of an object, in order."""


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, _Pairs):
        for inner, item in value:
            yield "", inner
            yield from _leaves(inner, item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(name, item)
    else:
        yield name, value


def _speaks(name: str, value: object, subject: Subject) -> bool:
    """Whether a value is the subject's, or holds it; a short one only as a word of its own."""
    text, sought = str(value), subject.value
    if text == sought:
        return True
    if not isinstance(value, str) or name == "ts":
        return False
    if name == subject.field or len(sought) >= _TELLING:
        return sought in text
    return re.search(rf"(?<![^\W_]){re.escape(sought)}(?![^\W_])", text) is not None


def _mentions(raw: bytes, value: str) -> bool:
    """Whether a value stands in bytes that nobody can read, however its letters are written."""
    written = raw.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), written).replace("\\/", "/")
    latin = raw.decode("latin-1")
    coded = (value.encode(code) in raw for code in ("utf-16-le", "utf-16-be"))
    return value in written or value in plain or value in latin or any(coded)
