"""How is an event taken back? By another event that names it: a fact of its own, weight -1.

On the wire a retraction names the event and a reason. In the log it also holds what the event
said, so that whoever folds the log needs no look-up to take it back.
"""

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event

RETRACTION_TYPE = "retraction"
RETRACTION = EventContract(
    type=RETRACTION_TYPE,
    version=1,
    about="An earlier event did not happen, or not as it was said: it stops counting.",
    fields=(
        Field(name="event", kind="text", length_max=128, about="id of the event taken back"),
        Field(name="reason", kind="text", required=False, length_max=500, about="why"),
    ),
    keys=(),
)
_SAID = ("type", "ts", "data")


def with_retractions(contracts: ContractSet) -> ContractSet:
    """The same contracts and that of retractions, which every platform takes in.

    Raises:
        Invalid: a contract has the reserved type ``retraction``.
    """
    return ContractSet([*contracts, RETRACTION])


def completed(retraction: Event, target: Event) -> Event:
    """The retraction as the log keeps it: with what the event said.

    Example:
        >>> back = Event("r1", "retraction", 9, {"event": "e1", "reason": "sent twice"})
        >>> target_of(completed(back, Event("e1", "login", 5, {"user": "u"})))
        Event(id='e1', type='login', ts=5, payload={'user': 'u'})
    """
    said = {"type": target.type, "ts": target.ts, "data": target.payload}
    return Event(retraction.id, retraction.type, retraction.ts, retraction.payload | said)


def as_sent(event: Event) -> Event:
    """The event as its sender said it: a retraction without what the log added."""
    if event.type != RETRACTION_TYPE:
        return event
    said = {name: value for name, value in event.payload.items() if name not in _SAID}
    return Event(event.id, event.type, event.ts, said)


def target_of(retraction: Event) -> Event:
    """The event a retraction takes back; without type and content where it was never completed.

    A state that meets the event later keeps it away by its id alone.
    """
    payload = retraction.payload
    return Event(
        payload["event"], payload.get("type", ""), payload.get("ts", 0), payload.get("data", {})
    )


def told_of(event: Event) -> Event:
    """The event whose content this one is about: of a retraction its target, else itself."""
    return target_of(event) if event.type == RETRACTION_TYPE else event


def retraction_key(event_id: str) -> str:
    """The log's own key for the retraction of an event: one event is taken back once.

    It holds a space, which no caller's idempotency key may.
    """
    return f"{RETRACTION_TYPE} {event_id}"
