"""How do users and tokens live without a file? In two dictionaries, with the store's own rules."""

from collections.abc import Sequence

import msgspec

from assay.core.errors import Conflict, NotFound
from assay.runtime.identity import Token, User


class MemoryIdentity:
    """An ``IdentityStore`` that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._tokens: dict[str, Token] = {}

    def add_user(self, user: User) -> None:
        """Keep a new user; Conflict when the name is taken."""
        if user.name in self._users:
            raise Conflict(f"user {user.name!r} exists already")
        self._users[user.name] = user

    def user(self, name: str) -> User | None:
        """The user of that name."""
        return self._users.get(name)

    def users(self) -> Sequence[User]:
        """All users by name."""
        return sorted(self._users.values(), key=lambda user: user.name)

    def disable_user(self, name: str, at: int) -> None:
        """End every token of a user; NotFound when there is none of that name."""
        user = self._users.get(name)
        if user is None:
            raise NotFound(f"there is no user {name!r}")
        if user.disabled_at is None:
            self._users[name] = msgspec.structs.replace(user, disabled_at=at)

    def add_token(self, token: Token) -> None:
        """Keep what is stored of a token; NotFound when its user is not known."""
        if token.user not in self._users:
            raise NotFound(f"there is no user {token.user!r}")
        if token.id in self._tokens:
            raise Conflict(f"token {token.id!r} exists already")
        self._tokens[token.id] = token

    def token(self, token_id: str) -> Token | None:
        """The token of that id."""
        return self._tokens.get(token_id)

    def tokens(self) -> Sequence[Token]:
        """All tokens by time of issue."""
        return sorted(self._tokens.values(), key=lambda token: (token.issued_at, token.id))

    def revoke(self, token_id: str, at: int) -> None:
        """End one token for good; NotFound when there is none of that id."""
        token = self._tokens.get(token_id)
        if token is None:
            raise NotFound(f"there is no token {token_id!r}")
        if token.revoked_at is None:
            self._tokens[token_id] = msgspec.structs.replace(token, revoked_at=at)
