"""What comes before a request reaches the door, on real sockets."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from tests.integration.served_home import make_home, serving
from uvicorn.server import ServerState

from assay.serving.asgi import Receive, Scope, Send, send_answer
from assay.serving.wire_limits import LimitedProtocol

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Small(LimitedProtocol):
    """Limits that a test can reach."""

    head_bytes_max = 1000
    head_seconds = 0.2
    connections_max = 3


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send_answer(send, 200, {}, b"hello")


def talk(work: Callable[[int], Any]) -> Any:
    """Run ``work`` with the port of a server that has small limits."""

    async def run() -> Any:
        config = uvicorn.Config(hello, lifespan="off", log_config=None)
        config.load()
        state, loop = ServerState(), asyncio.get_running_loop()
        server = await loop.create_server(lambda: Small(config, state, {}), "127.0.0.1", 0)
        async with server:
            return await work(server.sockets[0].getsockname()[1])

    return asyncio.run(run())


async def told(port: int, *parts: bytes) -> bytes:
    """Everything the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.02)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


def test_a_head_that_is_too_large_is_refused_in_one_piece_and_in_many() -> None:
    async def work(port: int) -> list[bytes]:
        whole = ASK + b"a: " + b"x" * 2000 + b"\r\n\r\n"
        pieces = [ASK, b"a: ", *[b"x" * 300] * 4]
        return [await told(port, whole), await told(port, *pieces)]

    assert [answer[:12] for answer in talk(work)] == [b"HTTP/1.1 431"] * 2


def test_a_head_that_never_ends_is_closed_on_a_new_and_on_a_used_connection() -> None:
    async def work(port: int) -> list[bytes]:
        done = ASK + b"\r\n"
        return [await told(port, ASK), await told(port), await told(port, done, ASK)]

    first, silent, used = talk(work)
    assert (first, silent) == (b"", b"")
    assert used.startswith(b"HTTP/1.1 200")
    assert used.count(b"HTTP/1.1") == 1


def test_a_slow_pause_between_whole_requests_is_no_fault() -> None:
    async def work(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(ASK + b"\r\n")
            last = await reader.readuntil(b"hello")
            await asyncio.sleep(0.4)
        writer.close()
        return last

    assert talk(work).startswith(b"HTTP/1.1 200")


def test_more_connections_than_may_be_are_turned_away() -> None:
    async def work(port: int) -> bytes:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.02)
        answer = await told(port)
        for _, writer in held:
            writer.close()
        return answer

    assert talk(work).startswith(b"HTTP/1.1 503")


def test_head_is_get_without_its_body_and_nothing_breaks(tmp_path: Path) -> None:
    make_home(tmp_path / "home")
    with serving(tmp_path / "home") as server, httpx.Client(base_url=server.url) as calls:
        for path in ("/healthz", "/readyz", "/v1/models", "/nowhere", "/console/login"):
            got, head = calls.get(path), calls.head(path)
            assert head.status_code == got.status_code
            assert head.headers["content-length"] == got.headers["content-length"]
            assert head.content == b""
        assert calls.get("/healthz", headers={"a": "x" * 70_000}).status_code == 431
        assert server.stop() == 0
    lines = [json.loads(line) for line in server.errors.read_text("utf-8").splitlines()]
    severe = [line for line in lines if line.get("level") in {"error", "critical"}]
    assert not severe
