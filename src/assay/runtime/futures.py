"""What does a caller who waits get: the answer given before, or the reason why there is none?"""

from concurrent.futures import Future
from typing import Any, TypeVar

from assay.core.errors import AssayError, Conflict, shown
from assay.decisions.record import DecisionRecord
from assay.runtime.ports import Entry

_T = TypeVar("_T")


def failed(future: Future[_T], error: AssayError) -> Future[_T]:
    """The future, failed with the error."""
    future.set_exception(error)
    return future


def again(
    future: Future[DecisionRecord], entry: Entry, pending: Future[Any] | None
) -> Future[DecisionRecord]:
    """The decision that was made on the event before, once it is durable.

    Raises:
        Conflict: it was taken in without a decision.
    """
    if entry.record is None:
        raise Conflict(
            f"event {shown(entry.event.id)} was taken in before without a decision: send a new "
            "request under a new id"
        )
    if pending is not None:
        return pending
    future.set_result(entry.record)
    return future
