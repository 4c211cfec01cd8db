"""How are recorded events played through a running server, in order, as its users would?

The stream is cut into slices. Within a slice the plain events go first in one request, then the
requests for a decision go in parallel over a few connections. Playing events of the same slice
slightly early changes no value: a window ends before the request's own ``ts``.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue

from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.core.errors import Unavailable

SLICE = 256
TIMEOUT_S = 30.0


@dataclass(slots=True)
class Played:
    """What came back: decisions by event id, their latency, and what was refused."""

    decisions: dict[str, dict[str, object]] = field(default_factory=dict)
    latency_us: list[float] = field(default_factory=list)
    events: int = 0
    refused: list[object] = field(default_factory=list)
    seconds: float = 0.0


class Traffic:
    """A few keep-alive connections to one server, each driven by a thread.

    Raises:
        Unavailable: the server answered a decision with anything but success, or not at all.
    """

    def __init__(self, host: str, port: int, token: str, *, connections: int = 4) -> None:
        self._address, self._connections = (host, port), connections
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }

    def play(
        self,
        events: Iterable[Event],
        request_type: str,
        played: Played,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send all events in order; those of ``request_type`` ask for a decision.

        What comes back is added to ``played``.
        """
        started = time.perf_counter()
        lines = [self._connect() for _ in range(self._connections)]
        try:
            for batch in _slices(iter(events)):
                self._send_events([e for e in batch if e.type != request_type], lines[0], played)
                self._ask([e for e in batch if e.type == request_type], lines, played)
                progress(len(batch))
        finally:
            for line in lines:
                line.close()
        played.seconds += time.perf_counter() - started

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self._address, timeout=TIMEOUT_S)

    def _send_events(
        self, events: list[Event], line: http.client.HTTPConnection, played: Played
    ) -> None:
        if not events:
            return
        body = b"[" + b",".join(encode_event(event) for event in events) + b"]"
        answer = self._post(line, "/v1/events", body)
        results = answer.get("results", [])
        assert isinstance(results, list)
        played.events += len(events)
        played.refused += [r for r in results if r.get("status") == "refused"]

    def _ask(
        self, requests: list[Event], lines: list[http.client.HTTPConnection], played: Played
    ) -> None:
        todo: SimpleQueue[Event] = SimpleQueue()
        for request in requests:
            todo.put(request)
        failures: list[Exception] = []

        def work(line: http.client.HTTPConnection) -> None:
            try:
                while True:
                    self._ask_one(todo.get_nowait(), line, played)
            except Empty:
                return
            except Exception as error:  # noqa: BLE001 - handed to the calling thread below
                failures.append(error)

        threads = [threading.Thread(target=work, args=(line,)) for line in lines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _ask_one(self, event: Event, line: http.client.HTTPConnection, played: Played) -> None:
        body = encode_event(event)
        started = time.perf_counter()
        answer = self._post(line, "/v1/decisions", body)
        played.latency_us.append((time.perf_counter() - started) * 1e6)
        played.decisions[event.id] = answer

    def _post(self, line: http.client.HTTPConnection, path: str, body: bytes) -> dict[str, object]:
        line.request("POST", path, body, self._headers)
        response = line.getresponse()
        data = response.read()
        if response.status >= 300:
            raise Unavailable(f"{path} answered {response.status}: {data[:500]!r}")
        answer = json.loads(data)
        assert isinstance(answer, dict)
        return answer


def _slices(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, SLICE)):
        yield batch
