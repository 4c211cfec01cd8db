"""How does a request for a decision get its answer? Without a framework, and only when durable."""

import asyncio
import hashlib
from collections import deque
from concurrent.futures import Future
from functools import partial
from time import perf_counter
from typing import TypeVar
from weakref import WeakKeyDictionary

import msgspec

from assay.app.platform import Platform
from assay.core.errors import AssayError, Invalid
from assay.core.ids import check_id
from assay.decisions.record import DecisionRecord
from assay.runtime.intake import KeyConflict
from assay.serving.answers import decision_answer
from assay.serving.asgi import Application, Receive, Scope, Send, header
from assay.serving.door import visit_of
from assay.serving.metrics import Metrics
from assay.serving.problem import Malformed

T = TypeVar("T")

IDEMPOTENCY_HEADER = b"idempotency-key"
_START_HEADERS = ((b"content-type", b"application/json"),)


def decisions_endpoint(platform: Platform, metrics: Metrics) -> Application:
    """The application behind ``POST /v1/decisions``; the door has read and bounded the body.

    The engine decides on the event loop's own thread (it is one thread's by contract) and the
    answer waits, without holding that thread, until the writer says the record is durable.
    """
    encode = msgspec.json.Encoder().encode
    engine, deciding, telemetry = platform.engine, platform.deciding, platform.telemetry

    async def decide(scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        body = (await receive()).get("body", b"")
        try:
            record = await _decided(engine.decide(body, idempotency_key(scope)), scope)
        except AssayError as error:
            metrics.refused(error.code)
            raise
        answer = encode(decision_answer(record, deciding().explain))
        degraded = bool(record.degraded)
        metrics.decided(record.outcome, degraded=degraded)
        telemetry.decided(record.outcome, degraded=degraded, seconds=perf_counter() - started)
        length = (b"content-length", b"%d" % len(answer))
        await send(
            {"type": "http.response.start", "status": 200, "headers": [*_START_HEADERS, length]}
        )
        await send({"type": "http.response.body", "body": answer})

    return decide


def idempotency_key(scope: Scope) -> str | None:
    """The caller's idempotency key, bound to the caller.

    Two services may use the same key for two things; neither learns of the other's.

    Raises:
        Malformed: it is not an id.
    """
    given = header(scope["headers"], IDEMPOTENCY_HEADER)
    if not given:
        return None
    try:
        check_id(given)
    except Invalid as error:
        raise Malformed(f"Idempotency-Key: {error}") from error
    identity = visit_of(scope).identity
    user = identity.user if identity else ""
    return hashlib.sha256(f"{user} {given}".encode()).hexdigest()


async def _decided(future: "Future[DecisionRecord]", scope: Scope) -> DecisionRecord:
    """The durable record; a conflict of keys names the key as the caller sent it."""
    try:
        return await durable(future)
    except KeyConflict as error:
        given = header(scope["headers"], IDEMPOTENCY_HEADER)
        raise KeyConflict(given or error.key, error.why) from error


async def durable(future: "Future[T]") -> T:
    """Wait for another thread's future without holding this one.

    A client that goes away cancels the waiting, never the decision: it was made.
    """
    if not future.done():
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()
        future.add_done_callback(partial(_bell_of(loop).ring, loop, waiting))
        await waiting
    return future.result()


class Bell:
    """Wakes those who wait on a loop; however many ring at once, the loop is disturbed once.

    A group that was committed together resolves all its futures in a row, and a call into another
    thread's loop costs more than everything else that is done for one of them.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._rung = False

    def ring(
        self,
        loop: asyncio.AbstractEventLoop,
        waiting: "asyncio.Future[None]",
        _done: object = None,
    ) -> None:
        """Wake one who waits on ``loop``, always the same one; from any thread."""
        self._waiting.append(waiting)
        # Put first, looked at second: `_wake` lowers the flag before it empties the queue, so
        # whoever finds it up knows that a wake is still to come.
        if not self._rung:
            self._rung = True
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._rung = False
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)


_bells: "WeakKeyDictionary[asyncio.AbstractEventLoop, Bell]" = WeakKeyDictionary()


def _bell_of(loop: asyncio.AbstractEventLoop) -> Bell:
    bell = _bells.get(loop)
    if bell is None:
        bell = _bells[loop] = Bell()
    return bell
