import itertools

import pytest

from assay.console.sessions import Sessions, Throttled
from assay.core.errors import Unauthenticated
from assay.core.time import HOUR, MINUTE
from assay.runtime.identity import Role, new_token, new_user
from assay.runtime.memory_identity import MemoryIdentity


class Door:
    """Sessions over one user with one token, and a clock to turn."""

    def __init__(self, attempts: int = 3) -> None:
        self.store, self.now = MemoryIdentity(), 0
        self.store.add_user(new_user("ada", "human", frozenset({Role.REVIEWER}), 0))
        self.token, kept = new_token("ada", bytes(38), 0, 100 * HOUR)
        self.store.add_token(kept)
        numbers = itertools.count()
        self.sessions = Sessions(
            self.store,
            lambda: self.now,
            lambda size: next(numbers).to_bytes(size, "big"),
            longest=8 * HOUR,
            idle=HOUR,
            attempts=attempts,
        )

    def user(self, secret: str) -> str | None:
        """Who a session belongs to."""
        identity = self.sessions.identity(secret)
        return identity.user if identity else None


def test_a_token_opens_a_session_that_knows_its_owner() -> None:
    door = Door()
    secret = door.sessions.begin(door.token, "here")
    assert door.user(secret) == "ada"
    assert door.user("another") is None
    assert door.token not in secret


def test_a_session_ends_when_idle_when_old_and_when_left() -> None:
    door = Door()
    secret = door.sessions.begin(door.token, "here")
    for _ in range(7):
        door.now += HOUR - 1
        assert door.user(secret) == "ada"
    door.now += HOUR
    assert door.user(secret) is None
    secret = door.sessions.begin(door.token, "here")
    for _ in range(20):
        door.now += HOUR // 2
        door.user(secret)
    assert door.user(secret) is None
    secret = door.sessions.begin(door.token, "here")
    door.sessions.end(secret)
    assert door.user(secret) is None


def test_a_session_ends_with_its_token() -> None:
    door = Door()
    secret = door.sessions.begin(door.token, "here")
    door.store.revoke("0" * 12, at=1)
    assert door.user(secret) is None


def test_each_session_has_a_form_token_of_its_own() -> None:
    door = Door()
    one, two = (door.sessions.begin(door.token, "here") for _ in range(2))
    assert door.sessions.csrf_matches(one, door.sessions.csrf(one))
    assert not door.sessions.csrf_matches(one, door.sessions.csrf(two))
    assert not door.sessions.csrf_matches("none", "")
    assert not door.sessions.csrf_matches(one, "é")


def test_an_address_has_a_few_attempts_in_five_minutes_and_others_are_not_punished() -> None:
    door = Door(attempts=3)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            door.sessions.begin("wrong", "there")
    with pytest.raises(Throttled):
        door.sessions.begin(door.token, "there")
    door.sessions.begin(door.token, "here")
    door.now += 5 * MINUTE
    door.sessions.begin(door.token, "there")
