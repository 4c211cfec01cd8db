"""A body is one event or a refusal that says where it broke."""

import json
from typing import Any

import pytest

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.decode import (
    FUTURE_MAX,
    PAST_MAX,
    ContractViolation,
    check_event,
    decode_event,
    decode_object,
    encode_event,
)
from assay.contracts.event import Event
from assay.contracts.parse import BODY_MAX
from assay.core.errors import Invalid, TooLarge
from assay.core.money import MINOR_MAX
from assay.core.time import DAY

NOW = 1_767_225_600_000_000  # 2026-01-01
PAYMENT = EventContract(
    type="payment",
    version=1,
    keys=("card_id",),
    fields=(
        Field(name="card_id", kind="text", length_max=10),
        Field(name="amount", kind="money", unit="EUR"),
        Field(name="country", kind="text", required=False, choices=("DE", "FR")),
        Field(name="items", kind="int", required=False, low=1, high=99),
        Field(name="risky", kind="bool", required=False),
        Field(name="distance", kind="real", required=False, low=0.0),
        Field(name="plain", kind="real", required=False),
        Field(name="born", kind="time", required=False),
    ),
)
LOGIN = EventContract(
    type="login", version=1, keys=("user",), fields=(Field(name="user", kind="text"),)
)
CONTRACTS = ContractSet([PAYMENT, LOGIN])


def body(**changes: Any) -> bytes:
    data = {"card_id": "c1", "amount": 1250, **changes}
    return json.dumps({"id": "p1", "type": "payment", "ts": NOW, "data": data}).encode()


def decoded(raw: bytes) -> Event:
    return decode_event(raw, CONTRACTS, now=NOW)


def violation(raw: bytes) -> ContractViolation:
    with pytest.raises(ContractViolation) as caught:
        decoded(raw)
    return caught.value


def test_a_complete_event_keeps_every_value_in_its_own_type() -> None:
    event = decoded(
        body(
            country="FR", items=3, risky=False, distance=2, plain=-1.5, born="2000-01-01T00:00:00Z"
        )
    )
    assert event == Event(
        "p1",
        "payment",
        NOW,
        {
            "card_id": "c1",
            "amount": 1250,
            "country": "FR",
            "items": 3,
            "risky": False,
            "distance": 2.0,
            "plain": -1.5,
            "born": 946_684_800_000_000,
        },
    )
    assert type(event.payload["distance"]) is float
    assert type(event.payload["risky"]) is bool


def test_null_absent_and_reordered_are_the_same_event() -> None:
    plain = decoded(body())
    assert decoded(body(country=None, risky=None)) == plain
    spaced = b'{ "data" : {"amount":1250,\n "card_id":"c1"}, "ts": "2026-01-01T01:00:00+01:00",'
    assert decoded(spaced + b' "type":"payment", "id":"p1"}').digest == plain.digest


def test_the_two_zeros_are_one_measurement() -> None:
    assert str(decoded(body(plain=-0.0)).payload["plain"]) == "0.0"


def test_the_wire_form_decodes_to_the_same_event() -> None:
    event = decoded(body(country="DE", plain=0.1 + 0.2, card_id='é"\\'))
    assert decoded(encode_event(event)) == event


@pytest.mark.parametrize(
    ("raw", "path", "said"),
    [
        (b"", "$", "UTF-8 JSON"),
        (b"{", "$", "UTF-8 JSON"),
        (b"\xef\xbb\xbf{}", "$", "UTF-8 JSON"),
        (b'{"id":"\xff"}', "$", "not UTF-8"),
        (b'{"id":"\xed\xa0\x80"}', "$", "not UTF-8"),
        (b"{} {}", "$", "trailing"),
        (b"null", "$", "an event object"),
        (b"[]", "$", "an array of 0"),
        (b'"text"', "$", "an event object"),
        (b'{"id":"a","id":"a"}', "$.id", "twice"),
        (b'{"id":"a","type":"t","ts":1,"data":{},"data":{}}', "$.data", "twice"),
        (b'{"a":NaN}', "$", "invalid character"),
        (b'{"a":Infinity}', "$", "invalid character"),
        (b'{"a":1e999}', "$", "out of range"),
        (b'{"a":01}', "$", "invalid number"),
        (b'{"a":1,}', "$", "UTF-8 JSON"),
        (b'{"id":"a\\ud800"}', "$", "UTF-8 JSON"),
        (b"[" * 9 + b"]" * 9, "$", "deeper"),
        (b"[" * 30_000, "$", "deeper"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "$", "deeper"),
        (b'{"a":' + b"9" * 5000 + b"}", "$", "out of range"),
    ],
)
def test_what_is_not_one_json_object_is_refused(raw: bytes, path: str, said: str) -> None:
    error = violation(raw)
    assert error.path == path
    assert said in str(error)
    assert error.code == "contract_violation"


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge, match="65536"):
        decoded(b"[" + b" " * BODY_MAX)


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"id": None}, "$.id", "got null"),
        ({"id": 7}, "$.id", "got 7"),
        ({"id": ""}, "$.id", 'got ""'),
        ({"id": "a b"}, "$.id", "without spaces"),
        ({"id": "é"}, "$.id", "ASCII"),
        ({"id": "x" * 129}, "$.id", "(129 characters)"),
        ({"type": "paymnet"}, "$.type", "Did you mean 'payment'?"),
        ({"type": ["payment"]}, "$.type", "an array of 1"),
        ({"ts": "2026-01-01"}, "$.ts", "RFC 3339"),
        ({"ts": "2026-01-01T00:00:00"}, "$.ts", "RFC 3339"),
        ({"ts": "2026-02-30T00:00:00Z"}, "$.ts", "RFC 3339"),
        ({"ts": True}, "$.ts", "got true"),
        ({"ts": 1.5}, "$.ts", "got 1.5"),
        ({"ts": NOW // 1_000_000}, "$.ts", "microseconds"),
        ({"ts": 10**40}, "$.ts", "between 2000 and 2100"),
        ({"ts": NOW + FUTURE_MAX + 1}, "$.ts", "not after 2026-01-01T00:05:00Z"),
        ({"ts": NOW - PAST_MAX - 1}, "$.ts", "not before 2016-01-04"),
        ({"data": []}, "$.data", "an array of 0"),
        ({"data": None}, "$.data", "null"),
        ({"extra": 1}, "$", 'unknown name "extra"'),
        ({"dta": 1}, "$", "Did you mean 'data'?"),
    ],
)
def test_a_wrong_envelope_is_refused_at_its_path(
    changes: dict[str, Any], path: str, said: str
) -> None:
    whole = {"id": "p1", "type": "payment", "ts": NOW, "data": {"card_id": "c", "amount": 1}}
    error = violation(json.dumps({**whole, **changes}).encode())
    assert error.path == path
    assert said in str(error)


@pytest.mark.parametrize("missing", ["id", "type", "ts", "data"])
def test_a_missing_part_is_named(missing: str) -> None:
    whole = {"id": "p1", "type": "payment", "ts": NOW, "data": {}}
    del whole[missing]
    assert violation(json.dumps(whole).encode()).path == f"$.{missing}"


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"amount": "12,50"}, "$.data.amount", 'money in minor units (whole number), got "12,50"'),
        ({"amount": 12.5}, "$.data.amount", "got 12.5"),
        ({"amount": 12.0}, "$.data.amount", "got 12.0"),
        ({"amount": True}, "$.data.amount", "got true"),
        ({"amount": None}, "$.data.amount", "got null"),
        ({"amount": MINOR_MAX + 1}, "$.data.amount", f"between -{MINOR_MAX} and {MINOR_MAX}"),
        ({"amount": 10**300}, "$.data.amount", "more than 60 digits"),
        ({"amount": {"minor": 5}}, "$.data.amount", "an object of 1"),
        ({"amuont": 5}, "$.data", "Did you mean 'amount'?"),
        ({"card_id": 5}, "$.data.card_id", "expected text, got 5"),
        ({"card_id": "x" * 11}, "$.data.card_id", "at most 10 characters, got 11"),
        ({"card_id": "a\x00"}, "$.data.card_id", "U+0000"),
        ({"country": "Fr"}, "$.data.country", "one of DE, FR"),
        ({"country": 1}, "$.data.country", "one of DE, FR"),
        ({"items": 0}, "$.data.items", "between 1 and 99, got 0"),
        ({"items": 100}, "$.data.items", "got 100"),
        ({"items": "3"}, "$.data.items", 'a whole number, got "3"'),
        ({"risky": 1}, "$.data.risky", "true or false, got 1"),
        ({"risky": "true"}, "$.data.risky", "true or false"),
        ({"distance": -0.5}, "$.data.distance", "between 0.0 and inf"),
        ({"distance": "1"}, "$.data.distance", "a number"),
        ({"plain": 2**53 + 1}, "$.data.plain", "exactly"),
        ({"plain": False}, "$.data.plain", "got false"),
        ({"born": "yesterday"}, "$.data.born", "RFC 3339"),
        ({"born": 12}, "$.data.born", "2000 and 2100"),
    ],
)
def test_a_wrong_field_is_refused_at_its_path(
    changes: dict[str, Any], path: str, said: str
) -> None:
    error = violation(body(**changes))
    assert error.path == path
    assert said in str(error)


def test_a_missing_required_field_is_named() -> None:
    raw = b'{"id":"p1","type":"payment","ts":%d,"data":{"amount":1}}' % NOW
    error = violation(raw)
    assert (error.path, error.got) == ("$.data.card_id", "nothing")


@pytest.mark.parametrize(
    "data",
    [
        '{"card_id":"c1","amount":1,"amount":2}',
        '{"card_id":"c\\u0031","amount":1,"amount":1}',
        '{"card_id":"c1","\\u0061mount":1,"amount":2}',
    ],
)
def test_a_field_named_twice_is_refused_however_it_is_written(data: str) -> None:
    raw = f'{{"id":"p1","type":"payment","ts":{NOW},"data":{data}}}'.encode()
    error = violation(raw)
    assert error.path == "$.data.amount"
    assert "twice" in str(error)


def test_escapes_mean_what_json_says() -> None:
    event = decoded(body(card_id='\u20ac"\\/\U0001f600'))
    assert event.payload["card_id"] == '\u20ac"\\/\U0001f600'


def test_an_object_that_is_already_parsed_meets_the_same_checks() -> None:
    whole: dict[str, Any] = {"id": "l1", "type": "login", "ts": NOW, "data": {"user": "u"}}
    assert decode_object(whole, CONTRACTS, now=NOW).payload == {"user": "u"}
    whole["data"] = {"user": "\ud800"}
    with pytest.raises(ContractViolation, match="lone surrogate"):
        decode_object(whole, CONTRACTS, now=NOW)
    whole["data"] = {"user": float("nan")}
    with pytest.raises(ContractViolation, match="expected text"):
        decode_object(whole, CONTRACTS, now=NOW)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_way_leads_past_a_number_that_is_none(value: float) -> None:
    event = Event("p1", "payment", NOW, {"card_id": "c", "amount": 1, "plain": value})
    with pytest.raises(ContractViolation, match="finite"):
        check_event(event, CONTRACTS)


def test_an_event_that_did_not_come_as_json_is_checked_and_made_equal() -> None:
    event = Event("p1", "payment", NOW - 9000 * DAY, {"card_id": "c", "amount": 1, "risky": None})
    assert check_event(event, CONTRACTS).payload == {"card_id": "c", "amount": 1}
    with pytest.raises(Invalid):
        check_event(Event("p1", "payment", 5, {"card_id": "c", "amount": 1}), CONTRACTS)


def test_the_limits_on_time_are_the_callers() -> None:
    future = body().replace(str(NOW).encode(), str(NOW + DAY).encode())
    assert decode_event(future, CONTRACTS, now=NOW, future_max=DAY).ts == NOW + DAY
    with pytest.raises(ContractViolation):
        decode_event(body(), CONTRACTS, now=NOW + 2 * DAY, past_max=DAY)


def test_a_message_stays_short_and_printable_whatever_came() -> None:
    text = str(violation(body(amount="\x1b[31m\u202e" + "x" * 10_000)))
    assert text.isprintable()
    assert len(text) < 250


@pytest.mark.parametrize(
    ("card", "expected", "got"),
    [
        ("", "an identifier (leave an optional one out)", "an empty text"),
        (" c1", "an identifier without white space at its ends", '" c1"'),
        ("c1\n", "an identifier without white space at its ends", '"c1\\n"'),
        ("c1\u00a0", "an identifier without white space at its ends", "c1"),
        ("c\u200b1", "an identifier without control or format characters", "U+200B at 1"),
        ("\ufeffc1", "an identifier without control or format characters", "U+FEFF at 0"),
        ("c\t1", "an identifier without control or format characters", "U+0009 at 1"),
    ],
)
def test_a_key_that_looks_like_another_is_refused(card: str, expected: str, got: str) -> None:
    found = violation(body(card_id=card))
    assert (found.path, found.expected) == ("$.data.card_id", expected)
    assert got in found.got


@pytest.mark.parametrize("card", ["c 1", "č-1", "卡1", "c\u00a01"])
def test_a_key_may_hold_any_visible_text(card: str) -> None:
    assert decoded(body(card_id=card)).payload["card_id"] == card


def test_text_that_is_no_key_keeps_its_spaces() -> None:
    contract = EventContract(
        type="note", version=1, keys=(), fields=(Field(name="said", kind="text"),)
    )
    raw = json.dumps({"id": "n1", "type": "note", "ts": NOW, "data": {"said": " a\u200b\n"}})
    event = decode_event(raw.encode(), ContractSet([contract]), now=NOW)
    assert event.payload["said"] == " a\u200b\n"
