"""Is this body an event we accept, and if not, where exactly does it break?

Everything is checked here, once; behind this door an event is known to be well formed. A number is
never coerced (``"12"`` is text), a name never guessed, and of two equal keys none is chosen.
"""

from typing import Any, NoReturn

import msgspec

from assay.contracts.check import Mismatch, check_instant, field_checks
from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.event import Event
from assay.contracts.parse import Doubled, parse
from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Invalid, Unknown, near_miss
from assay.core.ids import check_id
from assay.core.time import DAY, MINUTE, TIME_END, TIME_MIN, format_time

__all__ = [
    "ContractViolation",
    "check_event",
    "check_recent",
    "decode_event",
    "decode_object",
    "encode_event",
]

FUTURE_MAX = 5 * MINUTE  #: how far a sender's clock may run ahead of ours
PAST_MAX = 3650 * DAY  #: older than any window a feature may ask for

_ENVELOPE = ("id", "type", "ts", "data")
_ENVELOPE_SET = frozenset(_ENVELOPE)


def decode_event(
    raw: bytes,
    contracts: ContractSet,
    *,
    now: int,
    future_max: int = FUTURE_MAX,
    past_max: int = PAST_MAX,
) -> Event:
    """The event a JSON body describes, checked against the contract of its type.

    The payload holds only what is known: a null or absent optional field is left out, so that the
    same event has the same content whichever way its sender wrote it.

    Args:
        raw: UTF-8 JSON ``{"id", "type", "ts", "data"}``; ``ts`` is RFC 3339 or whole microseconds.
        contracts: the accepted event types.
        now: microseconds UTC that ``ts`` is compared with.
        future_max: how far after ``now`` a ``ts`` may lie (microseconds).
        past_max: how far before ``now`` a ``ts`` may lie (microseconds).

    Raises:
        ContractViolation: the body breaks the contract; says where, what was expected, and what
            came instead.
        TooLarge: the body is longer than 64 KiB.

    Example:
        >>> from assay.contracts.contract import Field
        >>> login = EventContract(type="login", version=1, keys=("user_id",),
        ...                       fields=(Field(name="user_id", kind="text"),))
        >>> body = b'{"id":"e1","type":"login","ts":"2026-01-01T00:00:00Z","data":{"user_id":"u1"}}'
        >>> event = decode_event(body, ContractSet([login]), now=1767225600000000)
        >>> event.payload
        {'user_id': 'u1'}
        >>> decode_event(body.replace(b'"u1"', b"7"), ContractSet([login]), now=event.ts)
        Traceback (most recent call last):
        ...
        assay.contracts.violation.ContractViolation: $.data.user_id: expected text, got 7
    """
    event = _event(parse(raw), contracts)
    return check_recent(event, now=now, future_max=future_max, past_max=past_max)


def decode_object(
    obj: object,
    contracts: ContractSet,
    *,
    now: int,
    future_max: int = FUTURE_MAX,
    past_max: int = PAST_MAX,
) -> Event:
    """The event an already parsed JSON value describes; see `decode_event`."""
    event = _event(obj, contracts)
    return check_recent(event, now=now, future_max=future_max, past_max=past_max)


def check_event(event: Event, contracts: ContractSet) -> Event:
    """The event as `decode_event` would have made it: for events that did not come as JSON.

    Its ``ts`` may be any instant of 2000..2099.

    Raises:
        ContractViolation: it breaks the contract of its type.
    """
    contract = _contract(event.type, contracts)
    _id(event.id)
    _ts(event.ts)
    payload = _payload(event.payload, contract)
    return Event(event.id, contract.type, event.ts, payload)


def check_recent(
    event: Event, *, now: int, future_max: int = FUTURE_MAX, past_max: int = PAST_MAX
) -> Event:
    """The same event if its ``ts`` lies at most so far before and after ``now`` (microseconds).

    Raises:
        ContractViolation: it does not.
    """
    if event.ts > now + future_max:
        limit = _limit(now + future_max)
        raise ContractViolation("$.ts", f"a time not after {limit}", format_time(event.ts))
    if event.ts < now - past_max:
        limit = _limit(now - past_max)
        raise ContractViolation("$.ts", f"a time not before {limit}", format_time(event.ts))
    return event


def encode_event(event: Event) -> bytes:
    """The wire form of an event, with ``ts`` in whole microseconds.

    Example:
        >>> encode_event(Event("e1", "login", 1767225600000000, {"user_id": "u1"}))
        b'{"id":"e1","type":"login","ts":1767225600000000,"data":{"user_id":"u1"}}'
    """
    return msgspec.json.encode(
        {"id": event.id, "type": event.type, "ts": event.ts, "data": event.payload}
    )


def _event(obj: Any, contracts: ContractSet) -> Event:
    if type(obj) is not dict:
        _refuse_whole(obj)
    if obj.keys() != _ENVELOPE_SET:
        _refuse_envelope(obj)
    contract = _contract(obj["type"], contracts)
    return Event(
        _id(obj["id"]),
        contract.type,
        _ts(obj["ts"]),
        _payload(obj["data"], contract),
    )


def _payload(data: object, contract: EventContract) -> dict[str, Any]:
    if type(data) is not dict:
        if isinstance(data, Doubled):
            raise ContractViolation(f"$.data.{data.name}", "each field once", "it twice")
        raise ContractViolation("$.data", "an object of fields", shown_value(data))
    checks, required = field_checks(contract)
    payload = {}
    for name, value in data.items():
        check = checks.get(name)
        if check is None:
            _refuse_field(name, contract)
        if value is None:
            continue
        try:
            payload[name] = check(value)
        except Mismatch as mismatch:
            path = f"$.data.{name}"
            raise ContractViolation(path, mismatch.expected, mismatch.got) from None
    if not payload.keys() >= required:
        _refuse_missing(payload, data, contract)
    return payload


def _contract(name: object, contracts: ContractSet) -> EventContract:
    if type(name) is not str:
        raise ContractViolation("$.type", "the name of an event type", shown_value(name))
    try:
        return contracts.get(name)
    except Unknown as error:
        expected = f"one of the {len(error.known)} event types"
        got = shown_value(name) + near_miss(name, error.known)
        raise ContractViolation("$.type", expected, got) from None


def _id(text: object) -> str:
    if type(text) is str:
        try:
            return check_id(text)
        except Invalid:
            pass  # the refusal below names the path
    expected = "an id of 1 to 128 printable ASCII characters without spaces"
    raise ContractViolation("$.id", expected, shown_value(text))


def _ts(value: object) -> int:
    try:
        return check_instant(value)
    except Mismatch as mismatch:
        raise ContractViolation("$.ts", mismatch.expected, mismatch.got) from None


def _limit(us: int) -> str:
    return format_time(min(max(us, TIME_MIN), TIME_END))


def _refuse_whole(obj: object) -> NoReturn:
    if isinstance(obj, Doubled):
        raise ContractViolation(f"$.{obj.name}", "each name once", "it twice")
    raise ContractViolation("$", "an event object", shown_value(obj))


def _refuse_envelope(obj: dict[str, Any]) -> NoReturn:
    for name in obj:
        if name not in _ENVELOPE_SET:
            got = "the unknown name " + shown_value(name) + near_miss(name, _ENVELOPE)
            raise ContractViolation("$", "only id, type, ts and data", got)
    missing = next(name for name in _ENVELOPE if name not in obj)
    raise ContractViolation(f"$.{missing}", "a value", "nothing")


def _refuse_field(name: str, contract: EventContract) -> NoReturn:
    got = "the unknown name " + shown_value(name) + near_miss(name, contract.by_name)
    raise ContractViolation("$.data", f"only the fields of {contract.type!r}", got)


def _refuse_missing(
    payload: dict[str, Any], data: dict[str, Any], contract: EventContract
) -> NoReturn:
    name = next(f.name for f in contract.fields if f.required and f.name not in payload)
    got = "null" if name in data else "nothing"
    raise ContractViolation(f"$.data.{name}", f"{contract.field(name).kind} (required)", got)
