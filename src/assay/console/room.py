"""How is the console put behind the door? Its pages, its access, its way of saying no."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from assay.app.platform import Platform
from assay.console import pages, signin
from assay.console.access import console_access
from assay.console.desk import PAGES, Desk
from assay.console.render import PAGE_HEADERS, html
from assay.console.sessions import Sessions
from assay.console.visitor import Asked, Cookies, RawHeaders, Visit, cookie, visit_of
from assay.core.errors import AssayError, Invalid, NotFound, Unauthenticated, Unavailable
from assay.runtime.access import AccessTable
from assay.runtime.identity import Identity

Answer = tuple[int, Mapping[str, str], bytes]

_TITLES = {401: "Sign in first", 403: "Not allowed", 404: "Not found", 409: "Not possible now"}


class Broken(AssayError):
    """An error nobody planned for."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class ConsoleRoom:
    """What a door needs to put the console behind it."""

    owns: Callable[[str], bool]
    access: AccessTable
    identify: Callable[[RawHeaders], Identity | None]
    refuse: Callable[[AssayError, Visit, RawHeaders], Answer]
    app: Any
    headers: Mapping[str, str]


def console_room(platform: Platform, status_of: Callable[[AssayError], int]) -> ConsoleRoom:
    """The console of a platform.

    Args:
        platform: what it shows.
        status_of: the HTTP status of an error, the same table as the API's.
    """
    settings = platform.settings.console
    sessions = Sessions(
        platform.identity,
        platform.clock.wall,
        secrets.token_bytes,
        longest=settings.session,
        idle=settings.idle,
        attempts=settings.attempts,
    )
    cookies = Cookies(secure=platform.settings.server.speaks_tls)
    desk = Desk(platform, sessions, cookies)

    def identify(headers: RawHeaders) -> Identity | None:
        secret = cookie(headers, cookies.session)
        return sessions.identity(secret) if secret else None

    def refuse(error: AssayError, visit: Visit, headers: RawHeaders) -> Answer:
        if isinstance(error, Unauthenticated) and visit.identity is None:
            target = f"?next={quote(visit.path)}" if visit.method == "GET" else ""
            return 303, {"location": f"/console/login{target}"}, b""
        return _error_page(desk, error, status_of(error), visit, headers)

    def on_error(request: Asked, error: AssayError) -> Response[bytes]:
        status, extra, body = refuse(error, visit_of(request), request.scope["headers"])
        return Response(body, status_code=status, headers=dict(extra))

    return ConsoleRoom(
        owns=lambda path: path == "/" or path == "/console" or path.startswith("/console/"),
        access=console_access(platform.settings.limits.other_bytes),
        identify=identify,
        refuse=refuse,
        app=Litestar(
            route_handlers=[*signin.HANDLERS, *pages.HANDLERS],
            state=State({"desk": desk}),
            openapi_config=None,
            exception_handlers={
                AssayError: on_error,
                HTTPException: lambda request, error: on_error(request, _translated(error)),
                Exception: lambda request, error: on_error(request, _surprise(request, error)),
            },
            logging_config=None,
            debug=False,
        ),
        headers=PAGE_HEADERS,
    )


def _error_page(
    desk: Desk, error: AssayError, status: int, visit: Visit, headers: RawHeaders
) -> Answer:
    secret = cookie(headers, desk.cookies.session)
    context = {
        "title": _TITLES.get(status, "Something is wrong"),
        "detail": str(error),
        "code": error.code,
        "status": status,
        "user": visit.identity,
        "pages": PAGES,
        "here": "",
        "csrf": desk.sessions.csrf(secret),
        "workload": desk.platform.settings.workload,
        "request_id": visit.request_id,
    }
    body = html("error.html", context).encode()
    extra = {"retry-after": "1"} if isinstance(error, Unavailable) else {}
    return status, {"content-type": "text/html; charset=utf-8", **extra}, body


def _surprise(request: Asked, error: Exception) -> AssayError:
    request_id = visit_of(request).request_id
    structlog.get_logger("assay.http").error("broken", request=request_id, exc_info=error)
    return Broken(f"something broke; the log has it under {request_id}")


def _translated(error: HTTPException) -> AssayError:
    if error.status_code == 404:
        return NotFound("there is no such page")
    if error.status_code >= 500:
        return Broken("something broke; the log has it under the request's id")
    return Invalid(str(error.detail))
