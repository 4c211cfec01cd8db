"""The small parts: bodies, intake, bearers, metrics, schemas, the engine's thread."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from assay.app.platform import EngineThread
from assay.contracts.contract import EventContract, Field
from assay.contracts.event import Event
from assay.contracts.violation import ContractViolation
from assay.core.errors import Invalid, TooLarge, Unauthenticated, Unavailable
from assay.core.time import SECOND
from assay.decisions.freshness import ViewTarget
from assay.runtime.freshness import Freshness
from assay.runtime.identity import Role, new_token, new_user
from assay.runtime.memory_identity import MemoryIdentity
from assay.serving.answers import LabelBody, VerdictBody
from assay.serving.auth import Bearers
from assay.serving.bodies import body_as
from assay.serving.decisions import durable
from assay.serving.freshness_metrics import FreshnessMetrics
from assay.serving.intake import split_array, split_lines
from assay.serving.metrics import Metrics
from assay.serving.openapi import event_schema
from assay.serving.problem import Malformed


def test_a_body_is_taken_as_it_is_or_not_at_all() -> None:
    assert body_as(VerdictBody, b'{"fraud": true}').fraud is True
    for wrong in (b'{"fraud": 1}', b'{"fraud": "true"}', b"{}", b"[]", b'{"fraud":true,"x":1}'):
        with pytest.raises(Invalid):
            body_as(VerdictBody, wrong)
    for broken in (b"", b"{", b'{"fraud": true, "fraud": false}', b"\xff"):
        with pytest.raises(ContractViolation):
            body_as(VerdictBody, broken)
    with pytest.raises(Invalid, match="source"):
        body_as(LabelBody, b'{"fraud": true, "source": "rumour"}')


def test_an_array_is_split_without_touching_its_elements() -> None:
    assert split_array(b'[ {"a" : 1.50} ,\n"x", [1, 2]]', 3) == [b'{"a" : 1.50}', b'"x"', b"[1, 2]"]
    assert split_array(b"[]", 0) == []
    with pytest.raises(TooLarge, match="at most 2"):
        split_array(b"[1,2,3]", 2)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1", b"[1,]", b"nope", b"\xff[", b"[" * 100_000])
def test_what_is_no_array_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        split_array(body, 10)


def test_lines_are_split_and_blank_ones_left_out() -> None:
    assert split_lines(b'{"a":1}\r\n\n  \n{"b":2}', 2) == [b'{"a":1}', b'{"b":2}']
    with pytest.raises(TooLarge):
        split_lines(b"1\n2\n3", 2)


class Counting(MemoryIdentity):
    """Counts how often a token is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = 0

    def token(self, token_id: str) -> Any:
        """Look one up."""
        self.looked += 1
        return super().token(token_id)


def bearers() -> tuple[Bearers, Counting, list[int], str]:
    store, now = Counting(), [0]
    store.add_user(new_user("ada", "human", frozenset({Role.AUDITOR}), 0))
    text, token = new_token("ada", bytes(38), 0, 10 * SECOND)
    store.add_token(token)
    return Bearers(store, lambda: now[0]), store, now, text


def sent(text: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + text.encode())]


def test_a_token_is_looked_up_once_a_second() -> None:
    who, store, now, text = bearers()
    for _ in range(5):
        identity = who.identify(sent(text))
        assert identity is not None
        assert identity.user == "ada"
    assert store.looked == 1
    now[0] = SECOND
    who.identify(sent(text))
    assert store.looked == 2


def test_a_revoked_token_ends_after_a_second_and_an_expired_one_at_once() -> None:
    who, store, now, text = bearers()
    now[0] = 10 * SECOND - 1
    who.identify(sent(text))
    now[0] = 10 * SECOND
    with pytest.raises(Unauthenticated, match="expired"):
        who.identify(sent(text))
    now[0] = 0
    who, store, now, text = bearers()
    who.identify(sent(text))
    store.revoke("0" * 12, at=1)
    now[0] = SECOND
    with pytest.raises(Unauthenticated, match="revoked"):
        who.identify(sent(text))


def test_no_header_is_nobody_and_another_scheme_is_refused() -> None:
    who, _, _, _ = bearers()
    assert who.identify([]) is None
    with pytest.raises(Unauthenticated, match="Bearer"):
        who.identify([(b"authorization", b"Basic x")])


def test_unknown_methods_share_one_series() -> None:
    metrics = Metrics({("assay_x", "A gauge."): lambda: 7.0})
    for method in ("GET", "BREW", "PROPFIND"):
        metrics.request(method, "/a", 200, 0.001)
    metrics.decided("approve", degraded=True)
    metrics.refused("conflict")
    text = metrics.text().decode()
    assert 'assay_http_requests_total{method="other",route="/a",status="200"} 2.0' in text
    assert "assay_x 7.0" in text
    assert 'degraded="yes"' in text


def test_an_event_schema_says_what_the_contract_says() -> None:
    contract = EventContract(
        type="login",
        version=1,
        keys=("user",),
        fields=(
            Field(name="user", kind="text", length_max=9),
            Field(name="how", kind="text", choices=("app", "web"), required=False),
            Field(name="cents", kind="money", unit="EUR", low=0, high=5, about="price"),
            Field(name="since", kind="time", required=False),
        ),
    )
    data = event_schema(contract)["properties"]["data"]
    assert data["required"] == ["user", "cents"]
    assert data["properties"]["user"] == {"type": "string", "maxLength": 9}
    assert data["properties"]["how"]["enum"] == ["app", "web", None]
    assert data["properties"]["how"]["type"] == ["string", "null"]
    assert data["properties"]["cents"]["maximum"] == 5
    assert data["properties"]["cents"]["description"] == "price (EUR)"
    msgspec.json.encode(event_schema(contract))


def test_a_result_of_another_thread_is_waited_for_without_holding_this_one() -> None:
    async def run() -> int:
        future: Future[int] = Future()
        threading.Timer(0.01, future.set_result, [7]).start()
        return await durable(future)

    assert asyncio.run(run()) == 7


def test_a_failure_of_another_thread_is_raised_here() -> None:
    async def run() -> None:
        future: Future[int] = Future()
        future.set_exception(Unavailable("disk"))
        await durable(future)

    with pytest.raises(Unavailable, match="disk"):
        asyncio.run(run())


class Engine:
    """Notes on which thread it was called."""

    def __init__(self, error: Exception | None = None) -> None:
        self.threads: list[int] = []
        self.error = error

    def decide(self, raw: bytes, key: str | None = None) -> Any:
        """Not called here."""
        raise AssertionError((raw, key))

    def correct(self, event: bytes, retraction: bytes, check: Any) -> Any:
        """Not called here."""
        raise AssertionError((event, retraction, check))

    def ingest(
        self, raws: Sequence[bytes], check: Callable[[Event], Event] | None = None
    ) -> "Future[Any]":
        """Answer with how many there were."""
        assert check is None, "the desk may say what others may not"
        self.threads.append(threading.get_ident())
        future: Future[Any] = Future()
        if self.error:
            future.set_exception(self.error)
        else:
            future.set_result([len(raws)])
        return future


def test_another_thread_takes_events_in_on_the_engines_own() -> None:
    engine = Engine()
    thread = EngineThread(engine)

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        thread.own(loop.call_soon_threadsafe)
        return await loop.run_in_executor(None, lambda: thread.ingest([b"a", b"b"]).result(5))

    assert asyncio.run(run()) == [2]
    assert engine.threads == [threading.get_ident()]
    thread.own(None)
    answered: list[Any] = list(thread.ingest([b"a"]).result(1))
    assert answered == [1]


def test_a_failure_hops_back_too() -> None:
    thread = EngineThread(Engine(Unavailable("disk")))
    thread.own(lambda call: call())
    with pytest.raises(Unavailable):
        thread.ingest([]).result(1)


def test_all_who_wait_are_woken_whoever_resolves_their_futures_and_when() -> None:
    async def run() -> list[int]:
        futures: list[Future[int]] = [Future() for _ in range(2000)]

        def resolve(mine: "list[Future[int]]") -> None:
            for number, future in enumerate(mine):
                future.set_result(number)

        threads = [threading.Thread(target=resolve, args=(futures[k::4],)) for k in range(4)]
        waiting = [asyncio.ensure_future(durable(future)) for future in futures]
        await asyncio.sleep(0)
        for thread in threads:
            thread.start()
        return await asyncio.wait_for(asyncio.gather(*waiting), 10)

    assert sorted(asyncio.run(run())) == sorted([*range(500)] * 4)


def test_whoever_stops_waiting_does_not_disturb_the_others() -> None:
    async def run() -> int:
        one: Future[int] = Future()
        two: Future[int] = Future()
        first = asyncio.ensure_future(durable(one))
        second = asyncio.ensure_future(durable(two))
        await asyncio.sleep(0)
        first.cancel()
        one.set_result(1)
        two.set_result(2)
        return await second

    assert asyncio.run(run()) == 2


def test_freshness_is_scraped_as_histograms_and_shares() -> None:
    counts, target = Freshness(), ViewTarget(view="paid.card", age_max=10, share=0.9)
    counts.read(3_000_000, 0, {"paid.user": "read_model_down"})
    counts.servable.took(3, 2)
    counts.watched([target], {"paid.card": 0}, [], 5)
    metrics = Metrics()
    metrics.registry.register(FreshnessMetrics(counts.view))
    text = metrics.text().decode()
    for line in (
        'assay_newest_event_age_seconds_bucket{le="2.097152"} 0.0',
        'assay_newest_event_age_seconds_bucket{le="4.194304"} 1.0',
        "assay_newest_event_age_seconds_sum 3.0",
        'assay_event_servable_seconds_bucket{le="4e-06"} 2.0',
        'assay_views_absent_total{reason="read_model_down"} 1.0',
        'assay_view_decisions_total{fresh="yes",view="paid.card"} 1.0',
        'assay_view_fresh_share{view="paid.card"} 1.0',
        'assay_view_fresh_target{view="paid.card"} 0.9',
    ):
        assert line in text.splitlines(), line
