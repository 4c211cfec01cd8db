"""The same kernel on Spark (two local workers): every bit as in one process."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.property.backfill.cut import backfilled, differences, table_of

from assay.adapters.parquet.arrow import AT
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.contracts.reserved import EVENT_ID
from assay.core.errors import Conflict, Invalid
from assay.features.backfill import backfill
from assay.features.catalog import Catalog
from assay.features.definition import Feature
from assay.runtime.backfill_job import Shape
from assay.workloads.cards.contracts import CONTRACTS, LABEL, TRANSACTION
from assay.workloads.cards.workload import CARDS

pytestmark = [
    pytest.mark.skipif(
        shutil.which("java") is None,
        reason="Spark needs Java 17: apt-get install openjdk-17-jre-headless",
    ),
    # Spark asks for pandas whenever it speaks Arrow, and warns of a newer one; none is used here.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
T = 1_700_000_000_000_000

#: The workload's own catalog, and a look-up that asks for another key than its own.
CATALOG = Catalog(
    request=TRANSACTION,
    contracts=CONTRACTS,
    features=[
        *CARDS.catalog.features,
        Feature(
            name="terminal_named_like_me",
            source="transaction",
            key=("terminal_id",),
            request_key=("customer_id",),
            aggregate="count",
            window=0,
        ),
    ],
    derived=CARDS.catalog.derived,
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


def history(count: int = 1_500) -> list[Event]:
    """Payments with many ties, labels of some of them, a few retractions."""
    rng = np.random.default_rng(9)
    events = []
    for number in range(count):
        ts = T + int(rng.integers(0, 400)) * 3_600_000_000
        payload = {
            "customer_id": f"n{rng.integers(0, 40)}",
            "terminal_id": f"n{rng.integers(0, 60)}",
            "amount": int(rng.integers(0, 90_000)),
            "local_time": ts,
        }
        events.append(Event(f"t{rng.integers(0, 10**9):09}-{number}", "transaction", ts, payload))
        if number % 3 == 0:
            said = {"request_id": events[-1].id, "fraud": bool(rng.integers(0, 2))}
            body = payload | said | {"source": "chargeback"}
            events.append(Event(f"l{number}", LABEL.type, ts + 7 * 86_400_000_000, body))
    return events


def files(folder: Path, events: list[Event], gone: list[str]) -> Path:
    folder.mkdir()
    back = [Event(f"back-{name}", "retraction", T, {"event": name}) for name in gone]
    for number in range(3):
        pq.write_table(
            table_of([*events[number::3], *(back if number == 0 else [])]),
            folder / f"{number}.parquet",
        )
    return folder


@pytest.mark.slow
def test_spark_gives_the_bits_of_one_process(spark: Any, tmp_path: Path) -> None:
    from assay.adapters.spark.backfill import backfill_spark

    events = history()
    gone = [events[5].id, events[17].id]
    given = files(tmp_path / "in", [*events, events[3]], gone)
    found = backfill_spark(spark, given, CATALOG, CONTRACTS, buckets=3)
    out = tmp_path / "spark"
    out.mkdir()
    table = found.values.toArrow().sort_by([(AT, "ascending"), (EVENT_ID, "ascending")])
    pq.write_table(table, out / "part-0.parquet")
    frame = backfill(CATALOG, events, retracted=gone)
    assert differences(out, frame) == []
    assert found.refused.count() == 0
    report = backfilled(given, tmp_path / "one", CATALOG, CONTRACTS, Shape((T + 10**12,), 2, 300))
    assert report.requests == len(frame) == table.num_rows
    assert differences(tmp_path / "one", frame) == []


def test_refused_rows_come_back_with_their_reason(spark: Any, tmp_path: Path) -> None:
    from assay.adapters.spark.backfill import backfill_spark

    table = table_of(history(9))
    amounts = table["amount"].to_pylist()
    amounts[0] = -1
    at = table.schema.get_field_index("amount")
    pq.write_table(table.set_column(at, "amount", pa.array(amounts)), tmp_path / "in.parquet")
    found = backfill_spark(
        spark, tmp_path / "in.parquet", CATALOG, CONTRACTS, buckets=2, unique_ids=True
    )
    [row] = found.refused.collect()
    assert row.type == "transaction"
    assert row.reason.endswith("between 0 and 100000000, got -1")
    assert found.values.count() == 8


def test_a_time_with_a_zone_is_the_same_instant(spark: Any, tmp_path: Path) -> None:
    """The quick one of the comparisons to the bit: a doubled event, one taken back, two buckets."""
    from assay.adapters.spark.backfill import backfill_spark

    events = history(30)
    gone = events[7].id
    back = Event("back", "retraction", T, {"event": gone})
    table = table_of([*events, events[3], back])
    at = table.schema.get_field_index("ts")
    zoned = table["ts"].cast(pa.timestamp("us", tz="America/New_York"))
    pq.write_table(table.set_column(at, "ts", zoned), tmp_path / "in.parquet")
    found = backfill_spark(spark, tmp_path / "in.parquet", CATALOG, CONTRACTS, buckets=2)
    out = tmp_path / "spark"
    out.mkdir()
    values = found.values.toArrow().sort_by([(AT, "ascending"), (EVENT_ID, "ascending")])
    pq.write_table(values, out / "part-0.parquet")
    assert differences(out, backfill(CATALOG, events, retracted=[gone])) == []


def test_files_that_tell_time_differently_are_refused_by_name(spark: Any, tmp_path: Path) -> None:
    from assay.adapters.spark.backfill import backfill_spark

    table = table_of(history(6))
    pq.write_table(table, tmp_path / "0.parquet")
    at = table.schema.get_field_index("ts")
    zoned = table["ts"].cast(pa.timestamp("us", tz="UTC"))
    pq.write_table(table.set_column(at, "ts", zoned), tmp_path / "1.parquet")
    with pytest.raises(Invalid, match="a column has the type BIGINT in one file and TIMESTAMP"):
        backfill_spark(spark, tmp_path, CATALOG, CONTRACTS)


def test_a_number_that_does_not_fit_refuses_its_row_alone(spark: Any, tmp_path: Path) -> None:
    from assay.adapters.spark.backfill import backfill_spark

    score = EventContract(
        type="score", version=1, keys=("card",),
        fields=(Field(name="card", kind="text"), Field(name="risk", kind="real")),
    )  # fmt: skip
    contracts = ContractSet([score])
    worst = Feature(
        name="worst", source="score", key=("card",), aggregate="max", of="risk", window=0
    )
    events = [
        Event(f"s{at}", "score", T + at, {"card": "c", "risk": risk})
        for at, risk in enumerate((3, 2**53 + 1, 7, 1))
    ]
    pq.write_table(table_of(events), tmp_path / "in.parquet")
    catalog = Catalog(request=score, contracts=contracts, features=[worst])
    found = backfill_spark(spark, tmp_path / "in.parquet", catalog, contracts, buckets=1)
    assert [row.reason for row in found.refused.collect()] == [
        "$.data.risk: expected a number that a double holds exactly, got 9007199254740993"
    ]
    values = {row.event_id: row.worst for row in found.values.collect()}
    assert values == {"s0": None, "s2": 3.0, "s3": 7.0}


def test_one_retraction_id_with_two_targets_is_refused(spark: Any, tmp_path: Path) -> None:
    from assay.adapters.spark.backfill import backfill_spark

    events = history(4)
    back = [Event("back", "retraction", T, {"event": event.id}) for event in events[:2]]
    pq.write_table(table_of([*events, *back]), tmp_path / "in.parquet")
    with pytest.raises(Conflict, match="more than one content: back"):
        backfill_spark(spark, tmp_path / "in.parquet", CATALOG, CONTRACTS)


def test_one_id_with_two_contents_is_refused(spark: Any, tmp_path: Path) -> None:
    from assay.adapters.spark.backfill import backfill_spark

    first = history(1)[0]
    other = Event(first.id, first.type, first.ts, first.payload | {"amount": 1})
    pq.write_table(table_of([first, other, history(3)[1]]), tmp_path / "in.parquet")
    with pytest.raises(Conflict, match=first.id):
        backfill_spark(spark, tmp_path / "in.parquet", CATALOG, CONTRACTS)


def test_workers_need_only_the_installed_package(spark: Any) -> None:
    """What is sent to them names modules of the package and nothing of this test."""
    from pyspark import cloudpickle

    from assay.adapters.spark.worker import Joiner
    from assay.runtime.backfill_job import lookups_of

    sent = cloudpickle.dumps(Joiner(CATALOG, lookups_of(CATALOG)).slice)
    assert b"assay.adapters.spark.worker" in sent
    assert b"tests." not in sent
