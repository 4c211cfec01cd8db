"""What does ASGI look like from here? Reading a bounded body, sending one whole answer."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, MutableMapping
from functools import partial
from typing import Any, cast

from assay.core.errors import TooLarge
from assay.serving.problem import Malformed, TooSlow, WrongMedia

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

RawHeaders = Iterable[tuple[bytes, bytes]]


class Begun:
    """A coroutine that was run up to the first point where it waits.

    ``done`` says that it did not wait at all; ``result`` is then what it returned. Otherwise
    await it for the rest.
    """

    __slots__ = ("_coroutine", "_waits_for", "done", "result")

    def __init__(self, awaitable: Awaitable[Message]) -> None:
        self._coroutine = awaitable.__await__()
        self.result: Message = {}
        try:
            self._waits_for: Any = next(self._coroutine)
            self.done = False
        except StopIteration as ended:
            self.result, self.done = ended.value, True

    def __await__(self) -> Generator[Any, Any, Message]:
        waits_for, rest = self._waits_for, self._coroutine
        while True:
            try:
                given = yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation must reach the coroutine
                step = partial(rest.throw, error)
            else:
                step = partial(rest.send, given)
            try:
                waits_for = step()
            except StopIteration as ended:
                return cast("Message", ended.value)


class Gone(Exception):
    """The client went away while its request was read."""


def header(headers: RawHeaders, name: bytes) -> str:
    """The value of a header that may come once; empty when it does not come.

    Raises:
        Malformed: it comes twice with different values.
    """
    found = None
    for key, value in headers:
        if key == name:
            if found is not None and value != found:
                raise Malformed(f"expected one {name.decode()} header, got several")
            found = value
    return "" if found is None else found.decode("latin-1").strip()


def has_body(headers: RawHeaders) -> bool:
    """Whether a request announces a body."""
    length = header(headers, b"content-length")
    return length not in ("", "0") or bool(header(headers, b"transfer-encoding"))


def check_media(headers: RawHeaders, expected: tuple[str, ...]) -> str:
    """The media type of the body, without parameters.

    Raises:
        WrongMedia: it is none of ``expected``, or its charset is not UTF-8.
    """
    given = header(headers, b"content-type")
    media, _, parameters = given.partition(";")
    media = media.strip().lower()
    charset = parameters.replace(" ", "").replace('"', "").lower()
    wrong_charset = charset.startswith("charset=") and charset != "charset=utf-8"
    if media not in expected or wrong_charset:
        raise WrongMedia(given[:100], expected)
    return media


async def read_body(headers: RawHeaders, receive: Receive, limit: int, seconds: float) -> bytes:
    """The whole body, never holding more than ``limit`` bytes plus one chunk of it.

    Raises:
        TooLarge: it is longer, or says it will be, before the rest is read.
        TooSlow: it did not arrive in ``seconds``.
        Malformed: its announced length is not a number.
        Gone: the client went away.
    """
    announced = header(headers, b"content-length")
    if announced and (not announced.isascii() or not announced.isdigit()):
        raise Malformed(f"expected a Content-Length in digits, got {announced[:40]!r}")
    if announced and (len(announced) > 15 or int(announced) > limit):
        raise TooLarge(f"expected a body of at most {limit} bytes, got {announced[:40]}")
    message = await _next(receive, seconds)
    body = message.get("body", b"")
    if not message.get("more_body"):
        return _within(body, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _rest(body, receive, limit)
    except TimeoutError as error:
        raise TooSlow(f"the body did not arrive within {seconds:g} s") from error


async def send_answer(
    send: Send, status: int, headers: Mapping[str, str], body: bytes, *, head: bool = False
) -> None:
    """Send one whole answer; ``head`` keeps its length and leaves its body out."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else body})


def replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives a body that was read before, then what the client does next."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _next(receive: Receive, seconds: float) -> Message:
    # A body nearly always lies there when its headers do: a timer only for those that do not
    # saves a sixth of what a decision costs here.
    reading = Begun(receive())
    if reading.done:
        message = reading.result
    else:
        try:
            async with asyncio.timeout(seconds):
                message = await reading
        except TimeoutError as error:
            raise TooSlow(f"the body did not begin within {seconds:g} s") from error
    if message["type"] == "http.disconnect":
        raise Gone
    return message


async def _rest(start: bytes, receive: Receive, limit: int) -> bytes:
    parts, size, more = [start], len(start), True
    while more:
        _check_size(size, limit)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        more = bool(message.get("more_body"))
    _check_size(size, limit)
    return b"".join(parts)


def _within(body: bytes, limit: int) -> bytes:
    _check_size(len(body), limit)
    return body


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"expected a body of at most {limit} bytes, got more")
