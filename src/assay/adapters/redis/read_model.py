"""How are row images kept in Redis? One key a row, one a status, and scripts that guard both.

Redis runs a script alone, so a flush appears as a whole, and one MGET is of one moment. A server is
shared by those who use the same ``prefix``. Not for Redis Cluster: a flush and a fetch span slots.
"""

import re
from collections.abc import Sequence
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError

from assay.adapters.redis.client import check_keeps_keys
from assay.core.errors import AssayError, Unavailable
from assay.runtime.read_model import (
    GENERATION,
    Claim,
    Flush,
    Lost,
    Superseded,
    generation_bytes,
    row_prefix,
    status_name,
)

# KEYS: fence, status. ARGV: at.
_CLAIM = """
local epoch = math.max(tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') + 1, tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', epoch))
return {string.format('%.0f', epoch), redis.call('GET', KEYS[2])}
"""
# KEYS: fence, status, rows. ARGV: epoch, generation, seq, after ('' in a complete publication),
# first, status ('' for none), then image and milliseconds ('' for ever) a row.
_PUBLISH = """
local held = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'building')
local epoch, mine = tonumber(held[1] or '0'), tonumber(ARGV[1])
if epoch > mine then return 'superseded' end
if ARGV[4] ~= '' then
  local reached = tonumber(held[2] or '-1')
  if epoch ~= mine or redis.call('EXISTS', KEYS[2]) == 0
     or reached < tonumber(ARGV[4]) or reached > tonumber(ARGV[3]) then return 'lost' end
elseif ARGV[5] == '' and held[3] ~= ARGV[2] then
  return 'lost'
end
for row = 3, #KEYS do
  local image, keep = ARGV[2 * row + 1], ARGV[2 * row + 2]
  if keep == '' then redis.call('SET', KEYS[row], image)
  else redis.call('SET', KEYS[row], image, 'PX', keep) end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'building', ARGV[2])
if ARGV[6] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[6])
  redis.call('HSET', KEYS[1], 'seq', ARGV[3])
end
return 'done'
"""
# KEYS: fence, rows. ARGV: epoch, generation, first and last byte of it in an image.
_SWEEP = """
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
for row = 2, #KEYS do
  if redis.call('GETRANGE', KEYS[row], ARGV[3], ARGV[4]) ~= ARGV[2] then
    redis.call('UNLINK', KEYS[row])
  end
end
return 0
"""
_SWEPT_AT_ONCE = 500
_ESCAPED = re.compile(rb"([\\*?\[\]])")


class RedisReadModel:
    """A read model in a Redis or Valkey server.

    Args:
        client: see ``client.connect``; this object's alone.
        prefix: before every key, so that several platforms can share a server.
        deadline_ms: the client's own, for the message when it is missed.
    """

    def __init__(self, client: Redis, *, prefix: str, deadline_ms: int) -> None:
        self._client, self._deadline_ms = client, deadline_ms
        self._prefix = prefix.encode() + b":"
        self._claim = client.register_script(_CLAIM)
        self._publish = client.register_script(_PUBLISH)
        self._sweep = client.register_script(_SWEEP)

    def claim(self, partition: str, at: int) -> Claim:
        """See ``ReadModel.claim``; also checks that the server keeps its keys.

        Raises:
            EvictsKeys: it may throw keys away.
        """
        check_keeps_keys(self._client)
        try:
            epoch, status = cast(
                "list[bytes | None]", self._claim(keys=self._guarded(partition), args=[at])
            )
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        return Claim(int(epoch or 0), status)

    def publish(self, flush: Flush) -> None:
        """See ``ReadModel.publish``: one script, one round trip."""
        keys = self._guarded(flush.partition) + [self._prefix + row.name for row in flush.rows]
        after = "" if flush.after is None else flush.after
        first = "first" if flush.first else ""
        args: list[Any] = [flush.epoch, flush.generation, flush.seq, after, first]
        args.append(flush.status or b"")
        for row in flush.rows:
            args += [row.image, "" if row.keep_ms is None else row.keep_ms]
        try:
            answer = self._publish(keys=keys, args=args)
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        if answer == b"superseded":
            raise Superseded(flush.partition, flush.epoch)
        if answer == b"lost":
            raise Lost(flush.partition)
        if answer != b"done":
            raise AssayError(f"expected an answer of the script, got {answer!r}")

    def sweep(self, partition: str, epoch: int, generation: int, cursor: int) -> int:
        """See ``ReadModel.sweep``: one step of a scan, then one script."""
        pattern = _ESCAPED.sub(rb"\\\1", self._prefix + row_prefix(partition)) + b"*"
        span = (GENERATION.start, GENERATION.stop - 1)
        try:
            cursor, names = cast(
                "tuple[int, list[bytes]]",
                self._client.scan(cursor, match=pattern, count=_SWEPT_AT_ONCE),
            )
            if names:
                keys = [self._guarded(partition)[0], *names]
                self._sweep(keys=keys, args=[epoch, generation_bytes(generation), *span])
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        return cursor

    def fetch(self, names: Sequence[bytes]) -> list[bytes | None]:
        """See ``ReadModel.fetch``: one MGET."""
        try:
            found = self._client.mget([self._prefix + name for name in names])
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        return cast("list[bytes | None]", found)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _guarded(self, partition: str) -> list[bytes]:
        fence = b"fence:" + partition.encode()
        return [self._prefix + fence, self._prefix + status_name(partition)]

    def _unavailable(self, error: Exception) -> Unavailable:
        # The library's text names host and port, never the password.
        return Unavailable(
            f"the Redis read model did not answer within {self._deadline_ms} ms: "
            f"{type(error).__name__}: {error}"
        )
