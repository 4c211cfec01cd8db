"""What happens to every request before and after its handler? Identity, access, limits, log.

Behind the door are rooms (the API, the console), each with its own table of grants, its own way of
telling who is there and its own way of saying no. A handler is reached only when the room's table
has the route and permits the identity; the body has then been read and is within its limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import structlog

from assay.core.errors import AssayError
from assay.runtime.access import ANYONE, AccessTable, Grant
from assay.runtime.identity import Identity
from assay.serving.asgi import (
    Application,
    Gone,
    Message,
    RawHeaders,
    Receive,
    Scope,
    Send,
    check_media,
    has_body,
    read_body,
    replayed,
    send_answer,
)
from assay.serving.metrics import Metrics
from assay.serving.problem import BROKEN, Broken, Overloaded

#: On every answer, whatever sent it.
SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}

log = structlog.get_logger("assay.http")


@dataclass(slots=True)
class Visit:
    """One request on its way: what the log line says of it, and the identity once known."""

    request_id: str
    method: str
    path: str
    route: str = "unknown"
    identity: Identity | None = None
    status: int = 0
    started: float = field(default_factory=perf_counter)


#: Status, headers and body that say an error in a room's own manner.
Answer = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Room:
    """One application behind the door.

    ``owns`` chooses the room by the path. ``identify`` gives the identity the headers prove, or
    None when they claim none; it raises Unauthenticated when what they claim is wrong. ``refuse``
    says an error. ``fast`` maps routes to applications that bypass the room's framework.
    ``headers`` are added to those of the door.
    """

    owns: Callable[[str], bool]
    access: AccessTable
    identify: Callable[[RawHeaders], Identity | None]
    refuse: Callable[[AssayError, Visit, RawHeaders], Answer]
    app: Application
    fast: Mapping[tuple[str, str], Application] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Door:
    """The outermost ASGI application.

    Args:
        rooms: the first that owns a path gets it; the last must own every path.
        metrics: where requests are counted.
        request_ids: makes a fresh id a request.
        in_flight_max: requests worked on at once; more get 503 with Retry-After.
        body_seconds: how long a client may take to send its body.
        access_log: whether each request is logged.
        strict_transport: whether to tell browsers to stay on TLS.
    """

    def __init__(
        self,
        rooms: tuple[Room, ...],
        metrics: Metrics,
        request_ids: Callable[[], str],
        *,
        in_flight_max: int,
        body_seconds: float,
        access_log: bool,
        strict_transport: bool = False,
    ) -> None:
        self._metrics, self._request_ids = metrics, request_ids
        self._in_flight_max, self._body_seconds = in_flight_max, body_seconds
        self._access_log, self._in_flight = access_log, 0
        metrics.watch("assay_http_in_flight", "Requests being worked on.", lambda: self._in_flight)
        always = dict(SECURITY_HEADERS)
        if strict_transport:
            always["strict-transport-security"] = "max-age=63072000"
        self._rooms = tuple((room, _raw(always | dict(room.headers))) for room in rooms)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        visit = Visit(self._request_ids(), scope["method"], scope["path"])
        room, headers = self._room(visit.path)
        sending = _completed(send, visit, headers)
        self._in_flight += 1
        try:
            await self._visit(room, visit, scope, receive, sending)
        finally:
            self._in_flight -= 1
            self._finish(visit)

    async def _visit(
        self, room: Room, visit: Visit, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            self._check_load()
            await self._enter(room, visit, scope, receive, send)
        except Gone:
            visit.status = 499  # nobody is left to read an answer; the log line still says so
        except AssayError as error:
            await self._refuse(room, visit, scope, send, error)
        except Exception:  # the edge of the process: the log gets everything, the caller nothing
            log.exception("broken", request=visit.request_id, route=visit.route)
            if not visit.status:
                broken = Broken(BROKEN.format(visit.request_id))
                await self._refuse(room, visit, scope, send, broken)

    def _check_load(self) -> None:
        if self._in_flight > self._in_flight_max:
            raise Overloaded(f"{self._in_flight_max} requests are in flight; try again")

    async def _enter(
        self, room: Room, visit: Visit, scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers = scope["headers"]
        # HEAD is GET without a body, for every route.
        method = "GET" if visit.method == "HEAD" else visit.method
        grant = self._grant(room, visit, method, headers)
        if grant.body_max:
            if has_body(headers):
                check_media(headers, grant.media)
            body = await read_body(headers, receive, grant.body_max, self._body_seconds)
            receive = replayed(body, receive)
        if visit.method == "HEAD":
            # A copy: the server still has to know that it answers a HEAD.
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        scope["assay.visit"] = visit
        application = room.fast.get((method, grant.path), room.app)
        await application(scope, receive, send)

    def _grant(self, room: Room, visit: Visit, method: str, headers: RawHeaders) -> Grant:
        try:
            grant = room.access.find(method, visit.path)
        except AssayError:
            # Whoever cannot say who they are does not learn which routes exist.
            visit.identity = room.identify(headers)
            Grant(method, "/", ANYONE).permit(visit.identity)
            raise
        visit.route = grant.path
        if grant.roles is not None:
            visit.identity = room.identify(headers)
            grant.permit(visit.identity)
        return grant

    async def _refuse(
        self, room: Room, visit: Visit, scope: Scope, send: Send, error: AssayError
    ) -> None:
        status, headers, body = room.refuse(error, visit, scope["headers"])
        await send_answer(send, status, headers, body, head=visit.method == "HEAD")

    def _room(self, path: str) -> tuple[Room, list[tuple[bytes, bytes]]]:
        return next((r, h) for r, h in self._rooms if r.owns(path))

    def _finish(self, visit: Visit) -> None:
        seconds = perf_counter() - visit.started
        self._metrics.request(visit.method, visit.route, visit.status, seconds)
        if self._access_log:
            log.info(
                "request",
                request=visit.request_id,
                method=visit.method,
                route=visit.route,
                status=visit.status,
                ms=round(seconds * 1e3, 3),
                user=visit.identity.user if visit.identity else None,
            )


def visit_of(scope: Mapping[str, Any]) -> Visit:
    """The visit a handler serves."""
    visit = scope["assay.visit"]
    assert isinstance(visit, Visit)
    return visit


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _completed(send: Send, visit: Visit, headers: list[tuple[bytes, bytes]]) -> Send:
    """``send`` that notes the status and adds those of the door's headers no handler set."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            visit.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given.extend(pair for pair in headers if pair[0] not in names)
            given.append((b"x-request-id", visit.request_id.encode()))
            message = {**message, "headers": given}
        await send(message)

    return sending
