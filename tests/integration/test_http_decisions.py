"""What a caller of POST /v1/decisions meets, good input and bad."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from tests.integration.http_shop import NOON, Shop, open_shop, order, with_limits

from assay.core.errors import Unavailable
from assay.core.time import DAY, format_time


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


def test_a_good_order_is_approved_and_in_the_log_when_the_answer_comes(shop: Shop) -> None:
    answer = shop.decide(order(1))
    body = answer.json()
    assert answer.status_code == 200
    assert body["outcome"] == "approve"
    assert body["probability"] is None
    assert body["receipt"]["cut"]
    assert body["policy"].startswith("sha256:")
    stored = shop.log.decision(body["id"])
    assert stored is not None
    assert stored.event == "o-1"


def test_reasons_come_with_codes_and_texts(shop: Shop) -> None:
    body = shop.decide(order(1, amount=2_000_00)).json()
    assert body["outcome"] == "review"
    reason = next(r for r in body["reasons"] if r["code"] == "amount_high")
    assert (reason["asks"], reason["held"]) == ("review", True)
    assert "above the limit" in reason["text"]
    assert body["customer"]
    assert not any("limit" in text for text in body["customer"])


def test_a_name_on_the_sanctions_list_is_held_and_the_customer_is_told_nothing(
    shop: Shop,
) -> None:
    body = shop.decide(order(1, guest_name="IVAN  bad")).json()
    assert body["outcome"] == "hold"
    assert "sanction" not in " ".join(body["customer"]).lower()


def test_a_stored_decision_is_read_back_as_it_was_answered(shop: Shop) -> None:
    body = shop.decide(order(1)).json()
    for role in ("service", "reviewer", "auditor"):
        assert shop.call("GET", f"/v1/decisions/{body['id']}", role=role).json() == body
    assert shop.call("GET", "/v1/decisions/dec_none").status_code == 404


def test_the_same_event_again_gives_the_same_decision_byte_for_byte(shop: Shop) -> None:
    first, second = shop.decide(order(1)), shop.decide(order(1))
    assert second.content == first.content
    assert shop.log.last_seq() == 1


def test_the_same_id_with_another_body_is_a_conflict(shop: Shop) -> None:
    shop.decide(order(1))
    answer = shop.decide(order(1, amount=9_999))
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"
    assert shop.log.last_seq() == 1


def test_the_same_key_and_body_give_the_same_answer_and_another_body_a_conflict(
    shop: Shop,
) -> None:
    key = {"idempotency-key": "k-1"}
    first = shop.decide(order(1), headers=key)
    assert shop.decide(order(1), headers=key).content == first.content
    conflict = shop.decide(order(2), headers=key)
    assert conflict.status_code == 409
    assert conflict.json()["detail"].startswith("idempotency key 'k-1' was used for another body")
    assert shop.decide(order(3), headers={"idempotency-key": "k-3"}).status_code == 200


def test_a_key_that_comes_only_with_a_retry_is_a_conflict_that_names_it(shop: Shop) -> None:
    shop.decide(order(1), headers={"idempotency-key": "k-1"})
    answer = shop.decide(order(1), headers={"idempotency-key": "k-2"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["detail"].startswith("idempotency key 'k-2' is not that of event 'o-1'")


@pytest.mark.parametrize("key", ["a b", "x" * 129, "\x01"])
def test_an_idempotency_key_out_of_form_is_refused(shop: Shop, key: str) -> None:
    answer = shop.decide(order(1), headers={"idempotency-key": key})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert shop.log.last_seq() == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nope", b'{"id": "o-1"', b"\xff\xfe", b'{"id": NaN}', b"[" * 100_000, b"\x00"],
)
def test_what_is_not_json_is_a_bad_request(shop: Shop, body: bytes) -> None:
    answer = shop.call(
        "POST", "/v1/decisions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 413)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in ("contract_violation", "too_large")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"data": {"user_id": "u", "amount": "12,50"}}, "$.data.amount"),
        ({"data": {"user_id": "u", "amount": 12.5}}, "$.data.amount"),
        ({"data": {"user_id": "u", "amount": True}}, "$.data.amount"),
        ({"data": {"user_id": "u", "amount": 10**400}}, "$.data.amount"),
        ({"data": {"user_id": "u", "amount": 10**12}}, "$.data.amount"),
        ({"data": {"user_id": 7, "amount": 1}}, "$.data.user_id"),
        ({"data": {"amount": 1}}, "$.data.user_id"),
        ({"data": {"user_id": "u", "amount": 1, "amuont": 2}}, "$.data"),
        ({"data": []}, "$.data"),
        ({"type": "ordre"}, "$.type"),
        ({"type": "login", "data": {"user_id": "u", "failed": False}}, "$.type"),
        ({"id": ""}, "$.id"),
        ({"id": "a b"}, "$.id"),
        ({"ts": 1}, "$.ts"),
        ({"ts": "yesterday"}, "$.ts"),
        ({"ts": 2**70}, "$.ts"),
        ({"extra": 1}, "$"),
    ],
)
def test_a_body_that_breaks_its_contract_says_where(
    shop: Shop, change: dict[str, object], path: str
) -> None:
    answer = shop.call(
        "POST",
        "/v1/decisions",
        content=json.dumps({**order(1), **change}),
        headers={"content-type": "application/json"},
    )
    problem = answer.json()
    if "thousands of digits" in problem["detail"]:  # the JSON reader's own limit comes first
        assert answer.status_code == 400
        return
    assert answer.status_code == 422
    assert problem["path"] == path
    assert problem["expected"]
    assert problem["instance"].endswith(answer.headers["x-request-id"])
    assert shop.log.last_seq() == 0
    assert [kept.path for kept in shop.log.refusals()] == [path]


def test_the_near_miss_is_named(shop: Shop) -> None:
    assert "'order'" in shop.decide({**order(1), "type": "ordre"}).json()["detail"]
    wrong = order(1)
    wrong["data"]["amuont"] = 1
    assert "'amount'" in shop.decide(wrong).json()["detail"]


@pytest.mark.parametrize("away", [-11_000 * DAY, 40 * DAY, 20_000 * DAY])
def test_a_time_far_from_now_is_refused(shop: Shop, away: int) -> None:
    shop.decide(order(1))
    answer = shop.decide(order(2, ts=NOON + away))
    assert answer.status_code == 422
    assert answer.json()["path"] == "$.ts"


def test_a_body_over_the_limit_is_refused_before_it_is_read(shop: Shop) -> None:
    small = with_limits(shop, decision_bytes=400)
    answer = small.decide(order(1, message="x" * 500))
    assert answer.status_code == 413
    assert "at most 400 bytes" in answer.json()["detail"]


def test_a_streamed_body_over_the_limit_is_refused_too(shop: Shop) -> None:
    small = with_limits(shop, decision_bytes=400)

    async def chunks() -> object:
        for _ in range(10):
            yield b" " * 100

    answer = small.call(
        "POST", "/v1/decisions", content=chunks(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "media", ["text/plain", "", "application/xml", "application/json; charset=latin-1"]
)
def test_another_media_type_is_not_read(shop: Shop, media: str) -> None:
    answer = shop.call("POST", "/v1/decisions", content=b"{}", headers={"content-type": media})
    assert answer.status_code == 415
    assert answer.headers["accept-post"] == "application/json"


def test_times_may_be_text_with_an_offset(shop: Shop) -> None:
    event = {**order(1), "ts": format_time(NOON)}
    assert shop.decide(event).json()["at"] == format_time(NOON)


def test_many_at_once_are_each_answered_with_their_own_decision(shop: Shop) -> None:
    async def all_at_once() -> list[str]:
        calls = [
            shop.acall("POST", "/v1/decisions", json=order(n, user_id=f"u-{n}")) for n in range(50)
        ]
        return [answer.json()["event"] for answer in await asyncio.gather(*calls)]

    assert shop.runner.run(all_at_once()) == [f"o-{n}" for n in range(50)]
    assert shop.log.last_seq() == 50


def test_a_full_disk_is_not_acknowledged_and_says_when_to_come_back() -> None:
    from assay.runtime.memory import MemoryLog

    class FullDisk(MemoryLog):
        full = False

        def append(self, entries: object) -> None:
            if self.full:
                raise Unavailable("no space left on device")
            super().append(entries)  # type: ignore[arg-type] # the port's own argument

        def probe(self) -> None:
            if self.full:
                raise Unavailable("no space left on device")

    log = FullDisk()
    with open_shop(log=log) as shop:
        assert shop.decide(order(1)).status_code == 200
        log.full = True
        answer = shop.decide(order(2))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert shop.call("GET", "/readyz", role=None).status_code == 503
        assert log.last_seq() == 1


def test_a_missing_sanctions_list_holds_and_never_approves() -> None:
    from assay.runtime.memory import MemoryLists

    with open_shop(lists=MemoryLists()) as shop:
        body = shop.decide(order(1)).json()
        assert body["outcome"] == "hold"
        assert body["degraded"]


def test_an_answer_carries_its_request_id_and_is_not_cached(shop: Shop) -> None:
    headers = shop.decide(order(1)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert len(headers["x-request-id"]) == 16
