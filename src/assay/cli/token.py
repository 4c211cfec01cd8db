"""Who may call this home? Users and their tokens, made and ended by whoever holds the folder.

Every act is checked, then noted, then done: an audit log that cannot be continued leaves nothing
changed, and nobody holds a user or token that is not on record.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from assay.app.settings import current_environment, home_from
from assay.cli.home import HOME
from assay.cli.show import JSON, emit, grid
from assay.core.errors import Conflict, NotFound
from assay.core.time import format_time, parse_duration
from assay.runtime.clock import wall_time
from assay.runtime.identity import OPERATOR, Identity, Role, new_token, new_user


@click.group()
def token() -> None:
    """Issue, list and revoke users and API tokens.

    A token is shown once, when it is issued; only its SHA-256 is kept. A running server sees a
    revocation within a second.
    """


@token.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="May be given several times.",
)
@click.option("--service", is_flag=True, help="A program, not a person: it can approve nothing.")
@HOME
@JSON
def user(
    name: str, roles: tuple[str, ...], *, service: bool, home: str | None, as_json: bool
) -> None:
    """Add a user; the home folder is created when there is none."""
    at = wall_time()
    added = new_user(name, "service" if service else "human", frozenset(map(Role, roles)), at)
    with _control(home, create=True) as control:
        if control.identity.user(name) is not None:
            raise Conflict(f"user {name!r} exists already")
        details = {"kind": added.kind, "roles": sorted(added.roles)}
        control.governance.note(_operator(), "user added", f"user/{name}", details)
        control.identity.add_user(added)
    emit({"user": name, "kind": added.kind, "roles": ", ".join(sorted(roles))}, as_json=as_json)


@token.command()
@click.argument("name")
@click.option("--days", default=90, type=click.IntRange(1, 366), show_default=True)
@click.option("--lasts", help="Instead of --days, a duration such as 30m or 12h.")
@HOME
@JSON
def issue(name: str, days: int, lasts: str | None, *, home: str | None, as_json: bool) -> None:
    """Issue a token for a user and show it, once."""
    at = wall_time()
    expires = at + parse_duration(lasts or f"{days}d")
    text, kept = new_token(name, secrets.token_bytes(38), at, expires)
    with _control(home) as control:
        _check_user(control, name)
        details = {"user": name, "expires_at": format_time(expires)}
        control.governance.note(_operator(), "token issued", f"token/{kept.id}", details)
        control.identity.add_token(kept)
    facts = {"token": text, "id": kept.id, "user": name, "expires_at": format_time(expires)}
    if as_json:
        emit(facts, as_json=True)
        return
    click.echo(f"Valid until {facts['expires_at']}; this is shown once:", err=True)
    click.echo(text)


@token.command()
@click.argument("token_id")
@HOME
@JSON
def revoke(token_id: str, *, home: str | None, as_json: bool) -> None:
    """End a token for good, by its id (the first part of its text)."""
    token_id = token_id.removeprefix("assay_")[:12]
    with _control(home) as control:
        if control.identity.token(token_id) is None:
            raise NotFound(f"there is no token {token_id!r}")
        control.governance.note(_operator(), "token revoked", f"token/{token_id}", {})
        control.identity.revoke(token_id, wall_time())
    emit({"revoked": token_id}, as_json=as_json)


@token.command()
@click.argument("name")
@HOME
@JSON
def disable(name: str, *, home: str | None, as_json: bool) -> None:
    """End every token of a user."""
    with _control(home) as control:
        _check_user(control, name)
        control.governance.note(_operator(), "user disabled", f"user/{name}", {})
        control.identity.disable_user(name, wall_time())
    emit({"disabled": name}, as_json=as_json)


@token.command("list")
@HOME
@JSON
def show(*, home: str | None, as_json: bool) -> None:
    """Show users and tokens; never a secret."""
    with _control(home) as control:
        users, tokens = control.identity.users(), control.identity.tokens()
    if as_json:
        emit(
            {
                "users": [
                    {
                        "name": u.name,
                        "kind": u.kind,
                        "roles": sorted(u.roles),
                        "disabled": u.disabled_at is not None,
                    }
                    for u in users
                ],
                "tokens": [_token_row(t) for t in tokens],
            },
            as_json=True,
        )
        return
    rows = [
        (u.name, u.kind, ", ".join(sorted(u.roles)), "disabled" if u.disabled_at else "")
        for u in users
    ]
    grid("Users", ("name", "kind", "roles", ""), rows)
    lines = [tuple(_token_row(t).values()) for t in tokens]
    grid("Tokens", ("id", "user", "issued", "expires", "state"), lines)


def _token_row(kept: Any) -> dict[str, str]:
    state = (
        "revoked" if kept.revoked_at else "expired" if kept.expires_at <= wall_time() else "valid"
    )
    return {
        "id": kept.id,
        "user": kept.user,
        "issued_at": format_time(kept.issued_at),
        "expires_at": format_time(kept.expires_at),
        "state": state,
    }


@contextmanager
def _control(given: str | None, *, create: bool = False) -> Iterator[Any]:
    from assay.app.home import Home, control

    home = Home(home_from(current_environment(), given))
    if create:
        home.create()
    elif not home.control_path.exists():
        raise NotFound(f"{str(home.path)!r} is not a home folder: `assay token user` makes one")
    with control(home) as parts:
        yield parts


def _check_user(control: Any, name: str) -> None:
    if control.identity.user(name) is None:
        raise NotFound(f"there is no user {name!r}")


def _operator() -> Identity:
    """Whoever holds the folder acts as its operator; no token stands behind it."""
    return Identity(OPERATOR, "human", frozenset({Role.ADMIN}), "", 0)
