"""What can be set, where did each value come from, and is it possible?

One TOML file in the home folder (``assay.toml``), then the environment (``ASSAY_SERVER_PORT`` for
``server.port``), then what the command line passed: later wins. Everything is read once; a key
nobody knows is an error that names the nearest, and so is a workload other than the home's own.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from assay.adapters.files.regular import read_regular
from assay.app.kafka_settings import KafkaSettings, check_kafka
from assay.app.kinds import (
    Count,
    Duration,
    Port,
    Secret,
    Whole,
    read_as,
    without_none,
    words_for,
    written,
)
from assay.app.redis_settings import FeatureSettings, RedisSettings, check_redis
from assay.core.errors import Conflict, Invalid, Unknown, shown
from assay.core.time import DAY, HOUR, SECOND
from assay.runtime.keeping import COPY_MAX, EVERY, Keeping

FILE_NAME = "assay.toml"
#: Holds the name of the workload whose events a home was first filled with; see `Home.filling`.
RECORDED = "workload"
RECORD_MAX, _FILE_MAX = 1 << 14, 1 << 20  #: bytes
_PREFIX = "ASSAY_"
#: ``user:password@`` inside an address: such a value would be shown wherever settings are.
_CREDENTIALS = re.compile(r"[^\s/@,]*:[^\s/@]+@")
#: Environment variables of the same prefix that are not settings: where the home and the public
#: test data are, and the token by which a command line knows who acts.
_NOT_SETTINGS = frozenset({"ASSAY_HOME", "ASSAY_DATA", "ASSAY_TOKEN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How the one server process listens."""

    host: Annotated[str, "address to listen on"] = "127.0.0.1"
    port: Annotated[Port, "port to listen on; 0 lets the system choose"] = 8460
    tls_certificate: Annotated[Path | None, "PEM file; without it the server speaks plain HTTP"] = (
        None
    )
    tls_key: Annotated[Path | None, "PEM file of the certificate's key"] = None
    tls_key_password: Annotated[Secret | None, "password of that file"] = None
    behind_tls: Annotated[bool, "a proxy in front ends TLS: cookies are marked Secure"] = False
    in_flight_max: Annotated[Count, "requests worked on at once; more are told to wait"] = 512
    body_seconds: Annotated[Duration, "time a client has to send its body"] = 10 * SECOND
    shutdown_grace: Annotated[Duration, "time in-flight requests get at the end"] = 20 * SECOND
    access_log: Annotated[bool, "one JSON line on standard error for every request"] = True

    @property
    def speaks_tls(self) -> bool:
        """Whether what leaves this server travels encrypted."""
        return self.tls_certificate is not None or self.behind_tls


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """How much one request may carry."""

    decision_bytes: Annotated[Count, "largest body of POST /v1/decisions"] = 64 * 1024
    events_bytes: Annotated[Count, "largest body of POST /v1/events"] = 8 * 1024 * 1024
    events_items: Annotated[Count, "most events in one request"] = 10_000
    other_bytes: Annotated[Count, "largest body of every other request"] = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSettings:
    """What "now" means, and how late an event may be."""

    clock: Annotated[
        Literal["wall", "log"],
        "wall: the machine's clock; log: the newest event, for served history",
    ] = "wall"
    log_jump: Annotated[Duration, "how far ahead of the newest event the log clock may go"] = (
        36 * HOUR
    )
    horizon: Annotated[Duration, "events older than this behind the newest are rejected"] = 7 * DAY
    request_age: Annotated[Duration, "a new request older than this is not decided on"] = 6 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings:
    """How often a running process keeps the state of its features."""

    every_events: Annotated[
        Whole, "a snapshot is due after so many entries of a log; 0: only at the end"
    ] = EVERY
    copy_max: Annotated[
        Count, "bytes; a larger state is not copied: requests wait meanwhile (0.1 s a GiB)"
    ] = COPY_MAX

    @property
    def keeping(self) -> Keeping:
        """The same as the engine takes it."""
        return Keeping(every=self.every_events, copy_max=self.copy_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """How people sign in to the pages."""

    session: Annotated[Duration, "a session ends after this"] = 8 * HOUR
    idle: Annotated[Duration, "a session ends after this without a click"] = HOUR
    attempts: Annotated[Count, "failed sign-ins an address has in five minutes"] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; ``sources`` says for each name where its value came from."""

    home: Path
    workload: Annotated[
        str, "the definitions of this home: checkout, cards or a folder (./shop)"
    ] = "checkout"
    server: ServerSettings = field(default_factory=ServerSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    SECTIONS: ClassVar[Mapping[str, type]] = {
        "server": ServerSettings,
        "limits": LimitSettings,
        "time": TimeSettings,
        "console": ConsoleSettings,
        "kafka": KafkaSettings,
        "features": FeatureSettings,
        "redis": RedisSettings,
        "snapshots": SnapshotSettings,
    }

    def effective(self) -> list[dict[str, str]]:
        """One row per setting: ``name``, ``value``, ``source``, ``about``, ``variable``.

        Secrets show as ``***``.
        """
        rows = []
        for name, (kind, about) in _known().items():
            section, _, key = name.rpartition(".")
            value = getattr(getattr(self, section) if section else self, key)
            rows.append(
                {
                    "name": name,
                    "value": written(value, kind),
                    "source": self.sources.get(name, "default"),
                    "about": about,
                    "variable": _variable(name),
                }
            )
        return rows


def read_settings(
    home: Path, environment: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of a home folder, checked as a whole.

    Args:
        home: the folder; it need not exist yet.
        environment: usually ``os.environ``.
        overrides: values by dotted name from the command line; None means not given.

    Raises:
        Unknown: a key, section or variable nobody knows; the message names the nearest.
        Invalid: a value of the wrong type or range, or two that do not go together.
        Conflict: they name another workload than the one whose events the home holds.
    """
    given = _recorded(home / RECORDED)
    for name, value in _from_file(home / FILE_NAME):
        given[name] = (_folder(home, name, value), str(home / FILE_NAME))
    for name, value in _from_environment(environment):
        given[name] = (_folder(Path(), name, value), _variable(name))
    for name, value in (overrides or {}).items():
        if value is not None:
            _check_known(name)
            given[name] = (_folder(Path(), name, value), "command line")
    _check_recorded(home, given)
    parsed = {name: _parse(name, value, source) for name, (value, source) in given.items()}
    sections = {
        section: kind(
            **{
                name.partition(".")[2]: value
                for name, value in parsed.items()
                if name.startswith(section + ".")
            }
        )
        for section, kind in Settings.SECTIONS.items()
    }
    top = {name: value for name, value in parsed.items() if "." not in name}
    settings = Settings(
        home=home, **top, **sections, sources={n: source for n, (_, source) in given.items()}
    )
    _check_together(settings)
    return settings


def home_from(environment: Mapping[str, str], given: str | None) -> Path:
    """The home folder: what the command line says, else ``ASSAY_HOME``, else ``./assay-home``."""
    return Path(given or environment.get("ASSAY_HOME") or "assay-home")


def current_environment() -> Mapping[str, str]:
    """The process environment: the one place that reads it."""
    return dict(os.environ)


def _known() -> dict[str, tuple[Any, str]]:
    """Every settable name with its type and sentence, in the order of the classes."""
    known: dict[str, tuple[Any, str]] = {}
    for section, owner in {"": Settings, **Settings.SECTIONS}.items():
        for key, hint in get_type_hints(owner, include_extras=True).items():
            if get_origin(hint) is Annotated:
                kind, about = get_args(hint)[0], get_args(hint)[-1]
                marked = get_args(hint)[1] if len(get_args(hint)) > 2 else kind
                known[f"{section}.{key}".lstrip(".")] = (marked, about)
    return known


def _recorded(path: Path) -> dict[str, tuple[Any, str]]:
    """The workload of a home that was filled before; it weighs least, and nothing may differ."""
    try:
        name = read_regular(path, RECORD_MAX).decode().partition("\n")[0].strip()
        return {"workload": (_folder(path.parent, "workload", name), str(path))}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: expected the name of a workload, but {error}") from error


def _check_recorded(home: Path, given: Mapping[str, tuple[Any, str]]) -> None:
    recorded = _recorded(home / RECORDED)
    if recorded and given["workload"][0] != recorded["workload"][0]:
        named, source = given["workload"]
        raise Conflict(
            f"the events in {str(home)!r} are those of the workload "
            f"{shown(recorded['workload'][0])}, and the {source} names {shown(named)}: leave that "
            "out, or name another home"
        )


def _variable(name: str) -> str:
    return _PREFIX + name.replace(".", "_").upper()


def _check_known(name: str) -> None:
    known = _known()
    if name not in known:
        raise Unknown("setting", name, known=known)


def _folder(beside: Path, name: str, value: Any) -> Any:
    """A workload that is a folder by its full path; a home names it from where the home is."""
    is_folder = name == "workload" and isinstance(value, str) and "/" in value
    return str((beside / value).resolve()) if is_folder else value


def _from_file(path: Path) -> list[tuple[str, Any]]:
    if not path.exists():
        return []
    try:
        table = tomllib.loads(read_regular(path, _FILE_MAX).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Invalid(f"{path}: expected TOML, but {error}") from error
    flat: list[tuple[str, Any]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            if key not in Settings.SECTIONS:
                raise Unknown("section of the settings", key, known=Settings.SECTIONS)
            flat.extend((f"{key}.{inner}", content) for inner, content in value.items())
        else:
            flat.append((key, value))
    for name, _ in flat:
        _check_known(name)
    return flat


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    by_variable = {_variable(name): name for name in _known()}
    found = []
    for variable, value in environment.items():
        if not variable.startswith(_PREFIX) or variable in _NOT_SETTINGS:
            continue
        if variable not in by_variable:
            raise Unknown(
                "environment variable", variable, known=[*by_variable, *sorted(_NOT_SETTINGS)]
            )
        found.append((by_variable[variable], value))
    return found


def _parse(name: str, value: Any, source: str) -> Any:
    kind, _ = _known()[name]
    is_secret = without_none(kind) is Secret
    if not is_secret and _CREDENTIALS.search(str(value)):
        raise Invalid(
            f"{source}: {name}: the value seems to hold a password (user:password@), which a "
            "setting that is no secret would show: name the user and the password in settings of "
            "their own"
        )
    try:
        return read_as(kind, value)
    except ValueError as error:
        got = "something else" if is_secret else shown(value)
        raise Invalid(f"{source}: {name}: expected {words_for(kind)}, got {got}") from error


def _check_together(settings: Settings) -> None:
    check_kafka(settings.kafka)
    check_redis(settings.features, settings.redis)
    server = settings.server
    if (server.tls_certificate is None) != (server.tls_key is None):
        raise Invalid("server.tls_certificate and server.tls_key are set together or not at all")
    if server.host not in ("127.0.0.1", "::1", "localhost") and not server.speaks_tls:
        raise Invalid(
            f"server.host {server.host!r} is reachable from outside, and tokens would travel in "
            "clear text: set server.tls_certificate and server.tls_key, or server.behind_tls = "
            "true when a proxy ends TLS"
        )
