"""What callers of the other API routes meet: events, labels, cases, models, health, metrics."""

import asyncio
import json
from collections.abc import Iterator

import pytest
import structlog
from tests.integration.http_shop import NOON, Shop, open_shop, order, with_limits

from assay.app.settings import ServerSettings
from assay.core.time import DAY, HOUR, format_time
from assay.review.verdict import label_id
from assay.runtime.identity import Role, new_token
from assay.serving.access import api_access


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


def login(number: int, **change: object) -> dict[str, object]:
    data = {"user_id": "u-1", "failed": False}
    return {"id": f"l-{number}", "type": "login", "ts": NOON + number, "data": data, **change}


def test_events_come_as_an_array_and_each_gets_its_own_answer(shop: Shop) -> None:
    body = [login(1), login(2, type="lgoin"), login(1), login(3)]
    answer = shop.call("POST", "/v1/events", json=body)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r["status"] for r in results] == ["accepted", "refused", "duplicate", "accepted"]
    assert results[1]["path"] == "$.type"
    assert "login" in results[1]["detail"]
    assert answer.json()["refused"] == 1
    assert results[1]["quarantine"] == next(iter(shop.log.refusals())).id


def test_events_come_as_lines_too(shop: Shop) -> None:
    lines = b"\n".join(json.dumps(login(n)).encode() for n in range(3)) + b"\n\n{broken\n"
    answer = shop.call(
        "POST", "/v1/events", content=lines, headers={"content-type": "application/x-ndjson"}
    )
    assert [r["status"] for r in answer.json()["results"]] == ["accepted"] * 3 + ["refused"]


def test_an_event_with_a_used_id_and_another_body_is_refused(shop: Shop) -> None:
    shop.call("POST", "/v1/events", json=[login(1)])
    other = login(1, data={"user_id": "u-1", "failed": True})
    (result,) = shop.call("POST", "/v1/events", json=[other]).json()["results"]
    assert (result["status"], result["code"]) == ("refused", "conflict")


def test_an_event_older_than_the_horizon_is_kept_and_called_late(shop: Shop) -> None:
    shop.call("POST", "/v1/events", json=[login(1)])
    (result,) = shop.call("POST", "/v1/events", json=[login(2, ts=NOON - 8 * DAY)]).json()[
        "results"
    ]
    assert result["status"] == "late"


def test_more_events_than_a_slice_keep_their_order(shop: Shop) -> None:
    body = [login(n) for n in range(450)]
    results = shop.call("POST", "/v1/events", json=body).json()["results"]
    assert [r["seq"] for r in results] == list(range(1, 451))


def test_too_many_events_are_refused_as_a_whole(shop: Shop) -> None:
    small = with_limits(shop, events_items=2)
    answer = small.call("POST", "/v1/events", json=[login(n) for n in range(3)])
    assert answer.status_code == 413
    assert shop.log.last_seq() == 0


@pytest.mark.parametrize("body", [b"{}", b"[", b"[{]", b"", b'"x"', b"\xff"])
def test_what_is_no_array_of_events_is_a_bad_request(shop: Shop, body: bytes) -> None:
    answer = shop.call(
        "POST", "/v1/events", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"


def test_what_was_taken_in_counts_for_the_next_decision(shop: Shop) -> None:
    for n in range(4):
        shop.decide(order(n))
    assert shop.decide(order(5)).json()["outcome"] == "block"


def test_a_label_copies_the_keys_of_its_request(shop: Shop) -> None:
    made = shop.decide(order(1)).json()
    ts = NOON + HOUR
    answer = shop.call(
        "POST", "/v1/labels", json={"decision_id": made["id"], "fraud": True, "ts": ts}
    )
    assert answer.json()["status"] == "accepted"
    logged = shop.log.event(answer.json()["id"])
    assert logged is not None
    assert logged.event.ts == ts
    assert logged.event.payload == {
        "request_id": "o-1", "fraud": True, "source": "chargeback", "user_id": "u-1",
    }  # fmt: skip
    again = shop.call("POST", "/v1/labels", json={"request_id": "o-1", "fraud": True, "ts": ts})
    assert again.json()["status"] == "duplicate"


def test_a_label_may_be_dated_in_text_and_name_its_source(shop: Shop) -> None:
    shop.decide(order(1))
    body = {
        "request_id": "o-1",
        "fraud": False,
        "source": "reversal",
        "ts": format_time(NOON + HOUR),
    }
    assert shop.call("POST", "/v1/labels", json=body).json()["status"] == "accepted"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"fraud": True}, 422),
        ({"request_id": "o-1", "decision_id": "d", "fraud": True}, 422),
        ({"request_id": "o-none", "fraud": True}, 404),
        ({"decision_id": "dec_none", "fraud": True}, 404),
        ({"request_id": "o-1", "fraud": "yes"}, 422),
        ({"request_id": "o-1"}, 422),
        ({"request_id": "o-1", "fraud": True, "fruad": True}, 422),
        ({"request_id": "o-1", "fraud": True, "source": "review"}, 422),
        ({"request_id": "o-1", "fraud": True, "ts": "soon"}, 422),
        ({"request_id": "o-1", "fraud": True, "ts": NOON + 30 * DAY}, 422),
        ({"request_id": "o-1", "fraud": True, "ts": NOON}, 422),
        ({"request_id": "o-1", "fraud": True, "id": "a b"}, 422),
        ({"request_id": "x" * 200, "fraud": True}, 422),
    ],
)
def test_a_label_that_cannot_be_is_refused(
    shop: Shop, body: dict[str, object], status: int
) -> None:
    shop.decide(order(1))
    answer = shop.call("POST", "/v1/labels", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_review_becomes_a_case_a_verdict_and_a_label(shop: Shop) -> None:
    made = shop.decide(order(1, amount=2_000_00)).json()
    waiting = shop.call("GET", "/v1/cases", role="reviewer").json()
    assert waiting["waiting"] == 1
    case = waiting["cases"][0]
    assert (case["decision"], case["status"], case["amount"]) == (made["id"], "open", 200_000)
    path = f"/v1/cases/{case['id']}"
    taken = shop.call("POST", f"{path}/assign", role="reviewer").json()
    assert (taken.get("status"), taken.get("assignee")) == ("assigned", "reviewer-1")
    assert shop.call("POST", f"{path}/release", role="reviewer").json()["status"] == "open"
    closed = shop.call("POST", f"{path}/verdict", role="reviewer", json={"fraud": True}).json()
    assert (closed["status"], closed["fraud"]) == ("closed", True)
    label = shop.log.event(closed["label_event"])
    assert label is not None
    assert label.event.payload["reviewer"] == "reviewer-1"
    again = shop.call("POST", f"{path}/verdict", role="reviewer", json={"fraud": True})
    assert again.json() == closed
    other = shop.call("POST", f"{path}/verdict", role="reviewer", json={"fraud": False})
    assert other.status_code == 409
    assert shop.call("GET", "/v1/cases", role="reviewer").json()["waiting"] == 0


def forged(event_id: str = "la-1", **data: object) -> dict[str, object]:
    said = {"request_id": "o-1", "fraud": False, "source": "manual", **data}
    return {"id": event_id, "type": "label", "ts": NOON + HOUR, "data": said}


def held_case(shop: Shop) -> str:
    shop.decide(order(1, amount=2_000_00))
    return str(shop.call("GET", "/v1/cases", role="reviewer").json()["cases"][0]["id"])


def test_a_service_cannot_forge_a_verdict(shop: Shop) -> None:
    case = held_case(shop)
    forgeries = [
        forged(label_id(case), source="review", reviewer="reviewer-1"),
        forged(label_id(case)),
        forged(source="review"),
        forged(reviewer="reviewer-1"),
        login(1, id="lbl_1"),
    ]
    answer = shop.call("POST", "/v1/events", json=[*forgeries, forged()]).json()
    codes = [result.get("code") for result in answer["results"]]
    assert codes == ["reserved"] * 5 + [None]
    paths = [refusal.path for refusal in shop.log.refusals()]
    assert paths == ["$.id", "$.id", "$.data.source", "$.data.reviewer", "$.id"]
    assert shop.call("GET", "/v1/cases", role="reviewer").json()["waiting"] == 1
    replayed = shop.engine.replay_quarantine()
    assert [getattr(result, "code", None) for result in replayed] == ["reserved"] * 5
    closed = shop.call(
        "POST", f"/v1/cases/{case}/verdict", role="reviewer", json={"fraud": True}
    ).json()
    assert (closed["status"], closed["fraud"]) == ("closed", True)


def test_a_label_cannot_keep_a_verdict_out_by_taking_its_id(shop: Shop) -> None:
    case = held_case(shop)
    body = {"request_id": "o-1", "fraud": False, "ts": NOON + HOUR}
    answer = shop.call("POST", "/v1/labels", json={**body, "id": label_id(case)})
    assert (answer.status_code, answer.json()["code"]) == (422, "reserved")
    own = shop.call("POST", "/v1/labels", json=body).json()
    assert own["status"] == "accepted"
    assert not own["id"].startswith("lbl_")
    closed = shop.call("POST", f"/v1/cases/{case}/verdict", role="reviewer", json={"fraud": True})
    assert closed.json()["status"] == "closed"


def test_no_request_can_take_the_id_of_a_verdict(shop: Shop) -> None:
    case = held_case(shop)
    answer = shop.decide(order(2, event_id=label_id(case)))
    assert (answer.status_code, answer.json()["code"]) == (422, "reserved")


def test_a_case_that_is_not_there_is_not_found(shop: Shop) -> None:
    assert shop.call("GET", "/v1/cases/case_none", role="auditor").status_code == 404
    assert shop.call("GET", "/v1/cases?limit=0", role="auditor").status_code == 422
    assert shop.call("GET", "/v1/cases?limit=x", role="auditor").status_code == 422


@pytest.mark.parametrize("body", [b"", b"{", b'{"fraud": 1}', b'{"fraud": true, "x": 1}', b"[]"])
def test_a_verdict_that_cannot_be_read_changes_nothing(shop: Shop, body: bytes) -> None:
    shop.decide(order(1, amount=2_000_00))
    case = shop.call("GET", "/v1/cases", role="reviewer").json()["cases"][0]
    answer = shop.call(
        "POST", f"/v1/cases/{case['id']}/verdict", role="reviewer", content=body,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status_code in (400, 422)
    assert shop.call("GET", f"/v1/cases/{case['id']}", role="reviewer").json()["status"] == "open"


def test_the_inventory_is_readable_and_a_missing_version_not_found(shop: Shop) -> None:
    assert shop.call("GET", "/v1/models", role="validator").json() == []
    assert shop.call("GET", "/v1/models/none@1", role="validator").status_code == 404


def test_health_needs_no_token_and_everything_else_does(shop: Shop) -> None:
    assert shop.call("GET", "/healthz", role=None).json() == {"status": "ok"}
    assert shop.call("GET", "/readyz", role=None).json() == {"status": "ready"}
    closed = [g for g in api_access(shop.platform.settings.limits) if g.roles is not None]
    assert len(closed) == 15
    for grant in closed:
        answer = shop.call(grant.method, grant.path.replace("{", "").replace("}", ""), role=None)
        assert answer.status_code == 401, grant.path
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_each_route_takes_exactly_the_roles_of_the_table(shop: Shop) -> None:
    for grant in api_access(shop.platform.settings.limits):
        if grant.roles is None:
            continue
        for role in Role:
            path = grant.path.replace("{", "").replace("}", "")
            status = shop.call(grant.method, path, role=role.value).status_code
            assert (status == 403) == (role not in grant.roles), (grant.path, role)


@pytest.mark.parametrize(
    "value",
    [
        "Bearer", "Bearer ", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer assay_00_x",
        "Bearer " + "x" * 5000, "bearer\tassay", "Token x",
    ],
)  # fmt: skip
def test_a_garbled_token_is_refused(shop: Shop, value: str) -> None:
    answer = shop.call("GET", "/v1/cases", role=None, headers={"authorization": value})
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


def test_two_authorization_headers_are_refused(shop: Shop) -> None:
    import httpx

    headers = httpx.Headers([("authorization", "Bearer a"), ("authorization", "Bearer b")])
    answer = shop.call("GET", "/v1/cases", role=None, headers=headers)
    assert answer.status_code == 401 or answer.status_code == 400


def test_an_expired_token_is_refused_and_told_so(shop: Shop) -> None:
    text, token = new_token("reviewer-1", bytes(38), 0, 1)
    shop.identity.add_token(token)
    answer = shop.call("GET", "/v1/cases", role=None, headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


def test_a_revoked_token_ends_within_a_second(shop: Shop) -> None:
    from assay.serving import auth

    assert shop.call("GET", "/v1/cases", role="reviewer").status_code == 200
    token_id = shop.tokens["reviewer"].split("_")[1]
    shop.identity.revoke(token_id, shop.platform.clock.wall())
    kept = auth.BELIEVED
    assert kept <= 1_000_000
    import time

    time.sleep(kept / 1e6 + 0.05)
    answer = shop.call("GET", "/v1/cases", role="reviewer")
    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]


def test_a_path_that_is_not_there_is_told_only_to_those_who_say_who_they_are(shop: Shop) -> None:
    assert shop.call("GET", "/v1/secrets", role=None).status_code == 401
    assert shop.call("GET", "/v1/secrets").status_code == 404
    assert shop.call("GET", "/v1/cases/", role="reviewer").status_code == 404


def test_a_wrong_method_is_told_the_right_ones(shop: Shop) -> None:
    answer = shop.call("DELETE", "/v1/decisions")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_head_answers_like_get_without_a_body(shop: Shop) -> None:
    answer = shop.call("HEAD", "/healthz", role=None)
    assert (answer.status_code, answer.content) == (200, b"")


def test_metrics_count_requests_and_decisions(shop: Shop) -> None:
    shop.decide(order(1))
    shop.decide({"bad": 1})
    text = shop.call("GET", "/metrics").text
    assert 'assay_decisions_total{degraded="no",outcome="approve"} 1.0' in text
    assert 'assay_events_refused_total{code="contract_violation"} 1.0' in text
    assert 'route="/v1/decisions",status="422"' in text
    assert "assay_log_seq 1.0" in text


def test_a_caller_cannot_make_the_number_of_series_grow(shop: Shop) -> None:
    for n in range(20):
        shop.call("GET", f"/v1/decisions/dec_{n}")
        shop.call("GET", f"/nothing/{n}")
        shop.call("PROPFIND", f"/nothing/{n}")
    text = shop.call("GET", "/metrics").text
    assert "dec_1" not in text
    assert "nothing" not in text
    assert "PROPFIND" not in text


def test_the_document_describes_every_route_and_every_event_type(shop: Shop) -> None:
    document = shop.call("GET", "/openapi.json", role="auditor").json()
    assert document["openapi"].startswith("3.1")
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    granted = {(g.method, g.path) for g in api_access(shop.platform.settings.limits)}
    assert described == granted - {("GET", "/openapi.json")}
    schemas = document["components"]["schemas"]
    assert schemas["Event_order"]["properties"]["data"]["required"] == ["user_id", "amount"]
    references = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                references.add(str(node["$ref"]).rpartition("/")[2])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)
    assert references <= set(schemas)


def test_too_many_requests_in_flight_are_told_to_wait() -> None:
    with open_shop(server=ServerSettings(access_log=False, in_flight_max=1)) as shop:

        async def all_at_once() -> list[int]:
            calls = [shop.acall("POST", "/v1/decisions", json=order(n)) for n in range(30)]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

        # How many overlap is the machine's affair.
        assert set(shop.runner.run(all_at_once())) == {200, 503}


def test_what_nobody_planned_for_is_logged_and_tells_the_caller_only_its_id(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(type(shop.platform.desk), "get", fail)
    with structlog.testing.capture_logs() as lines:
        answer = shop.call("GET", "/v1/cases/case_1", role="reviewer")
        page = shop.call("GET", "/healthz", role=None)
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert [line["request"] for line in lines if line["log_level"] == "error"] == [
        answer.headers["x-request-id"]
    ]
    assert page.status_code == 200
