"""Which error does an answer that is none become? The same classes as inside the platform."""

from collections.abc import Mapping
from typing import Any

from assay.core.errors import (
    AssayError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

_BY_STATUS: dict[int, type[AssayError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: Unavailable,
}


class Rejected(Invalid):
    """The platform refused the body: ``path`` says where, ``problem`` holds all it said."""

    code = "rejected"

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.path = str(problem.get("path", ""))
        super().__init__(str(problem.get("detail", "the request was refused")))


def error_of(status: int, problem: Mapping[str, Any]) -> AssayError:
    """The error that an answer with this status and problem document means.

    Example:
        >>> error_of(409, {"detail": "the id was used", "code": "conflict"})
        Conflict('the id was used')
    """
    text = str(problem.get("detail", f"the server answered {status}"))
    if problem.get("code") == "gate_refused":
        return Refused(text)
    if status >= 500:
        return Unavailable(text)
    kind = _BY_STATUS.get(status)
    return kind(text) if kind is not None else Rejected(problem)
