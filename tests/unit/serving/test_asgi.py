import asyncio
from collections.abc import Sequence

import pytest

from assay.core.errors import TooLarge
from assay.serving.asgi import (
    Begun,
    Gone,
    Message,
    Receive,
    check_media,
    has_body,
    header,
    read_body,
    replayed,
    send_answer,
)
from assay.serving.problem import Malformed, TooSlow, WrongMedia


def receiving(messages: Sequence[Message]) -> tuple[Receive, list[int]]:
    waiting, read = list(messages), [0]

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(60)
        read[0] += 1
        return waiting.pop(0)

    return receive, read


def chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def read(
    messages: Sequence[Message], limit: int, headers: Sequence[tuple[bytes, bytes]] = ()
) -> bytes:
    receive, _ = receiving(messages)
    return asyncio.run(read_body(headers, receive, limit, seconds=0.05))


def test_a_body_is_put_together_from_its_chunks() -> None:
    assert read([chunk(b"ab", more=True), chunk(b"c", more=True), chunk(b"", more=False)], 3) == (
        b"abc"
    )
    assert read([chunk(b"", more=False)], 0) == b""


def test_a_body_that_says_it_is_too_long_is_not_read_at_all() -> None:
    receive, count = receiving([chunk(b"x" * 11, more=False)])
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        asyncio.run(read_body([(b"content-length", b"11")], receive, 10, 1))
    assert count == [0]


@pytest.mark.parametrize("sizes", [[11], [5, 6], [5, 5, 1], [1] * 11])
def test_a_body_that_grows_too_long_is_stopped(sizes: list[int]) -> None:
    messages = [chunk(b"x" * size, more=True) for size in sizes]
    receive, count = receiving([*messages, *([chunk(b"y", more=True)] * 100)])
    with pytest.raises(TooLarge):
        asyncio.run(read_body([], receive, 10, 1))
    assert count[0] <= len(sizes) + 1


@pytest.mark.parametrize("length", [b"-1", b"ten", b"1e3", b"0x10", b"\xb2", b"9" * 400])
def test_a_length_that_is_no_number_or_absurd_is_refused(length: bytes) -> None:
    with pytest.raises((Malformed, TooLarge)):
        read([chunk(b"", more=False)], 10, [(b"content-length", length)])


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with pytest.raises(TooSlow):
        read([], 10)
    with pytest.raises(TooSlow):
        read([chunk(b"a", more=True)], 10)


def test_a_client_that_leaves_is_told_apart() -> None:
    with pytest.raises(Gone):
        read([{"type": "http.disconnect"}], 10)
    with pytest.raises(Gone):
        read([chunk(b"a", more=True), {"type": "http.disconnect"}], 10)


def test_a_header_that_comes_twice_with_two_values_is_refused() -> None:
    assert header([(b"a", b"1"), (b"a", b"1")], b"a") == "1"
    assert header([(b"b", b"1")], b"a") == ""
    with pytest.raises(Malformed):
        header([(b"a", b"1"), (b"a", b"2")], b"a")


@pytest.mark.parametrize(
    "given",
    [b"application/json", b"Application/JSON; charset=UTF-8", b'application/json;charset="utf-8"'],
)
def test_json_in_utf8_is_read_however_it_is_written(given: bytes) -> None:
    assert check_media([(b"content-type", given)], ("application/json",)) == "application/json"


@pytest.mark.parametrize("given", [b"", b"text/json", b"application/json; charset=utf-16", b"json"])
def test_other_media_are_not_read(given: bytes) -> None:
    with pytest.raises(WrongMedia):
        check_media([(b"content-type", given)], ("application/json",))


@pytest.mark.parametrize(
    ("headers", "there"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"1")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_a_body_is_announced_by_its_headers(
    headers: list[tuple[bytes, bytes]], there: bool
) -> None:
    assert has_body(headers) is there


def test_a_read_body_is_given_again_once() -> None:
    receive, _ = receiving([{"type": "http.disconnect"}])

    async def twice() -> list[Message]:
        again = replayed(b"abc", receive)
        return [await again(), await again()]

    first, second = asyncio.run(twice())
    assert (first["body"], first["more_body"]) == (b"abc", False)
    assert second["type"] == "http.disconnect"


def test_an_answer_is_sent_whole_with_its_length() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(send_answer(send, 404, {"x-a": "b"}, b"hello", head=True))
    assert sent[0]["headers"] == [(b"x-a", b"b"), (b"content-length", b"5")]
    assert sent[1]["body"] == b""


def test_a_begun_coroutine_goes_on_where_it_waited_and_takes_a_cancellation() -> None:
    left = []

    async def slow() -> Message:
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            left.append("cancelled")
            raise
        return {"type": "done"}

    async def fails() -> Message:
        await asyncio.sleep(0)
        raise Gone

    async def at_once() -> Message:
        return {"type": "now"}

    async def in_time() -> None:
        async with asyncio.timeout(0.005):
            await Begun(slow())

    async def run() -> None:
        now = Begun(at_once())
        assert (now.done, now.result) == (True, {"type": "now"})
        begun = Begun(slow())
        assert not begun.done
        assert await begun == {"type": "done"}
        with pytest.raises(Gone):
            await Begun(fails())
        with pytest.raises(TimeoutError):
            await in_time()

    asyncio.run(run())
    assert left == ["cancelled"]
