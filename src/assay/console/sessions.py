"""Who is signed in to the console? Sessions kept in this process, each standing on a token.

The cookie holds 256 random bits and nothing else; the server keeps their digest. A session ends
when it is left, when it is idle or too old, and as soon as the token behind it is revoked or
expires. Restarting the server ends all of them.
"""

import hashlib
import hmac
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from assay.core.errors import Refused, Unauthenticated
from assay.core.time import MINUTE
from assay.runtime.identity import Identity, IdentityStore, authenticate, still_valid

_SESSIONS_MAX = 10_000
_WINDOW = 5 * MINUTE
_ADDRESSES_MAX = 10_000


class Throttled(Refused):
    """Too many failed sign-ins from one address; wait a few minutes."""

    code = "too_many_attempts"


@dataclass(slots=True)
class _Session:
    token: str
    csrf: str
    began: int
    used: int


class Sessions:
    """The open sessions.

    Args:
        store: where users and tokens are kept.
        now: wall-clock microseconds UTC.
        randomness: gives that many random bytes.
        longest: a session ends after this (microseconds).
        idle: a session ends after this without a click (microseconds).
        attempts: failed sign-ins an address has in five minutes.
    """

    def __init__(
        self,
        store: IdentityStore,
        now: Callable[[], int],
        randomness: Callable[[int], bytes],
        *,
        longest: int,
        idle: int,
        attempts: int,
    ) -> None:
        self._store, self._now, self._randomness = store, now, randomness
        self._longest, self._idle, self._attempts = longest, idle, attempts
        self._open: OrderedDict[str, _Session] = OrderedDict()
        self._failed: OrderedDict[str, deque[int]] = OrderedDict()

    def begin(self, token: str, address: str) -> str:
        """Sign in with a token; the secret for the cookie.

        Raises:
            Throttled: too many failures from that address lately.
            Unauthenticated: the token is not valid.
        """
        now = self._now()
        failures = self._recent(address, now)
        if len(failures) >= self._attempts:
            raise Throttled("too many failed sign-ins from this address: wait five minutes")
        try:
            identity = authenticate(self._store, token, now)
        except Unauthenticated:
            failures.append(now)
            raise
        secret = self._randomness(32).hex()
        self._open[_digest(secret)] = _Session(identity.token, self._randomness(32).hex(), now, now)
        while len(self._open) > _SESSIONS_MAX:
            self._open.popitem(last=False)
        return secret

    def identity(self, secret: str) -> Identity | None:
        """Who the session belongs to; None when there is no such session or it has ended."""
        key, now = _digest(secret), self._now()
        session = self._open.get(key)
        if session is None:
            return None
        if now - session.began >= self._longest or now - session.used >= self._idle:
            del self._open[key]
            return None
        try:
            identity = still_valid(self._store, session.token, now)
        except Unauthenticated:
            del self._open[key]
            return None
        session.used = now
        return identity

    def csrf(self, secret: str) -> str:
        """The token that every form of this session carries; empty without a session."""
        session = self._open.get(_digest(secret))
        return session.csrf if session else ""

    def csrf_matches(self, secret: str, given: str) -> bool:
        """Whether a form came from one of this session's own pages (compared in constant time)."""
        expected = self.csrf(secret)
        return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())

    def end(self, secret: str) -> None:
        """Sign out."""
        self._open.pop(_digest(secret), None)

    def _recent(self, address: str, now: int) -> deque[int]:
        failures = self._failed.setdefault(address, deque())
        while failures and now - failures[0] >= _WINDOW:
            failures.popleft()
        self._failed.move_to_end(address)
        while len(self._failed) > _ADDRESSES_MAX:
            self._failed.popitem(last=False)
        return failures


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
