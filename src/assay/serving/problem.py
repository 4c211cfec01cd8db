"""Which HTTP status does an error become, and what does the answer say? One table (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from assay.contracts.violation import ContractViolation
from assay.core.errors import (
    AssayError,
    Conflict,
    Forbidden,
    GateRefused,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from assay.runtime.access import WrongMethod

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1


class WrongMedia(Invalid):
    """The body is of a media type this route does not read."""

    code = "unsupported_media_type"

    def __init__(self, got: str, expected: tuple[str, ...]) -> None:
        self.expected = expected
        super().__init__(f"expected a body of {' or '.join(expected)}, got {got or 'no type'}")


class Malformed(Invalid):
    """The request cannot be read at all: broken JSON, a header out of form."""

    code = "malformed"


class TooSlow(Invalid):
    """The client did not send its body in the time it has."""

    code = "request_timeout"


class Overloaded(Unavailable):
    """More requests are in flight than the server works on at once."""

    code = "overloaded"


#: All that a caller learns of an error nobody planned for.
BROKEN = "something broke; the log has it under {}"


class Broken(AssayError):
    """An error nobody planned for: the log holds it under the request id."""

    code = "internal"


#: The first class that fits decides; the most specific stand first.
STATUS: tuple[tuple[type[AssayError], int], ...] = (
    (Malformed, HTTPStatus.BAD_REQUEST),
    (TooSlow, HTTPStatus.REQUEST_TIMEOUT),
    (WrongMethod, HTTPStatus.METHOD_NOT_ALLOWED),
    (WrongMedia, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Refused, HTTPStatus.CONFLICT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (AssayError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


class Problem(msgspec.Struct, frozen=True):
    """An error as it leaves over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def status_of(error: AssayError) -> int:
    """The status from the table; a body that is not JSON is 400, one that breaks its contract 422.

    Example:
        >>> status_of(Conflict("the same id with another body")), status_of(Broken(""))
        (409, 500)
    """
    if isinstance(error, ContractViolation) and error.path == "$" and "JSON" in error.expected:
        return int(HTTPStatus.BAD_REQUEST)
    return next(int(status) for kind, status in STATUS if isinstance(error, kind))


def problem_of(error: AssayError, request_id: str) -> Problem:
    """The RFC 9457 document for a deliberate error.

    ``type`` is a stable URN made of the error's code; ``instance`` names the request, so that a
    caller's report can be found in the log.
    """
    status = status_of(error)
    document: dict[str, Any] = {
        "type": f"urn:assay:problem:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(error),
        "instance": f"urn:assay:request:{request_id}",
        "code": error.code,
    }
    if isinstance(error, ContractViolation):
        document |= {"path": error.path, "expected": error.expected, "got": error.got}
    if isinstance(error, GateRefused):
        document["why"] = error.why
    return Problem(status, msgspec.json.encode(document), _headers(error))


def _headers(error: AssayError) -> dict[str, str]:
    headers = {"content-type": MEDIA_TYPE}
    match error:
        case Unauthenticated():
            headers["www-authenticate"] = 'Bearer realm="assay"'
        case Unavailable():
            headers["retry-after"] = str(RETRY_AFTER_S)
        case WrongMethod():
            headers["allow"] = ", ".join(error.allowed)
        case WrongMedia():
            headers["accept-post"] = ", ".join(error.expected)
        case _:
            pass
    return headers
