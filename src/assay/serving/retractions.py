"""How is an event taken back or put right over HTTP? By its id, answered when durable."""

from typing import NoReturn

import msgspec

from assay.app.platform import Platform
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.contracts.retraction import RETRACTION_TYPE
from assay.core.errors import Conflict, Invalid, NotFound
from assay.core.ids import derived_id
from assay.core.time import check_time, parse_time
from assay.runtime.online import Ack
from assay.runtime.reserved import check_free
from assay.serving.answers import CorrectionBody, RetractionBody
from assay.serving.bodies import body_as
from assay.serving.decisions import durable


class _Written(msgspec.Struct):
    event: msgspec.Raw


class RetractionRefused(Invalid):
    """The log refused the retraction; ``code`` is the refusal's own."""

    def __init__(self, refusal: Refusal) -> None:
        self.code = refusal.code  # type: ignore[misc] # as stable as the class attribute it hides
        super().__init__(refusal.message)


async def take_back(platform: Platform, event_id: str, body: RetractionBody) -> Ack:
    """Take an event back; the same again is a duplicate.

    Raises:
        NotFound: there is no such event.
        Invalid: the log refused the retraction.
    """
    raw = encode_event(await _retraction(platform, event_id, body))
    (result,) = await durable(platform.engine.ingest([raw], check_free))
    if isinstance(result, Refusal):
        _refuse(result)
    return result


async def correct(platform: Platform, event_id: str, raw: bytes) -> list[Ack]:
    """Take an event back and take in what replaces it: both or neither.

    Returns:
        What became of the new event, then of the retraction.

    Raises:
        NotFound: there is no such event.
        Invalid: either was refused; nothing was taken in.
    """
    body = body_as(CorrectionBody, raw)
    # As it was written: a name that comes twice in it is for the contract to find.
    event = bytes(msgspec.json.decode(raw, type=_Written).event)
    retraction = encode_event(await _retraction(platform, event_id, body))
    results = await durable(platform.engine.correct(event, retraction, check_free))
    return [result for result in results if isinstance(result, Ack)]


async def _retraction(
    platform: Platform, event_id: str, body: RetractionBody | CorrectionBody
) -> Event:
    # Without an id of its own, taking the same event back again is the same retraction.
    name, ts = body.id or derived_id("ret", event_id), body.ts
    if ts is None:
        said = await platform.off(platform.log.event, name)
        at = platform.clock.now() if said is None else said.event.ts
    else:
        at = check_time(ts) if isinstance(ts, int) else parse_time(ts)
    payload = {"event": event_id} | ({} if body.reason is None else {"reason": body.reason})
    return Event(name, RETRACTION_TYPE, at, payload)


def _refuse(refusal: Refusal) -> NoReturn:
    kinds: dict[str, type[Invalid]] = {Conflict.code: Conflict, NotFound.code: NotFound}
    kind = kinds.get(refusal.code)
    raise RetractionRefused(refusal) if kind is None else kind(refusal.message)
