import pytest

from assay.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from assay.runtime.access import ANYONE, AccessTable, Grant, WrongMethod
from assay.runtime.identity import Identity, Role


def holding(*roles: Role) -> Identity:
    return Identity("ada", "human", frozenset(roles), "t", 1)


TABLE = AccessTable(
    [
        Grant("GET", "/open", None),
        Grant("GET", "/any", ANYONE),
        Grant("GET", "/cases/{id}", frozenset({Role.AUDITOR})),
        Grant("POST", "/cases/{id}/verdict", frozenset({Role.REVIEWER})),
        Grant("DELETE", "/cases/{id}", frozenset({Role.ADMIN})),
    ]
)


def test_an_open_route_needs_nobody() -> None:
    TABLE.find("GET", "/open").permit(None)


def test_a_route_for_anyone_still_needs_an_identity() -> None:
    TABLE.find("GET", "/any").permit(holding(Role.SERVICE))
    with pytest.raises(Unauthenticated, match="needs a token"):
        TABLE.find("GET", "/any").permit(None)


def test_a_wrong_role_is_refused_and_told_which_would_do() -> None:
    with pytest.raises(Forbidden, match=r"one of the roles reviewer; 'ada' holds admin, auditor"):
        TABLE.find("POST", "/cases/c1/verdict").permit(holding(Role.AUDITOR, Role.ADMIN))


@pytest.mark.parametrize(
    "path", ["/cases", "/cases/", "/cases//verdict", "/cases/a/b", "/", "", "/cases/a/verdict/"]
)
def test_a_path_that_is_not_listed_does_not_exist(path: str) -> None:
    with pytest.raises(NotFound):
        TABLE.find("GET", path)


def test_a_wrong_method_names_the_right_ones() -> None:
    with pytest.raises(WrongMethod) as caught:
        TABLE.find("PUT", "/cases/c1")
    assert caught.value.allowed == ("DELETE", "GET")
    with pytest.raises(WrongMethod):
        TABLE.find("POST", "/open")


def test_two_grants_of_one_route_are_refused() -> None:
    with pytest.raises(Invalid, match="twice"):
        AccessTable([Grant("GET", "/a", None), Grant("GET", "/a", ANYONE)])
