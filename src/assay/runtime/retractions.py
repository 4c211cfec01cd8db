"""May this event be taken back, and has it been already? Asked before a retraction gets its place.

A retraction is idempotent twice: by its own id, like every event, and by the event it takes back.
The second holds by a key of the log's own, which the log accepts once, so that it also holds over
restarts and between two that arrive together.
"""

from assay.contracts.event import Event
from assay.contracts.retraction import RETRACTION_TYPE, completed, retraction_key
from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Conflict, NotFound, shown
from assay.review.verdict import LABEL_PREFIX
from assay.runtime.live import Live
from assay.runtime.ports import Entry, EventLog
from assay.runtime.reserved import Reserved


def earlier(live: Live, log: EventLog, event_id: str) -> Entry | None:
    """The retraction of an event that is in the log already, or on its way to it."""
    key = retraction_key(event_id)
    if key not in live.seen_keys:
        return None
    return live.pending_keys.get(key) or log.entry_of_key(key)


def complete(live: Live, log: EventLog, retraction: Event, *, any_order: bool = False) -> Event:
    """The retraction with what its event said, ready for the log.

    In ``any_order`` the event may come later or lie in another partition: the retraction then goes
    into the log as it was sent, and the event stays away whenever it comes.

    Raises:
        NotFound: there is no such event (yet), and order matters.
        Reserved: it is the label of a verdict, which the desk alone may say or take back.
        ContractViolation: it is itself a retraction.
    """
    name = retraction.payload["event"]
    target = _entry(live, log, name)
    gone = target is not None and target.erased is not None
    if gone or (target is None and not any_order):
        raise NotFound(
            f"there is no event {shown(name)} to take back: send it first, or correct the id"
        )
    if target is not None and target.event.type == RETRACTION_TYPE:
        expected = "an event that is no retraction (what was taken back is sent under a new id)"
        raise ContractViolation("$.data.event", expected, shown_value(name))
    if name.startswith(LABEL_PREFIX):
        expected = "an event that is not the label of a verdict: the desk alone says those"
        raise Reserved("$.data.event", expected, shown_value(name))
    return retraction if target is None else completed(retraction, target.event)


def is_new_correction(live: Live, log: EventLog, retraction: Event, event: Event) -> bool:
    """Whether both halves of a correction are new; False when both were taken in before.

    Raises:
        Conflict: one of them was, without the other: taking in the rest would count a thing twice
            or lose it.
    """
    before = earlier(live, log, retraction.payload["event"])
    known = _entry(live, log, event.id)
    if before is None and known is None and _entry(live, log, retraction.id) is None:
        return True
    if before is None or before.event.id != retraction.id:
        taken = "not taken back by" if before is None else f"taken back by {before.event.id}, not"
        raise Conflict(
            f"event {shown(retraction.payload['event'])} was {taken} {retraction.id}, so this is "
            "not a repetition of that correction: correct the event that counts now, under new ids"
        )
    if known is None:
        raise Conflict(
            f"retraction {retraction.id} was taken in before without event {shown(event.id)}: "
            "send the event by itself, or correct what replaced it"
        )
    return False


def _entry(live: Live, log: EventLog, event_id: str) -> Entry | None:
    if event_id not in live.seen_ids:
        return None
    pending = live.pending.get(event_id)
    return log.entry(event_id) if pending is None else pending[0]
