"""Which names are the platform's own, so that no contract of a workload may have them?"""

from collections.abc import Iterable

from assay.contracts.contract import EventContract
from assay.contracts.retraction import RETRACTION_TYPE
from assay.core.errors import Invalid

ERASURE_TYPE = "erasure"  #: only the platform itself writes such an event
#: ``label`` is no such type: a workload may add fields to its contract.
RESERVED_TYPES = (ERASURE_TYPE, RETRACTION_TYPE)
#: A column of the output; no value may have that name either.
EVENT_ID = "event_id"
#: Where events are columns these stand beside the payload's: the envelope, when the event was
#: known, and what the stages of a backfill (the last five, those on Spark) write on a row.
RESERVED_FIELDS = (
    "id", "type", "ts", EVENT_ID, "known_at", "ordinal", "asked",
    "bucket", "slice", "lookup", "bits", "known",
)  # fmt: skip


def check_reserved(contracts: Iterable[EventContract]) -> None:
    """Return when the contracts of a workload leave the platform its own names.

    Raises:
        Invalid: an event type or a payload field has one of them; the message lists them.

    Example:
        >>> check_reserved([EventContract(type="erasure", version=1, keys=(), fields=())])
        Traceback (most recent call last):
            ...
        assay.core.errors.Invalid: event type 'erasure': the platform itself writes events of \
that type (reserved: erasure, retraction); give yours another name
    """
    for contract in contracts:
        if contract.type in RESERVED_TYPES:
            raise Invalid(
                f"event type {contract.type!r}: the platform itself writes events of that type "
                f"(reserved: {', '.join(RESERVED_TYPES)}); give yours another name"
            )
        for field in contract.fields:
            if field.name in RESERVED_FIELDS:
                raise Invalid(
                    f"field {field.name!r} of {contract.type!r}: where events are columns, that "
                    f"name is the platform's own (reserved: {', '.join(RESERVED_FIELDS)}); give "
                    "the field another name"
                )
