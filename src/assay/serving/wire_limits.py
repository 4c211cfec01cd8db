"""How much may a connection hold before its request reaches the door? Bytes, seconds, sockets."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ANSWER = "HTTP/1.1 {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_HEAD_TOO_LARGE = "431 Request Header Fields Too Large"


class HeadTooLarge(ValueError):
    """Stops the parser of one connection."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's connection with limits on what comes before a request's body.

    Bodies have theirs at the door, which knows the route; the head (request line and headers) is
    parsed before anybody is asked.
    """

    #: A browser's head with all its cookies stays under 16 KiB; proxies commonly allow 8 to 64.
    head_bytes_max = 64 * 1024
    #: A head is one or two packets: who takes longer holds a socket for nothing.
    head_seconds = 10.0
    #: Far above the requests in flight, and below the usual 4,096 open files of a process.
    connections_max = 1024

    _head_bytes = _head_raw = 0
    _in_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start the clock of the first head, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            self._end("503 Service Unavailable")
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what has not made a whole head yet."""
        waiting = self._in_head
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if waiting:
            # What the parser holds of a header that has no end yet is seen only from here.
            self._head_raw += len(data)
            if self._head_raw > self.head_bytes_max:
                self._end(_HEAD_TOO_LARGE)
                return
        if self.cycle is None or self.cycle.response_complete:
            self._start_timer()

    def on_url(self, url: bytes) -> None:
        """See `HttpToolsProtocol`."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `HttpToolsProtocol`."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: its clock stops."""
        self._in_head, self._head_bytes, self._head_raw = False, 0, 0
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        self._in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What could not be parsed, or was too much to parse."""
        if self._head_bytes > self.head_bytes_max:
            self._end(_HEAD_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.head_bytes_max:
            raise HeadTooLarge

    def _start_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, status: str) -> None:
        self._stop_timer()
        self.transport.write(_ANSWER.format(status).encode())
        self.transport.close()
