"""Every identity store keeps the same promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.adapters.sqlite.database import create_all, open_database
from assay.adapters.sqlite.identity import SqliteIdentity
from assay.core.errors import Conflict, NotFound, Unauthenticated
from assay.runtime.identity import IdentityStore, Role, authenticate, new_token, new_user
from assay.runtime.memory_identity import MemoryIdentity


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentityStore]:
    if request.param == "memory":
        yield MemoryIdentity()
        return
    database = open_database(tmp_path / "control.db")
    create_all(database)
    yield SqliteIdentity(database)
    database.dispose()


def add(store: IdentityStore, name: str, *roles: Role) -> None:
    store.add_user(new_user(name, "human", frozenset(roles or {Role.AUDITOR}), at=7))


def test_a_user_comes_back_as_it_was_kept(store: IdentityStore) -> None:
    add(store, "zoe", Role.REVIEWER, Role.ADMIN)
    add(store, "ada")
    assert store.user("zoe") == new_user("zoe", "human", frozenset({Role.REVIEWER, Role.ADMIN}), 7)
    assert [user.name for user in store.users()] == ["ada", "zoe"]
    assert store.user("bob") is None


def test_a_name_is_taken_once(store: IdentityStore) -> None:
    add(store, "ada")
    with pytest.raises(Conflict, match="'ada' exists"):
        add(store, "ada")


def test_a_token_comes_back_and_authenticates_until_revoked(store: IdentityStore) -> None:
    add(store, "ada")
    text, token = new_token("ada", bytes(38), 10, 1_000)
    store.add_token(token)
    assert store.token(token.id) == token
    assert list(store.tokens()) == [token]
    assert authenticate(store, text, at=11).user == "ada"
    store.revoke(token.id, at=20)
    store.revoke(token.id, at=30)
    kept = store.token(token.id)
    assert kept is not None
    assert kept.revoked_at == 20
    with pytest.raises(Unauthenticated):
        authenticate(store, text, at=21)


def test_a_token_needs_a_user_and_an_id_of_its_own(store: IdentityStore) -> None:
    _, token = new_token("ada", bytes(38), 10, 1_000)
    with pytest.raises(NotFound, match="no user 'ada'"):
        store.add_token(token)
    add(store, "ada")
    store.add_token(token)
    with pytest.raises(Conflict):
        store.add_token(token)


def test_what_is_not_there_cannot_be_ended(store: IdentityStore) -> None:
    assert store.token("000000000000") is None
    with pytest.raises(NotFound):
        store.revoke("000000000000", at=1)
    with pytest.raises(NotFound):
        store.disable_user("bob", at=1)


def test_disabling_a_user_ends_all_of_their_tokens(store: IdentityStore) -> None:
    add(store, "ada")
    text, token = new_token("ada", bytes(38), 10, 1_000)
    store.add_token(token)
    store.disable_user("ada", at=12)
    store.disable_user("ada", at=13)
    user = store.user("ada")
    assert user is not None
    assert user.disabled_at == 12
    with pytest.raises(Unauthenticated):
        authenticate(store, text, at=14)
