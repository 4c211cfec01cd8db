import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from assay.core.errors import AssayError, Unauthenticated, Unavailable
from assay.runtime.access import AccessTable, Grant
from assay.runtime.identity import Identity, Role
from assay.serving.asgi import RawHeaders, Receive, Scope, Send, header, send_answer
from assay.serving.door import Door, Room, Visit, visit_of
from assay.serving.logs import log_as_json
from assay.serving.metrics import Metrics
from assay.serving.problem import problem_of

ADA = Identity("ada", "human", frozenset({Role.AUDITOR}), "t", 1)
TABLE = AccessTable(
    [
        Grant("GET", "/open", None),
        Grant("GET", "/mine", frozenset({Role.AUDITOR})),
        Grant("GET", "/other", frozenset({Role.ADMIN})),
        Grant("POST", "/mine", frozenset({Role.AUDITOR}), 10),
    ]
)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    visit = visit_of(scope)
    body = (await receive()).get("body", b"") if scope["method"] == "POST" else b""
    user = visit.identity.user if visit.identity else "nobody"
    await send_answer(send, 200, {"cache-control": "max-age=1"}, user.encode() + b":" + body)


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("secret detail")


async def unavailable(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise Unavailable("later")


def identify(headers: RawHeaders) -> Identity | None:
    text = header(headers, b"authorization")
    if text == "bad":
        raise Unauthenticated("bad token")
    return ADA if text else None


def refuse(error: AssayError, visit: Visit, _headers: RawHeaders) -> Any:
    problem = problem_of(error, visit.request_id)
    return problem.status, problem.headers, problem.body


def call(
    method: str, path: str, *, app: Any = echo, token: str = "good", body: bytes = b"", **door: Any
) -> httpx.Response:
    room = Room(lambda _: True, TABLE, identify, refuse, app, headers={"x-room": "one"})
    options: dict[str, Any] = {"in_flight_max": 5, "body_seconds": 1, "access_log": False, **door}
    made = Door((room,), Metrics(), lambda: "r-1", **options)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(made)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            headers = {"authorization": token, "content-type": "application/json"}
            return await client.request(method, path, headers=headers, content=body)

    return asyncio.run(run())


def test_a_handler_sees_the_identity_and_the_body() -> None:
    assert call("POST", "/mine", body=b"{}").text == "ada:{}"
    assert call("GET", "/open", token="").text == "nobody:"


def test_a_wrong_token_on_an_open_route_is_not_even_looked_at() -> None:
    assert call("GET", "/open", token="bad").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", "/mine", "", 401),
        ("GET", "/mine", "bad", 401),
        ("GET", "/other", "good", 403),
        ("GET", "/none", "", 401),
        ("GET", "/none", "bad", 401),
        ("GET", "/none", "good", 404),
        ("DELETE", "/mine", "good", 405),
        ("DELETE", "/mine", "", 401),
        ("GET", "/mine/../other", "good", 403),
        ("GET", "/mine%2f..%2fother", "good", 404),
        ("GET", "//mine", "good", 404),
    ],
)
def test_who_may_not_enter_never_reaches_a_handler(
    method: str, path: str, token: str, status: int
) -> None:
    assert call(method, path, token=token, app=broken).status_code == status


def test_every_answer_has_the_doors_headers_and_the_rooms_and_a_handlers_own_win() -> None:
    for answer in (call("GET", "/mine"), call("GET", "/none"), call("GET", "/mine", app=broken)):
        assert answer.headers["x-request-id"] == "r-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-room"] == "one"
    assert call("GET", "/mine").headers["cache-control"] == "max-age=1"
    assert call("GET", "/none").headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in call("GET", "/mine").headers
    assert "strict-transport-security" in call("GET", "/mine", strict_transport=True).headers


def test_what_breaks_says_nothing_but_its_id() -> None:
    with structlog.testing.capture_logs() as lines:
        answer = call("GET", "/mine", app=broken)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["detail"].endswith("r-1")
    assert [line["request"] for line in lines] == ["r-1"]


def test_a_deliberate_error_of_a_fast_handler_is_said_by_the_room() -> None:
    answer = call("GET", "/mine", app=unavailable)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_body_for_a_route_without_one_is_ignored() -> None:
    assert call("GET", "/mine", body=b"x" * 100).status_code == 200


def test_no_more_requests_are_worked_on_than_allowed() -> None:
    assert call("GET", "/mine", in_flight_max=0).status_code == 503


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    door = Door((), Metrics(), str, in_flight_max=1, body_seconds=1, access_log=False)
    asyncio.run(door({"type": "websocket", "path": "/"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    import logging

    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    stream = io.BytesIO()
    log_as_json(stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)


def test_the_log_has_one_json_line_a_request_and_nothing_of_its_content(lines: io.BytesIO) -> None:
    call("POST", "/mine", body=b'"hidden"', access_log=True)
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["route"], line["status"], line["user"]) == ("/mine", 200, "ada")
    assert b"hidden" not in lines.getvalue()
    assert b"good" not in lines.getvalue()


def test_what_libraries_log_becomes_json_too(lines: io.BytesIO) -> None:
    import logging

    logging.getLogger("uvicorn.error").warning("port %s", 1)
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["event"], line["level"]) == ("port 1", "warning")
