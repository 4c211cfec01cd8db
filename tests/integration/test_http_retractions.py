"""What callers meet who take an event back, put it right, or send it late."""

from collections.abc import Iterator

import pytest
from tests.integration.http_shop import NOON, Shop, open_shop, order


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


def login(number: int, **change: object) -> dict[str, object]:
    data = {"user_id": "u-1", "failed": False}
    return {"id": f"l-{number}", "type": "login", "ts": NOON + number, "data": data, **change}


def test_an_event_is_taken_back_over_http(shop: Shop) -> None:
    for n in range(4):
        shop.decide(order(n))
    path = "/v1/events/o-1/retraction"
    answer = shop.call("POST", path, json={"reason": "sent twice"})
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    shop.call("POST", "/v1/events", json=[login(9)])
    same = shop.call("POST", path, json={"reason": "sent twice"})
    assert same.json() == {"status": "duplicate", "id": answer.json()["id"], "seq": 5}
    assert shop.call("POST", path, json={"id": "mine"}).json()["status"] == "duplicate"
    assert shop.decide(order(5)).json()["outcome"] == "approve"
    assert shop.call("POST", "/v1/events/o-9/retraction", json={}).status_code == 404
    assert shop.call("POST", path, json={"resaon": ""}).status_code == 422
    assert shop.call("POST", path, json={"ts": "never"}).status_code == 422
    assert shop.call("POST", path, role="reviewer", json={}).status_code == 403
    (result,) = shop.call(
        "POST",
        "/v1/events",
        json=[{"id": "r9", "type": "retraction", "ts": NOON, "data": {"event": "o-2"}}],
    ).json()["results"]
    assert result["status"] == "accepted"


def test_an_event_is_corrected_over_http_or_not_at_all(shop: Shop) -> None:
    shop.call("POST", "/v1/events", json=[login(1)])
    path = "/v1/events/l-1/correction"
    bad = shop.call("POST", path, json={"event": login(2, type="lgoin")})
    assert (bad.status_code, bad.json()["path"]) == (422, "$.type")
    twice = b'{"event":{"id":"l-2","type":"login","ts":1,"data":{"failed":true,"failed":false}}}'
    headers = {"content-type": "application/json"}
    assert shop.call("POST", path, content=twice, headers=headers).status_code == 422
    assert shop.log.last_seq() == 1
    body = {"event": login(2), "reason": "wrong user"}
    results = shop.call("POST", path, json=body).json()["results"]
    assert [(r["status"], r["seq"]) for r in results] == [("accepted", 3), ("accepted", 2)]
    again = shop.call("POST", path, json=body).json()["results"]
    assert [r["status"] for r in again] == ["duplicate", "duplicate"]
    assert shop.call("POST", path, json={"event": login(3)}).status_code == 409
    assert shop.log.last_seq() == 3


def test_a_late_event_that_counts_says_so(shop: Shop) -> None:
    shop.call("POST", "/v1/events", json=[login(9)])
    (result,) = shop.call("POST", "/v1/events", json=[login(2)]).json()["results"]
    assert (result["status"], result["late"]) == ("accepted", True)
    (result,) = shop.call("POST", "/v1/events", json=[login(10)]).json()["results"]
    assert "late" not in result
