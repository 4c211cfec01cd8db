"""What stays of an entry whose subject was erased, and how is anything else told from it?

A tombstone keeps what the log needs to stay whole: its place, the opaque id (so that the event,
sent again, is known), the type, the UTC day, whether a decision was made and used a review slot,
and a salted digest of what stood there, by which the owner of a backup can prove what was erased.
"""

import hashlib

import msgspec

from assay.contracts.event import Event
from assay.core.canonical import digest
from assay.core.time import DAY
from assay.decisions.outcome import Outcome
from assay.runtime.ports import Entry, Erased

ERASURE_PREFIX = "erasure_"
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def tombstone(entry: Entry, receipt: str, salt: bytes, *, forget_id: bool = False) -> Entry:
    """The entry without its content; ``forget_id`` replaces an id that itself names the subject.

    Example:
        >>> from assay.contracts.event import Event
        >>> kept = Entry(seq=7, event=Event("e1", "login", 5, {"user": "u1"}), known_at=9,
        ...              accepted=True)
        >>> tombstone(kept, "erasure_1", b"salt").event
        Event(id='e1', type='login', ts=0, payload={})
    """
    event, record = entry.event, entry.record
    return Entry(
        seq=entry.seq,
        event=Event(
            # With the receipt's own letters: nobody can have taken that id before.
            f"erased-{entry.seq}-{receipt[-8:]}" if forget_id else event.id,
            event.type,
            _day(event.ts),
            {},
        ),
        known_at=_day(entry.known_at),
        accepted=entry.accepted,
        erased=Erased(
            receipt=receipt,
            before=salted(salt, _encode(entry)),
            decided=record is not None,
            slot=record is not None and record.outcome is Outcome.REVIEW,
            values=0 if record is None else len(record.known),
        ),
    )


def tombstone_digest(entry: Entry) -> str:
    """The hash of a tombstone, as its receipt names it."""
    event, erased = entry.event, entry.erased
    place = [entry.seq, entry.known_at, entry.accepted, entry.key, entry.record is None]
    return digest([*place, event.id, event.type, event.ts, event.payload, erased])


def salted(salt: bytes, data: bytes) -> str:
    """``sha256:`` and the hash of salt and data: no guess can be tried without the salt."""
    return "sha256:" + hashlib.sha256(salt + data).hexdigest()


def _day(us: int) -> int:
    return us // DAY * DAY
