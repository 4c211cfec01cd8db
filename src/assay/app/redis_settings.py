"""Where do vectors come from, and how is the Redis server named that shares them?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from assay.app.kinds import Count, Duration, Port, Secret
from assay.core.errors import Invalid
from assay.core.time import SECOND

_LOCAL = ("127.0.0.1", "::1", "localhost")
_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """Whether this home decides on its own state or on what another one publishes."""

    source: Annotated[
        Literal["memory", "redis"],
        "memory: the state of this process; redis: what the owner of the partition published",
    ] = "memory"
    owners: Annotated[
        Literal["home", "workers"],
        "who publishes: home: one home, by `assay publish`; workers: those of [kafka]",
    ] = "home"
    memory_max: Annotated[
        Count | None, "bytes the state may use; at this size new events are told to come later"
    ] = None
    bytes_per_key_max: Annotated[
        Count | None, "a definition that makes a key of any table cost more is refused"
    ] = None
    events_per_key: Annotated[Count, "events of a key that the sizes of tables are told for"] = 100
    partition: Annotated[
        str, "of a home: what the published log is called, in receipts and by those who read it"
    ] = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """The Redis or Valkey server of the read model."""

    host: Annotated[str, "its address"] = "127.0.0.1"
    port: Annotated[Port, "its port"] = 6379
    database: Annotated[Count | None, "its database, from 1 up; without one the first"] = None
    username: Annotated[str | None, "who we are there"] = None
    password: Annotated[Secret | None, "the password of that user"] = None
    tls: Annotated[bool, "the connection is encrypted and the server's certificate checked"] = False
    tls_ca: Annotated[Path | None, "PEM file of the authority that signed that certificate"] = None
    prefix: Annotated[str, "before every key: platforms that share a server differ in it"] = "assay"
    timeout: Annotated[Duration, "a read that takes longer counts as failed"] = 5 * _MS
    publish_timeout: Annotated[Duration, "the same for a publication"] = 2 * SECOND
    silent_max: Annotated[Duration, "an owner silent for longer is not believed any more"] = (
        30 * SECOND
    )
    image_secret: Annotated[
        Secret | None, "mixed into every checksum: without it nobody can make an image"
    ] = None
    image_bytes: Annotated[Count, "largest image; of a longer history the newest part"] = 1 << 20


def check_redis(features: FeatureSettings, redis: RedisSettings) -> None:
    """Return when the settings go together.

    Raises:
        Invalid: they do not, or a password would travel in clear text.
    """
    if features.partition == "0" or not features.partition:
        raise Invalid(
            f"features.partition {features.partition!r}: expected a name other than '0', which in "
            "receipts is the log that the decision itself stands in"
        )
    if redis.password is not None and not redis.tls and redis.host not in _LOCAL:
        raise Invalid(
            f"redis.host {redis.host!r} is another machine, and the password would travel in "
            "clear text: set redis.tls = true"
        )
    if redis.tls_ca is not None and not redis.tls:
        raise Invalid("redis.tls_ca is set and nothing is encrypted: set redis.tls = true")
