"""Who is asking, and which roles do they hold? Users, their tokens, and the store behind them."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from assay.core.errors import Invalid, Unauthenticated, shown

#: A token is ``assay_<12 hexadecimal digits that name it>_<43 characters of secret>``.
_TOKEN = re.compile(r"assay_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_USER = re.compile(r"[a-z][a-z0-9._-]{0,63}", re.ASCII)
TOKEN_LENGTH_MAX = 128
OPERATOR = "operator"  #: who acts in the audit log for the holder of the folder; no user's name

Kind = Literal["human", "service"]


class Role(StrEnum):
    """What somebody may do; one user may hold several, the gate separates duties by person."""

    SERVICE = "service"
    REVIEWER = "reviewer"
    ENGINEER = "engineer"
    VALIDATOR = "validator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


class User(msgspec.Struct, frozen=True):
    """Somebody or something that may hold tokens; ``disabled_at`` ends all of them at once."""

    name: str
    kind: Kind
    roles: frozenset[Role]
    created_at: int
    disabled_at: int | None = None


class Token(msgspec.Struct, frozen=True):
    """What is stored of a token: never its secret, only the SHA-256 of it."""

    id: str
    user: str
    digest: str
    issued_at: int
    expires_at: int
    revoked_at: int | None = None


class Identity(msgspec.Struct, frozen=True):
    """An authenticated user: ``token`` is the id of the token that proved it."""

    user: str
    kind: Kind
    roles: frozenset[Role]
    token: str
    expires_at: int


class IdentityStore(Protocol):
    """Where users and tokens are kept; ``memory_identity.py`` is the one without a file."""

    def add_user(self, user: User) -> None:
        """Keep a new user; Conflict when the name is taken."""
        ...

    def user(self, name: str) -> User | None:
        """The user of that name."""
        ...

    def users(self) -> Sequence[User]:
        """All users by name."""
        ...

    def disable_user(self, name: str, at: int) -> None:
        """End every token of a user; NotFound when there is none of that name."""
        ...

    def add_token(self, token: Token) -> None:
        """Keep what is stored of a token."""
        ...

    def token(self, token_id: str) -> Token | None:
        """The token of that id."""
        ...

    def tokens(self) -> Sequence[Token]:
        """All tokens by time of issue."""
        ...

    def revoke(self, token_id: str, at: int) -> None:
        """End one token for good; NotFound when there is none of that id."""
        ...


def new_user(name: str, kind: Kind, roles: frozenset[Role], at: int) -> User:
    """A user whose name is fit for a log line.

    Raises:
        Invalid: the name is not 1 to 64 lower-case letters, digits, dots, dashes, underscores,
            or is `OPERATOR`, or no role was given.

    Example:
        >>> new_user("ada", "human", frozenset({Role.REVIEWER}), at=0).roles
        frozenset({<Role.REVIEWER: 'reviewer'>})
    """
    if not _USER.fullmatch(name):
        raise Invalid(
            "expected a user name of 1 to 64 lower-case letters, digits, dots, dashes or "
            f"underscores, starting with a letter, got {shown(name)}"
        )
    if name == OPERATOR:
        raise Invalid(f"{name!r} is who holds the folder, expected another user name")
    if not roles:
        raise Invalid(f"expected at least one role for {name!r} of {', '.join(Role)}")
    return User(name, kind, roles, at)


def new_token(user: str, entropy: bytes, issued_at: int, expires_at: int) -> tuple[str, Token]:
    """The text to show once and what to store of it, made from 38 random bytes.

    Raises:
        Invalid: ``entropy`` is not 38 bytes (6 name the token, 32 are its secret), or the token
            would expire before it is issued.
    """
    if len(entropy) != 38:
        raise Invalid(f"expected 38 random bytes for a token, got {len(entropy)}")
    if expires_at <= issued_at:
        raise Invalid("expected a token to expire after it is issued")
    text = f"assay_{entropy[:6].hex()}_{_base64url(entropy[6:])}"
    return text, Token(entropy[:6].hex(), user, _digest(text), issued_at, expires_at)


def authenticate(store: IdentityStore, text: str, at: int) -> Identity:
    """The identity behind a token's text at an instant.

    The secret is compared by its digest in constant time; all failures read alike so that an
    answer never tells a guesser how near they were, except expiry, which only the holder of
    the right secret learns.

    Raises:
        Unauthenticated: garbled, unknown, revoked or expired, or its user is disabled.
    """
    found = _TOKEN.fullmatch(text) if len(text) <= TOKEN_LENGTH_MAX else None
    token = store.token(found.group(1)) if found else None
    # An unknown id still pays for one comparison, so that time does not tell ids apart.
    if not hmac.compare_digest(_digest(text), token.digest if token else _digest("")):
        token = None
    if token is None:
        raise Unauthenticated("the token is not known; issue one with `assay token issue`")
    return _identity_of(store, token, at)


def still_valid(store: IdentityStore, token_id: str, at: int) -> Identity:
    """The identity behind a token that was authenticated earlier (a console session, say).

    Raises:
        Unauthenticated: it has been revoked or has expired since, or its user is disabled.
    """
    token = store.token(token_id)
    if token is None:
        raise Unauthenticated("the token is not known; issue one with `assay token issue`")
    return _identity_of(store, token, at)


def _identity_of(store: IdentityStore, token: Token, at: int) -> Identity:
    user = store.user(token.user)
    if token.revoked_at is not None or user is None or user.disabled_at is not None:
        raise Unauthenticated("the token was revoked; issue another with `assay token issue`")
    if at >= token.expires_at:
        raise Unauthenticated("the token has expired; issue another with `assay token issue`")
    return Identity(user.name, user.kind, user.roles, token.id, token.expires_at)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _base64url(data: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
