"""Where are users and tokens kept? In two tables of the control database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, Row, String, Table, insert, select, update
from sqlalchemy import Engine as Database
from sqlalchemy.exc import IntegrityError

from assay.adapters.sqlite.database import guard, metadata, reading, writing
from assay.core.errors import Conflict, NotFound
from assay.runtime.identity import Role, Token, User

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("disabled_at", Integer),
)
tokens = Table(
    "tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("user", String, ForeignKey("users.name"), nullable=False),
    Column("digest", String, nullable=False),
    Column("issued_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("revoked_at", Integer),
)
# A token that was revoked stays revoked, and its user and secret are never exchanged.
guard(
    tokens,
    "tokens_stay_revoked",
    "BEFORE UPDATE ON tokens WHEN OLD.revoked_at IS NOT NULL OR NEW.digest <> OLD.digest "
    "OR NEW.user <> OLD.user OR NEW.expires_at <> OLD.expires_at "
    "BEGIN SELECT RAISE(ABORT, 'a token is only ever revoked, once'); END",
)


class SqliteIdentity:
    """An ``IdentityStore`` in the control database; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_user(self, user: User) -> None:
        """Keep a new user; Conflict when the name is taken."""
        row = {
            "name": user.name,
            "kind": user.kind,
            "roles": " ".join(sorted(user.roles)),
            "created_at": user.created_at,
            "disabled_at": user.disabled_at,
        }
        try:
            with writing(self._database) as connection:
                connection.execute(insert(users).values(**row))
        except IntegrityError as error:
            raise Conflict(f"user {user.name!r} exists already") from error

    def user(self, name: str) -> User | None:
        """The user of that name."""
        with reading(self._database) as connection:
            row = connection.execute(select(users).where(users.c.name == name)).first()
        return None if row is None else _user(row)

    def users(self) -> Sequence[User]:
        """All users by name."""
        with reading(self._database) as connection:
            return [_user(row) for row in connection.execute(select(users).order_by(users.c.name))]

    def disable_user(self, name: str, at: int) -> None:
        """End every token of a user; NotFound when there is none of that name."""
        if self.user(name) is None:
            raise NotFound(f"there is no user {name!r}")
        with writing(self._database) as connection:
            connection.execute(
                update(users)
                .where(users.c.name == name, users.c.disabled_at.is_(None))
                .values(disabled_at=at)
            )

    def add_token(self, token: Token) -> None:
        """Keep what is stored of a token; NotFound when its user is not known."""
        if self.user(token.user) is None:
            raise NotFound(f"there is no user {token.user!r}")
        row = {name: getattr(token, name) for name in tokens.c.keys()}  # noqa: SIM118 - columns
        try:
            with writing(self._database) as connection:
                connection.execute(insert(tokens).values(**row))
        except IntegrityError as error:
            raise Conflict(f"token {token.id!r} exists already") from error

    def token(self, token_id: str) -> Token | None:
        """The token of that id."""
        with reading(self._database) as connection:
            row = connection.execute(select(tokens).where(tokens.c.id == token_id)).first()
        return None if row is None else Token(*row)

    def tokens(self) -> Sequence[Token]:
        """All tokens by time of issue."""
        with reading(self._database) as connection:
            found = connection.execute(select(tokens).order_by(tokens.c.issued_at, tokens.c.id))
            return [Token(*row) for row in found]

    def revoke(self, token_id: str, at: int) -> None:
        """End one token for good; NotFound when there is none of that id."""
        if self.token(token_id) is None:
            raise NotFound(f"there is no token {token_id!r}")
        with writing(self._database) as connection:
            connection.execute(
                update(tokens)
                .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )


def _user(row: Row[Any]) -> User:
    roles = frozenset(Role(text) for text in row.roles.split())
    return User(row.name, row.kind, roles, row.created_at, row.disabled_at)
