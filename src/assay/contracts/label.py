"""What was it really? A label is an event that says how a request turned out.

Its ``ts`` is when the outcome became known (the chargeback's report), not when the fraud happened;
of several labels of one request the one with the last ``ts`` counts, so a reversal is a new fact.
"""

from collections.abc import Iterable

from assay.contracts.contract import EventContract, Field
from assay.core.errors import Invalid

LABEL_TYPE = "label"
SOURCES = ("chargeback", "review", "manual", "reversal")


def label_contract(copied: Iterable[Field] = ()) -> EventContract:
    """The contract of labels; ``copied`` are fields of the request (its keys, its amount).

    They let a feature count the known frauds of an entity. Each is optional here, whatever it is
    on the request: a chargeback report may not name them all.

    Raises:
        Invalid: a copied field has the name of one of the label's own.

    Example:
        >>> label_contract((Field(name="user_id", kind="text"),)).keys
        ('user_id',)
    """
    own = _own_fields()
    names = {field.name for field in own}
    extra = tuple(_optional(field) for field in copied)
    for field in extra:
        if field.name in names:
            raise Invalid(f"a label has its own field {field.name!r}; copy others only")
    keys = tuple(field.name for field in extra if field.kind == "text" and not field.choices)
    about = "The outcome of an earlier request, at the moment it became known."
    return EventContract(type=LABEL_TYPE, version=1, fields=own + extra, keys=keys, about=about)


def _own_fields() -> tuple[Field, ...]:
    return (
        Field(name="request_id", kind="text", length_max=128, about="id of the request event"),
        Field(name="fraud", kind="bool", about="whether the request was fraud"),
        Field(name="source", kind="text", choices=SOURCES, about="who says so"),
        Field(
            name="confidence",
            kind="real",
            required=False,
            low=0.0,
            high=1.0,
            about="how sure the source is; absent means certain",
        ),
        Field(
            name="reviewer",
            kind="text",
            required=False,
            sensitivity="personal",
            about="who judged, for source review",
        ),
    )


def _optional(field: Field) -> Field:
    return Field(
        name=field.name,
        kind=field.kind,
        required=False,
        unit=field.unit,
        sensitivity=field.sensitivity,
        low=field.low,
        high=field.high,
        length_max=field.length_max,
        choices=field.choices,
        about=field.about,
    )
