import pytest

from assay.core.errors import Invalid, Unauthenticated
from assay.runtime.identity import (
    Role,
    authenticate,
    new_token,
    new_user,
    still_valid,
)
from assay.runtime.memory_identity import MemoryIdentity

ENTROPY = bytes(range(38))


def store_with_token(expires_at: int = 100) -> tuple[MemoryIdentity, str, str]:
    store = MemoryIdentity()
    store.add_user(new_user("ada", "human", frozenset({Role.REVIEWER}), 0))
    text, token = new_token("ada", ENTROPY, 0, expires_at)
    store.add_token(token)
    return store, text, token.id


def test_the_right_token_gives_the_identity_and_its_roles() -> None:
    store, text, token_id = store_with_token()
    identity = authenticate(store, text, at=99)
    assert (identity.user, identity.token) == ("ada", token_id)
    assert identity.roles == frozenset({Role.REVIEWER})


def test_what_is_stored_does_not_hold_the_secret() -> None:
    store, text, token_id = store_with_token()
    token = store.token(token_id)
    assert text.rpartition("_")[2] not in repr(token)


@pytest.mark.parametrize(
    "pattern",
    ["{t}A", " {t}", "{t}\n", "{cut}", "{cut}!", "assay_ffffffffffff_{secret}", "", "\udc80é\x00"],
)
def test_a_garbled_token_is_not_known(pattern: str) -> None:
    store, text, _ = store_with_token()
    garbled = pattern.format(t=text, cut=text[:-1], secret=text[-43:])
    with pytest.raises(Unauthenticated, match="not known"):
        authenticate(store, garbled, at=1)


def test_a_huge_token_is_not_even_looked_up() -> None:
    store, _, _ = store_with_token()
    with pytest.raises(Unauthenticated, match="not known"):
        authenticate(store, "x" * 100_000, at=1)


def test_an_expired_token_says_so_only_to_its_holder() -> None:
    store, text, token_id = store_with_token(expires_at=100)
    with pytest.raises(Unauthenticated, match="expired"):
        authenticate(store, text, at=100)
    with pytest.raises(Unauthenticated, match="expired"):
        still_valid(store, token_id, at=100)
    with pytest.raises(Unauthenticated, match="not known"):
        authenticate(store, text[:-1] + "x", at=100)


def test_a_revoked_token_ends_at_once_and_for_sessions_too() -> None:
    store, text, token_id = store_with_token()
    assert still_valid(store, token_id, at=1).user == "ada"
    store.revoke(token_id, at=1)
    with pytest.raises(Unauthenticated, match="revoked"):
        authenticate(store, text, at=2)
    with pytest.raises(Unauthenticated, match="revoked"):
        still_valid(store, token_id, at=2)


def test_a_disabled_user_has_no_valid_token() -> None:
    store, text, _ = store_with_token()
    store.disable_user("ada", at=1)
    with pytest.raises(Unauthenticated, match="revoked"):
        authenticate(store, text, at=2)


def test_a_session_of_a_token_that_never_was_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        still_valid(MemoryIdentity(), "000000000000", at=0)


@pytest.mark.parametrize("name", ["", "Ada", "a b", "1a", "a" * 65, "a\n", "é"])
def test_a_user_name_is_fit_for_a_log_line(name: str) -> None:
    with pytest.raises(Invalid, match="user name"):
        new_user(name, "human", frozenset(Role), 0)


def test_a_user_without_a_role_is_refused() -> None:
    with pytest.raises(Invalid, match="at least one role"):
        new_user("ada", "human", frozenset(), 0)


def test_a_token_needs_its_entropy_and_a_future() -> None:
    with pytest.raises(Invalid, match="38 random bytes"):
        new_token("ada", b"short", 0, 1)
    with pytest.raises(Invalid, match="expire after"):
        new_token("ada", ENTROPY, 5, 5)
