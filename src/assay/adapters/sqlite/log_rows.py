"""How does an entry become a row and back, so that one flipped byte is noticed?"""

import zlib
from typing import Any

import msgspec

from assay.contracts.event import Event
from assay.core.errors import Corrupt
from assay.decisions.record import DecisionRecord
from assay.runtime.ports import Entry, Erased

#: seq, event, key, decision, body, record, checksum
Row = tuple[int, str, str | None, str | None, bytes, bytes | None, int]

COLUMNS = "seq, event, key, decision, body, record, checksum"
_encode = msgspec.msgpack.Encoder().encode


class _Body(msgspec.Struct, array_like=True, frozen=True):
    """The event part of a row; ``seq`` and ``id`` again, so that rows cannot be swapped."""

    seq: int
    known_at: int
    accepted: bool
    id: str
    type: str
    ts: int
    payload: dict[str, Any]


class _Stone(_Body, array_like=True, frozen=True):
    """The event part of a tombstone's row."""

    erased: Erased


class _Either(_Body, array_like=True, frozen=True):
    """What is read: a body, or the longer one of a tombstone."""

    erased: Erased | None = None


_decode_body = msgspec.msgpack.Decoder(_Either).decode
_decode_record = msgspec.msgpack.Decoder(DecisionRecord).decode


def encode_row(entry: Entry) -> Row:
    """The row of an entry."""
    seq, event, key, record = entry.seq, entry.event, entry.key, entry.record
    said = (seq, entry.known_at, entry.accepted, event.id, event.type, event.ts, event.payload)
    body = _encode(_Body(*said) if entry.erased is None else _Stone(*said, entry.erased))
    if record is None and key is None:
        return seq, event.id, None, None, body, None, zlib.crc32(body)
    blob = None if record is None else _encode(record)
    decision = None if record is None else record.id
    return seq, event.id, key, decision, body, blob, _checksum(key, decision, body, blob)


def decode_row(row: Row) -> Entry:
    """The entry in a row.

    Raises:
        Corrupt: the row does not match its checksum; names the seq.
    """
    seq, event_id, key, decision, body, blob, checksum = row
    if _checksum(key, decision, body, blob) != checksum:
        raise _corrupt(seq, "its bytes do not match their checksum")
    try:
        stored = _decode_body(body)
        record = None if blob is None else _decode_record(blob)
    except msgspec.MsgspecError as error:
        raise _corrupt(seq, f"it cannot be read: {error}") from error
    if stored.seq != seq or stored.id != event_id:
        raise _corrupt(seq, f"it holds seq {stored.seq}, event {stored.id!r}")
    return Entry(
        seq=seq,
        event=Event(stored.id, stored.type, stored.ts, stored.payload),
        known_at=stored.known_at,
        accepted=stored.accepted,
        record=record,
        key=key,
        erased=stored.erased,
    )


def _checksum(key: str | None, decision: str | None, body: bytes, record: bytes | None) -> int:
    total = zlib.crc32(body)
    if record is not None:
        total = zlib.crc32(record, total)
    if key is not None or decision is not None:
        total = zlib.crc32(f"{key}\x1f{decision}".encode(), total)
    return total


def _corrupt(seq: int, why: str) -> Corrupt:
    return Corrupt(
        f"row {seq} of the event log is damaged: {why}. Restore the log from a backup; "
        "nothing may be decided on a history that has changed"
    )
