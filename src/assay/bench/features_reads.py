"""How fast are 4 entities x 50 values read, in process and through Redis, beside Feast with Redis?

The same server, on the same machine, answers both; every request names other entities.
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from assay.adapters.redis.client import Address, connect
from assay.adapters.redis.read_model import RedisReadModel
from assay.bench import feast_peer
from assay.bench.features_world import Payments, wide
from assay.bench.peers import FEAST, ask, missing
from assay.bench.report import Row, Timing, row
from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.features.row_image import ImageCodec
from assay.features.state import FeatureState
from assay.features.warm import warm
from assay.runtime.breaker import Breaker
from assay.runtime.clock import wall_time
from assay.runtime.ports import Entry
from assay.runtime.publisher import Publisher
from assay.runtime.shared_features import SharedFeatures

_QUANTILES = (50, 99)
_PUBLISHED = 20_000  #: events whose rows are in Redis: some tens of megabytes
_FRESH = 500  #: events published one by one
_FEAST_READS = 500
_TIMEOUT_MS = 2_000
_US = 1e6


class _Seconds(NamedTuple):
    """Quantiles of a sample, in microseconds."""

    p50: Timing
    p99: Timing


def read_rows(made: Payments, updates: int, reads: int) -> list[Row]:
    """Rows of reads and of how soon an event can be read.

    Args:
        made: payments, enough of them.
        updates: present when reading in process.
        reads: answered one by one, all different.
    """
    history = list(made.events(updates + reads))
    catalog = wide()
    warm(catalog)
    state = FeatureState(catalog)
    state.apply_all(history[:updates])
    in_process = _quantiles(state.read, history[updates:])
    what = "4 entities x 50 values"
    server = shutil.which("redis-server")
    if server is None:
        why = "no redis-server here: install Debian's package redis-server"
        return _pair(f"read of {what}, {updates:,} events of state", in_process, None, why)
    with TemporaryDirectory() as name, _redis(Path(name), server) as port:
        feast, why = _feast(Path(name), port)
        shared, fresh = _through_redis(port, history[: min(updates, _PUBLISHED)], history[updates:])
    return [
        *_pair(f"read of {what}, {updates:,} events of state", in_process, feast, why),
        *_pair(f"read of {what} through Redis, one round trip", shared, feast, why),
        *_pair("event to servable through Redis, one event a flush", fresh, None, "none does this"),
    ]


def _pair(what: str, ours: _Seconds, theirs: _Seconds | None, why: str) -> list[Row]:
    return [
        row(f"{what}, p{q}", ours[n], "us", "feast", None if theirs is None else theirs[n], why=why)
        for n, q in enumerate(_QUANTILES)
    ]


def _quantiles(read: Callable[[Event], object], requests: list[Event]) -> _Seconds:
    seconds = []
    for request in requests:
        start = time.perf_counter()
        read(request)
        seconds.append(time.perf_counter() - start)
    return _summary(seconds)


def _summary(seconds: list[float]) -> _Seconds:
    """Median and tail of all, with the spread between the halves of the sample."""
    halves = [seconds[: len(seconds) // 2], seconds[len(seconds) // 2 :]]
    found = []
    for q in _QUANTILES:
        parts = sorted(float(np.percentile(half, q)) * _US for half in halves)
        found.append(Timing(float(np.percentile(seconds, q)) * _US, parts[0], parts[1]))
    return _Seconds(*found)


def _through_redis(
    port: int, history: list[Event], requests: list[Event]
) -> tuple[_Seconds, _Seconds]:
    catalog = wide()
    codec, state = ImageCodec(catalog), FeatureState(catalog)
    writer, reader = (
        RedisReadModel(
            connect(Address(host="127.0.0.1", port=port, timeout_ms=_TIMEOUT_MS)),
            prefix="bench",
            deadline_ms=_TIMEOUT_MS,
        )
        for _ in range(2)
    )
    publisher = Publisher(writer, codec, "bench", wall=wall_time)
    publisher.claim()
    source = SharedFeatures(
        reader, codec, lambda _asked: "bench", breaker=Breaker(time.monotonic_ns), wall=wall_time
    )

    def take(event: Event, seq: int) -> None:
        state.apply(event)
        publisher.note(Entry(seq=seq, event=event, known_at=wall_time(), accepted=True))

    for seq, event in enumerate(history, start=1):
        take(event, seq)
    while not publisher.flush(state):
        pass
    for request in requests[:50]:
        _check_same(source, state, request)
    read = _quantiles(source.serve, requests)
    fresh = []
    for seq, event in enumerate(requests[:_FRESH], start=len(history) + 1):
        start = time.perf_counter()
        take(event, seq)
        publisher.flush(state)
        fresh.append(time.perf_counter() - start)
    writer.close()
    reader.close()
    return read, _summary(fresh)


def _check_same(source: SharedFeatures, state: FeatureState, request: Event) -> None:
    """What is measured is the read of the same bits."""
    served = source.serve(request)
    if served.absent or served.vector.digest != state.read(request)[0].digest:
        raise Unavailable(f"the read model answered otherwise than the state: {served.absent}")


def _feast(folder: Path, port: int) -> tuple[_Seconds | None, str]:
    why = missing(FEAST)
    if why:
        return None, why
    job = {"reads": _FEAST_READS, "port": port, "at": wall_time() / _US}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    try:
        answer = ask(FEAST, Path(feast_peer.__file__), folder)
    except Unavailable as error:
        return None, str(error)
    return _summary(answer["seconds"]), ""


@contextmanager
def _redis(folder: Path, binary: str) -> Iterator[int]:
    """A server of our own that keeps nothing on disk; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir"]
    process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()
