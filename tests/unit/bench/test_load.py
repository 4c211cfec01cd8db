"""The load generator: what it sends, when it sends it, and how it sums up what came back."""

import json
import socket
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from assay.bench.load import Job, due, length_of, percentile, request_bytes, run


def test_a_percentile_is_a_value_that_was_measured() -> None:
    ordered = [float(value) for value in range(1, 1_001)]
    assert percentile(ordered, 0.5) == 500.0
    assert percentile(ordered, 0.99) == 990.0
    assert percentile(ordered, 0.999) == 999.0
    assert percentile(ordered, 1.0) == 1_000.0


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert [percentile([7.0], share) for share in (0.0, 0.5, 0.999)] == [7.0, 7.0, 7.0]


def test_the_schedule_is_fixed_at_the_start() -> None:
    """The instant of a request depends on its number alone, so a stall moves none of them."""
    assert [due(100.0, 4.0, number) for number in range(5)] == [100.0, 100.25, 100.5, 100.75, 101.0]


def test_every_request_has_a_number_and_a_time_of_its_own() -> None:
    job = Job(host="h", port=1, path="/p", bodies="", headers={"A": "b"}, time=50, time_step=10)
    body = b'{"id":"x-@NUMBER@","ts":"@TIME@"}'
    assert request_bytes(job, body, 3) == (
        b"POST /p HTTP/1.1\r\nHost: h:1\r\nA: b\r\nContent-Type: application/json\r\n"
        b'Content-Length: 27\r\n\r\n{"id":"x-00000003","ts":80}'
    )


def test_an_answer_without_a_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        length_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")


class _Echo:
    """A server that answers every request with the same status, one connection a thread."""

    def __init__(self, answer: bytes) -> None:
        self._answer, self.bodies = answer, list[bytes]()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65_536):
                self.bodies.append(data.partition(b"\r\n\r\n")[2])
                connection.sendall(self._answer)


def _job(folder: Path, port: int, **given: float) -> Job:
    bodies = folder / "bodies"
    bodies.write_bytes(b'{"n":"@NUMBER@"}\n{"m":"@NUMBER@"}')
    job = Job(host="127.0.0.1", port=port, path="/", bodies=str(bodies), connections=2)
    return Job(**(asdict(job) | {"warm_s": 0.0, "seconds": 0.2} | given))


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_a_closed_loop_sends_distinct_requests_and_counts_every_answer(tmp_path: Path) -> None:
    server = _Echo(OK)
    result = run(_job(tmp_path, server.port))
    server.close()
    assert result.errors == 0
    assert 0 < result.answered <= result.sent == len(server.bodies)
    numbers = [next(iter(json.loads(body).values())) for body in server.bodies]
    assert len(set(numbers)) == len(numbers)
    assert result.p50 <= result.p99 <= result.p999 <= result.longest


def test_an_open_loop_sends_exactly_what_its_schedule_says(tmp_path: Path) -> None:
    server = _Echo(OK)
    result = run(_job(tmp_path, server.port, rate=100.0))
    server.close()
    assert (result.sent, result.answered, result.errors) == (20, 20, 0)


def test_answers_that_are_not_a_200_are_errors(tmp_path: Path) -> None:
    server = _Echo(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    result = run(_job(tmp_path, server.port, rate=100.0))
    server.close()
    assert (result.answered, result.errors, result.statuses) == (0, 20, {"503": 20})


def test_a_connection_that_breaks_is_an_error_and_not_a_wait_for_ever(tmp_path: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            connection.recv(1)
            connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    result = run(_job(tmp_path, int(listening.getsockname()[1])))
    listening.close()
    assert (result.answered, result.errors) == (0, 2)
