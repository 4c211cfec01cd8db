"""How does the one server process live? It listens, serves, is told to stop, finishes, closes."""

import asyncio
import gc
import itertools
import secrets
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, cast

import uvicorn
import uvloop

from assay.app.platform import Platform
from assay.app.settings import ServerSettings
from assay.core.errors import AssayError, Unavailable
from assay.core.time import SECOND
from assay.runtime.access import AccessTable
from assay.runtime.identity import Identity
from assay.serving.access import DECIDE, api_access
from assay.serving.api import api
from assay.serving.asgi import Application, RawHeaders
from assay.serving.auth import Bearers
from assay.serving.decisions import decisions_endpoint
from assay.serving.door import Answer, Door, Room, Visit
from assay.serving.freshness_metrics import FreshnessMetrics
from assay.serving.metrics import Metrics
from assay.serving.problem import problem_of
from assay.serving.upkeep import upkeep
from assay.serving.wire_limits import LimitedProtocol

#: What a platform says of itself when scraped; see ``Platform.gauge``.
GAUGES = {
    "log_seq": "Newest place in the event log.",
    "state_bytes": "Bytes of feature state in memory.",
    "snapshot_seq": "Place in the log of the newest snapshot of the state.",
    "snapshot_bytes": "Size of the newest snapshot.",
    "snapshot_age_seconds": "Since the newest snapshot was written; not a number without one.",
    "snapshots_taken": "Snapshots taken since the start, while serving.",
    "snapshot_failures": "Snapshots since the start that could not be kept.",
    "snapshot_failing": "1 while the last attempt at a snapshot failed.",
    "snapshot_pause_seconds": "How long requests waited while the state was copied the last time.",
    "snapshot_pause_max_seconds": "The longest such wait since the start.",
    "quarantined": "Bodies refused since the start.",
    "late_accepted": "Events taken in since the start that were older than the newest and count.",
    "late_rejected": "Events taken in since the start that were older than the horizon.",
    "retracted": "Events taken back since the start.",
    "contract_alarms": "Places where so many events break their contract that a producer changed.",
    "catalogs_kept": "Catalogs whose state is kept: the one that decides, and warm ones.",
    "model_admitted": "1 while the loaded version may decide, 0 while it is withdrawn.",
}

_KEEP_ALIVE_S = 75
_BACKLOG = 1024


def api_room(platform: Platform, metrics: Metrics) -> Room:
    """The API behind the door."""
    bearers = Bearers(platform.identity, platform.clock.wall)
    return Room(
        owns=lambda _path: True,
        access=api_access(platform.settings.limits),
        identify=bearers.identify,
        refuse=_refuse,
        app=cast("Application", api(platform, metrics)),
        fast={("POST", DECIDE): decisions_endpoint(platform, metrics)},
    )


class Guest(Protocol):
    """What a room that another package made says of itself; see `Room`."""

    @property
    def owns(self) -> Callable[[str], bool]:
        """Whether a path is the room's."""

    @property
    def access(self) -> AccessTable:
        """Who may do what there."""

    @property
    def identify(self) -> Callable[[RawHeaders], Identity | None]:
        """Who asks, by the headers."""

    @property
    def refuse(self) -> Callable[[AssayError, Visit, RawHeaders], Answer]:
        """How an error is said."""

    @property
    def app(self) -> Application:
        """What answers."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What is added to every answer."""


def door(platform: Platform, guests: Sequence[Guest], metrics: Metrics) -> Door:
    """The application of a platform: the rooms of guests, and for every other path the API."""
    server = platform.settings.server
    rooms = [
        Room(guest.owns, guest.access, guest.identify, guest.refuse, guest.app, {}, guest.headers)
        for guest in guests
    ]
    return Door(
        (*rooms, api_room(platform, metrics)),
        metrics,
        request_ids(),
        in_flight_max=server.in_flight_max,
        body_seconds=server.body_seconds / SECOND,
        access_log=server.access_log,
        strict_transport=server.speaks_tls,
    )


def request_ids() -> Callable[[], str]:
    """Makes the ids of requests: 16 hexadecimal digits, other ones in every process.

    They name a line of the log and open nothing, so they may be counted: asking the system for
    random bytes took about a hundredth of a decision.

    Example:
        >>> fresh = request_ids()
        >>> one, other = fresh(), fresh()
        >>> len(one), one[:8] == other[:8], one == other
        (16, True, False)
    """
    process, numbers = secrets.token_hex(4), itertools.count(1)
    return lambda: f"{process}{next(numbers) & 0xFFFF_FFFF:08x}"


def metrics_of(platform: Platform) -> Metrics:
    """The metrics of a platform: requests, decisions, and what it says of itself."""
    metrics = Metrics(
        {(f"assay_{name}", about): partial(platform.gauge, name) for name, about in GAUGES.items()}
    )
    metrics.registry.register(FreshnessMetrics(platform.freshness))
    return metrics


def listen(settings: ServerSettings) -> socket.socket:
    """A bound socket.

    Raises:
        Unavailable: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(
            (settings.host, settings.port), family=family, backlog=_BACKLOG, reuse_port=False
        )
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            "choose another with --port"
        ) from error


def opened(
    settings: ServerSettings, platform: Callable[[], Platform]
) -> tuple[socket.socket, Platform]:
    """A bound socket, and then a platform: a port in use is known before the state is rebuilt.

    Raises:
        Unavailable: the address is taken, or the platform cannot be opened.
    """
    listening = listen(settings)
    try:
        made = platform()
    except BaseException:
        listening.close()
        raise
    # What was built from the log stays: the collector need not walk it in the middle of a request.
    gc.freeze()
    return listening, made


def address(settings: ServerSettings, listening: socket.socket) -> str:
    """The URL people open."""
    host, port = listening.getsockname()[:2]
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def run(
    platform: Platform, application: Door, listening: socket.socket, started: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight and close the platform.

    A second signal stops waiting for clients; what was acknowledged is durable either way.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(platform, application, listening, started))


async def _serve(
    platform: Platform, application: Door, listening: socket.socket, started: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    server = _Server(_config(platform.settings.server, application), started)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    platform.engine_thread.own(loop.call_soon_threadsafe)
    keeping = asyncio.create_task(upkeep(platform))
    try:
        await server.serve(sockets=[listening])
        # Before the thread aside ends: it works there.
        keeping.cancel()
        await asyncio.wait([keeping])
        # Work handed to the thread aside may still need the engine's thread, which is this one.
        await loop.run_in_executor(None, platform.aside.shutdown)
    finally:
        keeping.cancel()
        platform.engine_thread.own(None)
        listening.close()
        platform.close()


def _config(server: ServerSettings, application: Door) -> uvicorn.Config:
    password = server.tls_key_password
    return uvicorn.Config(
        application,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, server.shutdown_grace // SECOND),
        ssl_certfile=server.tls_certificate,
        ssl_keyfile=server.tls_key,
        ssl_keyfile_password=password.reveal() if password else None,
    )


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: they would end the process before the log closes."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = started

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def stop(self) -> None:
        """First: finish what is in flight. Second: stop waiting for it."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _refuse(error: AssayError, visit: Visit, _headers: RawHeaders) -> Answer:
    problem = problem_of(error, visit.request_id)
    return problem.status, problem.headers, problem.body
