"""What may nobody but the review desk say? What a reviewer found, and the ids such labels get."""

from assay.contracts.event import Event
from assay.contracts.violation import ContractViolation, shown_value
from assay.review.verdict import LABEL_PREFIX, LABEL_TYPE


class Reserved(ContractViolation):
    """Only the review desk may say this; every other caller could only forge it."""

    code = "reserved"


def check_id_free(event: Event) -> Event:
    """The same event, if its id is not one that the label of a verdict could have.

    Raises:
        Reserved: it is: the id alone would close the case, or keep its verdict out.
    """
    if event.id.startswith(LABEL_PREFIX):
        expected = f'an id that does not begin with "{LABEL_PREFIX}", which verdicts have'
        raise Reserved("$.id", expected, shown_value(event.id))
    return event


def check_free(event: Event) -> Event:
    """The same event, if anybody who may send events may say it.

    Raises:
        Reserved: it is a reviewer's label, or has the id of one.

    Example:
        >>> said = {"request_id": "b1", "fraud": True, "source": "chargeback"}
        >>> check_free(Event("c1", "label", 0, said)).id
        'c1'
    """
    check_id_free(event)
    if event.type == LABEL_TYPE:
        if event.payload.get("source") == "review":
            expected = 'a source other than "review": the desk alone says that'
            raise Reserved("$.data.source", expected, '"review"')
        if "reviewer" in event.payload:
            expected = "no reviewer: a verdict at the desk names one"
            raise Reserved("$.data.reviewer", expected, shown_value(event.payload["reviewer"]))
    return event
