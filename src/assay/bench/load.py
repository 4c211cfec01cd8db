"""How many requests does a server bear, and how long do they wait? Run as a process of its own.

Usage: ``python load.py JOB`` with the path of a `Job` as JSON; prints the `Result` as JSON. Only
the standard library is used, so that any Python can run it and little stands between the clock and
the socket.

A closed loop sends the next request when an answer is there: it finds the throughput. An open loop
sends at fixed instants whatever the server does, and latency counts from the instant at which a
request was due, so a stall is felt by everyone who would have come meanwhile (no coordinated
omission).
"""

import asyncio
import json
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: What stands in a body where a number of its own belongs.
NUMBER, TIME = b"@NUMBER@", b'"@TIME@"'
_GRACE_S = 10.0
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send.

    ``bodies`` is a file with one body a line; they are sent in turn, with ``NUMBER`` replaced by
    the request's number (from ``first``) and ``TIME`` by ``time + number * time_step``. ``rate``
    is requests a second, None for a closed loop. Answers in the first ``warm_s`` do not count.
    """

    host: str
    port: int
    path: str
    bodies: str
    headers: dict[str, str] = field(default_factory=dict)
    connections: int = 8
    seconds: float = 5.0
    warm_s: float = 1.0
    rate: float | None = None
    first: int = 0
    time: int = 0
    time_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back: times in milliseconds, ``rate`` in good answers a second.

    ``sent`` counts every request, the warm-up's too; ``errors`` those without a 200; ``statuses``
    the answers by status.
    """

    sent: int
    answered: int
    errors: int
    rate: float
    p50: float
    p99: float
    p999: float
    longest: float
    statuses: dict[str, int]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed; NaN of none.

    Example:
        >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([1.0, 2.0, 3.0, 4.0], 0.99)
        (2.0, 4.0)
    """
    if not ordered:
        return float("nan")
    rank = -(-share * len(ordered) // 1)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def due(started: float, rate: float, number: int) -> float:
    """When request ``number`` of an open loop must leave, whatever became of those before it.

    Example:
        >>> due(10.0, 200.0, 3)
        10.015
    """
    return started + number / rate


def request_bytes(job: Job, body: bytes, number: int) -> bytes:
    """One whole HTTP/1.1 request with the body of its own."""
    body = body.replace(NUMBER, b"%08d" % number)
    body = body.replace(TIME, b"%d" % (job.time + number * job.time_step))
    return b"%sContent-Length: %d\r\n\r\n%s" % (_head(job), len(body), body)


def run(job: Job) -> Result:
    """Send as told, in an event loop of its own."""
    # select() waits to the microsecond, epoll only to the millisecond: too coarse for a schedule.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    try:
        return loop.run_until_complete(_Load(job, loop).run())
    finally:
        loop.close()


class _Load:
    """One run: the connections that are free, what waits for one, and what came back."""

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        self._job, self._loop = job, loop
        self._bodies = Path(job.bodies).read_bytes().splitlines()
        self._free: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()  # due instants for which no connection was free
        self._sent = self._open = self._scheduled = 0
        self._scheduling = job.rate is not None
        self._latencies: list[float] = []
        self._statuses: dict[str, int] = {}
        self._errors = 0
        self._done = loop.create_future()
        self._from = self._until = 0.0

    async def run(self) -> Result:
        job, connections = self._job, list[_Connection]()
        for _ in range(job.connections):
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._answered, self._lost), job.host, job.port
            )
            connections.append(connection)
        self._free.extend(connections)
        started = time.perf_counter()
        self._from, self._until = started + job.warm_s, started + job.warm_s + job.seconds
        if job.rate is None:
            while self._free:
                self._send(self._free.popleft(), time.perf_counter())
        else:
            self._tick(started, job.rate)
        try:
            async with asyncio.timeout(job.warm_s + job.seconds + _GRACE_S):
                await self._done
        except TimeoutError:
            self._errors += self._open + len(self._waiting)
        for connection in connections:
            connection.close()
        await asyncio.sleep(0)  # closing takes a turn of the loop
        return self._result()

    def _tick(self, started: float, rate: float) -> None:
        """Send what is due, then sleep until the next is."""
        now = time.perf_counter()
        while (at := due(started, rate, self._scheduled)) <= now and at < self._until:
            self._scheduled += 1
            if self._free:
                self._send(self._free.popleft(), at)
            else:
                self._waiting.append(at)
        if at < self._until:
            self._loop.call_later(max(0.0, at - time.perf_counter()), self._tick, started, rate)
        else:
            self._scheduling = False
            self._check_done()

    def _send(self, connection: "_Connection", since: float) -> None:
        number, self._sent = self._job.first + self._sent, self._sent + 1
        self._open += 1
        body = self._bodies[number % len(self._bodies)]
        connection.send(request_bytes(self._job, body, number), since)

    def _answered(self, connection: "_Connection", since: float, status: int) -> None:
        now = time.perf_counter()
        self._open -= 1
        # A closed loop counts by the answer's instant, an open one by the instant it was due.
        at = now if self._job.rate is None else since
        if self._from <= at < self._until:
            self._statuses[str(status)] = self._statuses.get(str(status), 0) + 1
            if status == 200:
                self._latencies.append(now - since)
            else:
                self._errors += 1
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        elif self._job.rate is None and now < self._until:
            self._send(connection, now)
        else:
            self._free.append(connection)
            self._check_done()

    def _lost(self, *, answering: bool) -> None:
        if answering:
            self._open -= 1
            self._errors += 1
        self._check_done()

    def _check_done(self) -> None:
        left = self._scheduling or self._open or self._waiting
        if not left and not self._done.done():
            self._done.set_result(None)

    def _result(self) -> Result:
        ordered = sorted(seconds * 1e3 for seconds in self._latencies)
        return Result(
            sent=self._sent,
            answered=len(ordered),
            errors=self._errors,
            rate=len(ordered) / self._job.seconds,
            p50=percentile(ordered, 0.5),
            p99=percentile(ordered, 0.99),
            p999=percentile(ordered, 0.999),
            longest=ordered[-1] if ordered else float("nan"),
            statuses=self._statuses,
        )


class _Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request on its way."""

    def __init__(
        self,
        answered: Callable[["_Connection", float, int], None],
        lost: Callable[..., None],
    ) -> None:
        self._tell, self._tell_lost = answered, lost
        self._buffer, self._since = b"", None

    _transport: asyncio.Transport
    _since: float | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, data: bytes, since: float) -> None:
        """Send a request that was due at ``since``."""
        self._since = since
        self._transport.write(data)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_END)
        if end < 0:
            return
        whole = end + len(_END) + length_of(self._buffer[:end])
        if len(self._buffer) < whole or self._since is None:
            return
        status, since = int(self._buffer[9:12]), self._since
        self._buffer, self._since = self._buffer[whole:], None
        self._tell(self, since, status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._tell_lost(answering=self._since is not None)


def length_of(head: bytes) -> int:
    r"""The length of a body by the head of its answer.

    Raises:
        ValueError: the head does not say; this client knows no chunked answers.

    Example:
        >>> length_of(b"HTTP/1.1 200 OK\r\nContent-Length: 12")
        12
    """
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError(f"expected an answer with a Content-Length, got {head[:200]!r}")


def _head(job: Job) -> bytes:
    lines = [f"POST {job.path} HTTP/1.1", f"Host: {job.host}:{job.port}"]
    lines += [f"{name}: {value}" for name, value in job.headers.items()]
    lines += ["Content-Type: application/json", ""]
    return "\r\n".join(lines).encode()


def main(path: str) -> None:
    """Run the job in a file and print what came back."""
    job = Job(**json.loads(Path(path).read_text(encoding="utf-8")))
    sys.stdout.write(json.dumps(asdict(run(job))))


if __name__ == "__main__":
    main(sys.argv[1])
