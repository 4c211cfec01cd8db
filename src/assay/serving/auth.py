"""Who sent this request? The bearer of a token, looked up at most once a second."""

import hashlib
from collections.abc import Callable

from assay.core.errors import Unauthenticated
from assay.core.time import SECOND
from assay.runtime.identity import Identity, IdentityStore, authenticate
from assay.serving.asgi import RawHeaders, header

#: How long a looked-up token is believed: revocation is seen by a running server within this.
BELIEVED = SECOND
_KEPT_MAX = 10_000


class Bearers:
    """Identities by token, remembered for a second under the token's digest.

    Args:
        store: where users and tokens are kept.
        now: wall-clock microseconds UTC.
    """

    def __init__(self, store: IdentityStore, now: Callable[[], int]) -> None:
        self._store, self._now = store, now
        self._kept: dict[bytes, tuple[Identity, int]] = {}

    def identify(self, headers: RawHeaders) -> Identity | None:
        """The identity the ``Authorization`` header proves; None when there is no header.

        Raises:
            Unauthenticated: it is not a bearer token, or not a valid one.
        """
        given = header(headers, b"authorization")
        if not given:
            return None
        key, now = hashlib.sha256(given.encode()).digest(), self._now()
        kept = self._kept.get(key)
        if kept is not None and now < kept[1]:
            return kept[0]
        identity = self._look_up(given, now)
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[key] = (identity, min(now + BELIEVED, identity.expires_at))
        return identity

    def _look_up(self, given: str, now: int) -> Identity:
        scheme, _, text = given.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("expected `Authorization: Bearer <token>`")
        return authenticate(self._store, text.strip(), now)
