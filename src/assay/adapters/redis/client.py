"""How is a Redis server reached: where, as whom, and how long may it take?"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from assay.core.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server is and how to sign in; ``password`` never shows itself.

    ``timeout_ms`` bounds connecting and each answer.
    """

    host: str
    port: int
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    tls_ca: Path | None = None
    timeout_ms: int = 5


class EvictsKeys(Unavailable):
    """The server throws keys away when memory is short, so a missing one proves nothing."""

    code = "read_model_evicts"

    def __init__(self, policy: str) -> None:
        super().__init__(
            f"the Redis server's maxmemory-policy is {policy!r}: a key it throws away would look "
            "like one never seen. Set `maxmemory-policy noeviction`: a full server then refuses "
            "to be written to, which is noticed"
        )


def connect(address: Address) -> Redis:
    """A client; nothing is sent before its first command.

    A failed command is not sent again: the caller has a deadline and a breaker.
    """
    seconds = address.timeout_ms / 1_000
    more: dict[str, Any] = {}
    if address.tls:
        more = {"ssl": True, "ssl_min_version": ssl.TLSVersion.TLSv1_2}
        if address.tls_ca is not None:
            more["ssl_ca_certs"] = str(address.tls_ca)
    return Redis(
        host=address.host,
        port=address.port,
        db=address.database,
        username=address.username,
        password=address.password,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        protocol=2,  # RESP2: answers are bytes and lists, as the scripts make them
        **more,
    )


def check_keeps_keys(client: Redis) -> None:
    """Return when the server forgets nothing but what has expired.

    Raises:
        EvictsKeys: it may throw keys away.
        Unavailable: it does not answer.
    """
    try:
        policy = str(client.info("memory").get("maxmemory_policy", "unknown"))
    except RedisError as error:
        raise Unavailable(f"Redis did not say how it keeps keys: {error}") from error
    if policy != "noeviction":
        raise EvictsKeys(policy)
