import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import assay.client
from assay.client import Client
from assay.client.problem import Rejected
from assay.core.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable

EVENT = {"id": "o-1", "type": "order", "ts": 1, "data": {}}
ANSWER = {
    "id": "dec_1",
    "outcome": "review",
    "probability": 0.4,
    "reasons": [{"code": "risk_elevated", "asks": "review", "text": "in the band"}],
    "customer": ["We are checking."],
    "degraded": [],
}
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, **given: Any) -> Client:
    transport = httpx.MockTransport(handler)
    return Client("http://risk", "assay_t", without_answer="review", transport=transport, **given)


def answering(status: int, body: object) -> Handler:
    return lambda _: httpx.Response(status, json=body)


def test_a_decision_comes_with_its_reasons() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=ANSWER)

    with client(handler) as calls:
        made = calls.decide(EVENT, key="k-1")
    assert (made.answered, made.outcome, made.probability) == (True, "review", 0.4)
    assert made.reasons[0].code == "risk_elevated"
    assert made.customer == ("We are checking.",)
    assert seen[0].headers["authorization"] == "Bearer assay_t"
    assert seen[0].headers["idempotency-key"] == "k-1"
    assert json.loads(seen[0].content) == EVENT


def test_a_passing_trouble_is_tried_again_with_the_same_event() -> None:
    answers = [httpx.Response(503, json={"detail": "rebuilding"}), httpx.Response(200, json=ANSWER)]
    bodies = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return answers.pop(0)

    assert client(handler).decide(EVENT).answered
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_when_no_answer_comes_the_declared_one_is_given(failure: Exception) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise failure

    made = client(handler, budget_s=0.05).decide(EVENT)
    assert (made.answered, made.outcome, made.id) == (False, "review", "")
    assert type(failure).__name__ in made.why


def test_the_budget_holds_for_all_tries_together() -> None:
    ticks = iter([0.0, 0.0, 0.2, 0.6, 0.7, 1.1, 1.2, 1.3])
    tried = []

    def handler(_: httpx.Request) -> httpx.Response:
        tried.append(1)
        return httpx.Response(503, json={})

    made = client(handler, budget_s=1.0, clock=lambda: next(ticks)).decide(EVENT)
    assert not made.answered
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (422, Rejected),
        (400, Rejected),
    ],
)
def test_what_retrying_cannot_mend_is_raised_at_once(status: int, error: type[Exception]) -> None:
    problem = {"detail": "why", "code": "x", "path": "$.data.amount"}
    with pytest.raises(error, match="why"):
        client(answering(status, problem)).decide(EVENT)


def test_a_rejected_event_says_where_it_broke() -> None:
    problem = {"detail": "$.data.amount: expected money", "path": "$.data.amount"}
    with pytest.raises(Rejected) as caught:
        client(answering(422, problem)).decide(EVENT)
    assert caught.value.path == "$.data.amount"


def test_events_labels_and_stored_decisions_are_passed_through() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/events":
            count = len(json.loads(request.content))
            return httpx.Response(200, json={"results": [{"status": "accepted"}] * count})
        if request.url.path == "/v1/labels":
            assert json.loads(request.content)["request_id"] == "o-1"
            return httpx.Response(200, json={"status": "accepted"})
        return httpx.Response(200, json=ANSWER)

    calls = client(handler)
    assert len(calls.send_events([EVENT, EVENT])) == 2
    assert calls.label("o-1", fraud=True)["status"] == "accepted"
    assert calls.decision("dec_1").id == "dec_1"


def test_a_page_that_is_no_problem_document_is_an_error_all_the_same() -> None:
    calls = client(lambda _: httpx.Response(502, text="<html>bad gateway"))
    with pytest.raises(Unavailable, match="502"):
        calls.send_events([])


@pytest.mark.parametrize("given", [{"without_answer": "maybe"}, {"budget_s": 0}])
def test_what_to_do_without_an_answer_must_be_said_and_possible(given: dict[str, Any]) -> None:
    options: dict[str, Any] = {"without_answer": "review", **given}
    with pytest.raises(ValueError, match="expected"):
        Client("http://risk", "t", **options)


def test_the_client_imports_nothing_of_the_platform_but_core() -> None:
    assert assay.client.__file__ is not None
    for file in Path(assay.client.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("assay"):
                assert str(node.module).startswith(("assay.core", "assay.client")), file
