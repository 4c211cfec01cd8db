"""What the decision benchmark is made of, and the shape of what it prints; no time is judged."""

import json

import msgspec
import numpy as np

from assay.app.workloads import compiled, rules_only
from assay.bench import mlserver
from assay.bench.decide import _open_rows, _outcome_rows
from assay.bench.load import NUMBER, TIME, Result
from assay.bench.report import report
from assay.bench.world import CATALOG, CONTRACTS, START, WORKLOAD, bodies, events, traffic
from assay.bench.world_rules import RULES
from assay.contracts.decode import decode_event, encode_event
from assay.core.time import DAY

_METRICS = """\
# TYPE assay_decisions_total counter
assay_decisions_total{degraded="no",outcome="approve"} 97.0
assay_decisions_total{degraded="no",outcome="review"} 2.0
assay_decisions_total{degraded="yes",outcome="block"} 1.0
assay_decisions_created{degraded="no",outcome="approve"} 1.7e+09
"""


def test_the_workload_is_a_hundred_windowed_features_and_33_rules_that_compile() -> None:
    policy = compiled(rules_only(WORKLOAD), WORKLOAD)
    assert (len(CATALOG.features), len(CATALOG.derived), len(RULES)) == (100, 0, 33)
    assert len(policy.rules.checked) >= 33


def test_the_history_keeps_its_contracts_and_repeats_by_seed() -> None:
    made = list(events(traffic(3, 400)))
    assert made == list(events(traffic(3, 400))) != list(events(traffic(4, 400)))
    assert {event.type for event in made} == {"order", "attempt"}
    for event in made:
        read = decode_event(encode_event(event), CONTRACTS, now=event.ts)
        assert read == event


def test_live_requests_are_orders_once_number_and_time_are_filled_in() -> None:
    for number, body in enumerate(bodies(3, 50).splitlines()):
        raw = body.replace(NUMBER, b"%08d" % number).replace(TIME, b"%d" % (START + DAY))
        event = decode_event(raw, CONTRACTS, now=START + DAY)
        assert (event.id, event.type) == (f"live-{number:08}", "order")


def test_the_peer_gets_the_same_rows_without_nan() -> None:
    [line] = mlserver.bodies(np.array([[1.5, np.nan]])).splitlines()
    [tensor] = json.loads(line)["inputs"]
    assert (tensor["shape"], tensor["data"]) == ([1, 2], [1.5, 0.0])


def test_what_was_decided_is_read_from_the_servers_own_metrics() -> None:
    values = {row.name: row.value for row in _outcome_rows(_METRICS)}
    assert values["decisions not approved, with contributions"] == 3.0
    assert values["decisions degraded"] == 1.0


def test_a_row_without_a_peer_says_why_in_the_printed_object() -> None:
    found = Result(
        sent=9, answered=9, errors=0, rate=3.0, p50=1.0, p99=2.0, p999=3.0, longest=4.0, statuses={}
    )
    printed = report("decide", seed=7, rows=_open_rows(found, 300.0, 20.0))
    read = msgspec.json.decode(msgspec.json.encode(printed))
    assert set(read) == {"benchmark", "machine", "versions", "seed", "rows"}
    assert [row["value"] for row in read["rows"]] == [1.0, 2.0, 3.0, 0.0]
    assert all(row["peer_value"] is None and row["why"] for row in read["rows"])
