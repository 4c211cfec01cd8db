import json

import pytest

from assay.contracts.violation import ContractViolation
from assay.core.errors import (
    AssayError,
    Conflict,
    Corrupt,
    Forbidden,
    GateRefused,
    HomeLocked,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unknown,
)
from assay.runtime.access import WrongMethod
from assay.serving.problem import (
    MEDIA_TYPE,
    Broken,
    Malformed,
    Overloaded,
    TooSlow,
    WrongMedia,
    problem_of,
    status_of,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Malformed("x"), 400),
        (ContractViolation("$", "UTF-8 JSON", "nothing"), 400),
        (ContractViolation("$.data", "an object", "7"), 422),
        (Invalid("x"), 422),
        (Unknown("feature", "x", known=[]), 422),
        (Unauthenticated("x"), 401),
        (Forbidden("x"), 403),
        (NotFound("x"), 404),
        (WrongMethod("GET", "/x", ["POST"]), 405),
        (TooSlow("x"), 408),
        (Conflict("x"), 409),
        (Refused("x"), 409),
        (GateRefused("x", ["y"]), 409),
        (TooLarge("x"), 413),
        (WrongMedia("text/plain", ("application/json",)), 415),
        (Broken("x"), 500),
        (AssayError("x"), 500),
        (Unavailable("x"), 503),
        (Corrupt("x"), 503),
        (HomeLocked("x"), 503),
        (Overloaded("x"), 503),
    ],
)
def test_every_kind_of_error_has_its_status(error: AssayError, status: int) -> None:
    assert status_of(error) == status
    problem = problem_of(error, "r-1")
    body = json.loads(problem.body)
    assert (problem.status, body["status"]) == (status, status)
    assert problem.headers["content-type"] == MEDIA_TYPE
    assert body["type"] == f"urn:assay:problem:{error.code}"
    assert body["instance"] == "urn:assay:request:r-1"
    assert body["detail"] == str(error)


def test_every_error_class_of_the_project_has_a_status() -> None:
    import pkgutil
    from importlib import import_module

    import assay

    rooms = ("core", "contracts", "features", "rules", "decisions", "review", "governance",
             "runtime", "adapters", "app", "serving", "console")  # fmt: skip
    for room in rooms:
        package = import_module(f"assay.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"assay.{room}."):
            import_module(found.name)
    assert assay.__name__

    def family(kind: type[AssayError]) -> list[type[AssayError]]:
        return [kind, *(below for child in kind.__subclasses__() for below in family(child))]

    for kind in family(AssayError):
        if issubclass(kind, ContractViolation):
            bare: AssayError = kind("$.data", "an object", "7")
        else:
            bare = kind.__new__(kind)
        assert 400 <= status_of(bare) < 600
        assert kind.code == kind.code.lower()


def test_headers_say_what_the_status_asks_for() -> None:
    assert "Bearer" in problem_of(Unauthenticated("x"), "r").headers["www-authenticate"]
    assert problem_of(Unavailable("x"), "r").headers["retry-after"] == "1"
    assert problem_of(WrongMethod("GET", "/x", ["POST"]), "r").headers["allow"] == "POST"
    assert problem_of(WrongMedia("", ("a/b",)), "r").headers["accept-post"] == "a/b"


def test_a_refusal_of_the_gate_lists_every_reason() -> None:
    body = json.loads(problem_of(GateRefused("loading", ["a", "b"]), "r").body)
    assert body["why"] == ["a", "b"]
