"""How does a request for a decision get its answer? Without a framework, and only when durable."""

import asyncio
import hashlib
from concurrent.futures import Future
from time import perf_counter
from typing import TypeVar

import msgspec

from assay.app.platform import Platform
from assay.core.errors import AssayError, Invalid
from assay.core.ids import check_id
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
    engine, explain, telemetry = platform.engine, platform.explain, platform.telemetry

    async def decide(scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        body = (await receive()).get("body", b"")
        try:
            record = await durable(engine.decide(body, idempotency_key(scope)))
        except AssayError as error:
            metrics.refused(error.code)
            raise
        answer = encode(decision_answer(record, explain))
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


async def durable(future: "Future[T]") -> T:
    """Wait for another thread's future without holding this one.

    A client that goes away cancels the waiting, never the decision: it was made.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiting.done():
            waiting.set_result(None)

    future.add_done_callback(lambda _: loop.call_soon_threadsafe(wake))
    await waiting
    return future.result()
