"""How do events and labels come in over HTTP? As single bodies, each with its own answer."""

from typing import NoReturn

import msgspec

from assay.app.platform import Platform
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.contracts.label import LABEL_TYPE
from assay.contracts.quarantine import Refusal
from assay.contracts.violation import ContractViolation
from assay.core.errors import Conflict, Invalid, NotFound, TooLarge
from assay.core.ids import derived_id
from assay.core.time import check_time, format_time, parse_time
from assay.runtime.online import Ack
from assay.runtime.reserved import check_free
from assay.serving.answers import LabelBody
from assay.serving.decisions import durable
from assay.serving.problem import Malformed

#: Events handed to the engine at once: between two slices decisions get their turn.
_SLICE = 200

_OWN = frozenset({"request_id", "fraud", "source", "confidence", "reviewer"})


class LabelRefused(Invalid):
    """The log refused the label; ``code`` is the refusal's own."""

    def __init__(self, refusal: Refusal) -> None:
        self.code = refusal.code  # type: ignore[misc] # as stable as the class attribute it hides
        super().__init__(refusal.message)


def split_array(body: bytes, items_max: int) -> list[bytes]:
    """The elements of a JSON array as they were written, without looking inside.

    Raises:
        Malformed: not a JSON array.
        TooLarge: more than ``items_max`` elements.

    Example:
        >>> split_array(b'[{"a": 1}, 2]', 2)
        [b'{"a": 1}', b'2']
    """
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"expected a JSON array of events: {error}") from error
    _check_count(len(items), items_max)
    return [bytes(item) for item in items]


def split_lines(body: bytes, items_max: int) -> list[bytes]:
    """The lines that are not blank, one event each.

    Raises:
        TooLarge: more than ``items_max`` of them.
    """
    items = [line.strip() for line in body.split(b"\n") if not line.isspace() and line]
    _check_count(len(items), items_max)
    return items


async def take_in(platform: Platform, raws: list[bytes]) -> list[Ack | Refusal]:
    """Take events in, in their order; each result is durable when this returns.

    What only the review desk may say is refused here; the desk does not come this way.
    """
    results: list[Ack | Refusal] = []
    for start in range(0, len(raws), _SLICE):
        answered = await durable(platform.engine.ingest(raws[start : start + _SLICE], check_free))
        results.extend(answered)
    return results


async def take_label(platform: Platform, body: LabelBody) -> Ack:
    """Turn a label into an event, with the keys of the request it is about, and take it in.

    Raises:
        Invalid: neither or both of request and decision are named, it is older than its request,
            or the log refused it.
        NotFound: there is no such request or decision.
    """
    request = await platform.off(_request_of, platform, body)
    contract = platform.contracts.get(LABEL_TYPE)
    # A request may be a little ahead of the clock; what is known of it is not known before it.
    ts = max(platform.clock.now(), request.ts) if body.ts is None else _instant(body.ts)
    if ts < request.ts:
        expected = f"a time not before the request's, {format_time(request.ts)}"
        raise ContractViolation("$.ts", expected, format_time(ts))
    copied = {
        name: value
        for name, value in request.payload.items()
        if name in contract.by_name and name not in _OWN
    }
    payload = copied | {"request_id": request.id, "fraud": body.fraud, "source": body.source}
    # Without an id of its own, saying the same thing again is the same event.
    label_id = body.id or derived_id("lab", request.id, body.source, str(body.fraud), str(body.ts))
    event = Event(label_id, LABEL_TYPE, ts, payload)
    (result,) = await durable(platform.engine.ingest([encode_event(event)], check_free))
    if isinstance(result, Refusal):
        _refuse(result)
    return result


def _request_of(platform: Platform, body: LabelBody) -> Event:
    if (body.request_id is None) == (body.decision_id is None):
        raise Invalid("expected either request_id or decision_id")
    event_id = body.request_id
    if body.decision_id is not None:
        record = platform.log.decision(body.decision_id)
        if record is None:
            raise NotFound(f"there is no decision {body.decision_id!r}")
        event_id = record.event
    entry = platform.log.entry(event_id or "")
    if entry is None or entry.erased is not None or entry.event.type != platform.request.type:
        raise NotFound(f"there is no request {event_id!r}")
    return entry.event


def _instant(value: str | int) -> int:
    return check_time(value) if isinstance(value, int) else parse_time(value)


def _refuse(refusal: Refusal) -> NoReturn:
    if refusal.code == Conflict.code:
        raise Conflict(refusal.message)
    raise LabelRefused(refusal)


def _check_count(count: int, items_max: int) -> None:
    if count > items_max:
        raise TooLarge(f"expected at most {items_max} events in one request, got {count}")
