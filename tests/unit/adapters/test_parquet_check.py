"""Whole columns are checked as the door checks one event: the same rows, the same reasons."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.backfill.cut import backfilled

from assay.adapters.parquet.arrow import arrow_type
from assay.adapters.parquet.check import refused_rows
from assay.adapters.parquet.source import input_files
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.decode import check_event, decode_event
from assay.contracts.event import Event
from assay.contracts.violation import ContractViolation
from assay.core.errors import Invalid, NotFound
from assay.core.time import TIME_END, TIME_MIN
from assay.features.catalog import Catalog
from assay.features.definition import Feature
from assay.runtime.backfill_job import Shape

PAID = EventContract(
    type="paid",
    version=1,
    fields=(
        Field(name="card", kind="text", length_max=4),
        Field(name="note", kind="text", length_max=5, required=False),
        Field(name="tier", kind="text", choices=("gold", "base"), required=False),
        Field(name="cents", kind="money", low=0, high=100),
        Field(name="age", kind="int", required=False),
        Field(name="risk", kind="real", low=-1, high=1.5, required=False),
        Field(name="shipped", kind="time", required=False),
        Field(name="present", kind="bool", required=False),
    ),
    keys=("card",),
)
CONTRACTS = ContractSet([PAID])
COUNT = Feature(name="count", source="paid", key=("card",), aggregate="count", window=0)
CATALOG = Catalog(request=PAID, contracts=CONTRACTS, features=[COUNT])
T = 1_700_000_000_000_000

texts = st.one_of(
    st.none(),
    st.sampled_from(
        ["", "a", " a", "a ", "ab c", "abcde", "gold", "bronze", "\x00", "é", "\u200b"]
    ),
    st.text(max_size=6),
)
whole = st.one_of(st.none(), st.integers(-3, 103), st.integers(-(2**63), 2**63 - 1))
reals = st.one_of(st.none(), st.floats(), st.sampled_from([-1.0, 1.5, 1.6, -0.0]))
times = st.one_of(st.none(), st.sampled_from([TIME_MIN - 1, TIME_MIN, TIME_END - 1, TIME_END]))
ids = st.one_of(texts, st.sampled_from(["x" * 128, "x" * 129]))
row = st.fixed_dictionaries(
    {
        "id": ids,
        "ts": times,
        "card": texts,
        "note": texts,
        "tier": texts,
        "cents": whole,
        "age": whole,
        "risk": reals,
        "shipped": times,
        "present": st.sampled_from([True, False, None]),
    }
)


@settings(deadline=None, max_examples=300)
@given(rows=st.lists(row, max_size=6), start=st.integers(0, 2))
def test_exactly_the_rows_that_the_door_refuses_are_refused(
    rows: list[dict[str, Any]], start: int
) -> None:
    schema = pa.schema(
        [("id", pa.string()), ("ts", pa.int64())]
        + [(field.name, arrow_type(field.kind)) for field in PAID.fields]
    )
    batch = pa.RecordBatch.from_pylist(rows, schema=schema).slice(start)
    expected = {}
    for place, said in enumerate(rows[start:]):
        names = [field.name for field in PAID.fields if said[field.name] is not None]
        payload = {name: said[name] for name in names}
        try:
            check_event(Event(said["id"], "paid", said["ts"], payload), CONTRACTS)
        except ContractViolation as error:
            expected[place] = str(error)
    found = refused_rows(batch, PAID, CONTRACTS)
    assert {item.row: item.message for item in found} == expected


def table(**columns: Any) -> Any:
    held: dict[str, Any] = {
        "id": ["a", "b", "c"],
        "type": ["paid"] * 3,
        "ts": [T, T + 1, T + 2],
        "card": ["x", "x", "x"],
        "cents": [1, 2, 3],
    }
    return pa.table({k: v for k, v in (held | columns).items() if v is not None})


def run(folder: Path, made: Any) -> tuple[Any, list[dict[str, Any]]]:
    pq.write_table(made, folder / "in.parquet")
    out = folder / "out"
    report = backfilled(folder / "in.parquet", out, CATALOG, CONTRACTS, Shape((T + 2,), 2, 100))
    quarantine = out / "quarantine.jsonl"
    lines = quarantine.read_text().splitlines() if quarantine.exists() else []
    return report, [json.loads(line) for line in lines]


def test_refused_rows_are_kept_with_place_and_reason(tmp_path: Path) -> None:
    report, kept = run(tmp_path, table(cents=[1, 101, None]))
    assert (report.events, report.refused) == (1, 2)
    assert [(line["file"], line["row"], line["path"]) for line in kept] == [
        ("in.parquet", 1, "$.data.cents"),
        ("in.parquet", 2, "$.data.cents"),
    ]
    assert kept[0]["message"].endswith("between 0 and 100, got 101")
    assert kept[0]["event"]["data"] == {"card": "x", "cents": 101}


def test_an_id_with_another_body_is_refused_and_the_first_stands(tmp_path: Path) -> None:
    report, kept = run(tmp_path, table(id=["a", "a", "a"], ts=[T, T, T + 5], cents=[7, 7, 7]))
    assert (report.events, report.duplicates, report.refused) == (1, 1, 1)
    assert [(line["code"], line["event"]["ts"]) for line in kept] == [("conflict", T + 5)]


def test_a_conflict_says_its_file_row_and_data_wherever_it_stood(tmp_path: Path) -> None:
    """Over many files, parts and types; an obvious pass over all rows is the oracle."""
    folder, t = tmp_path / "in", T
    folder.mkdir()
    rows: list[tuple[str, int, dict[str, Any]]] = []
    for number in range(3):
        made = []
        for at in range(24):
            t += 1
            made.append(
                {
                    "id": f"e{(number * 24 + at) % 31}",
                    "type": "lost" if at % 9 == 4 else "paid",
                    "ts": t if at % 7 else T,
                    "card": "x",
                    "cents": 101 if at % 5 == 3 else at % 3,  # 101 breaks the contract
                    "note": None if at % 4 else "n",  # no value reads it: kept in no step
                }
            )
        pq.write_table(pa.Table.from_pylist(made), folder / f"{number}.parquet", row_group_size=5)
        rows += [(f"{number}.parquet", at, row) for at, row in enumerate(made)]
    expected, first = [], dict[str, tuple[Any, ...]]()
    for file, at, row in rows:
        if row["type"] == "paid" and row["cents"] <= 100:
            said = (row["ts"], row["card"], row["cents"], row["note"])
            if first.setdefault(row["id"], said) != said:
                data = {k: row[k] for k in ("card", "cents", "note") if row[k] is not None}
                event = {"id": row["id"], "type": "paid", "ts": row["ts"], "data": data}
                expected.append((file, at, event))
    report = backfilled(folder, tmp_path / "out", CATALOG, CONTRACTS, Shape((T + 30,), 2, 7))
    lines = (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()
    kept = [line for line in map(json.loads, lines) if line["code"] == "conflict"]
    assert [(line["file"], line["row"], line["event"]) for line in kept] == expected
    assert len(expected) > 10
    assert report.refused == len(lines)
    mended = json.dumps({**kept[0]["event"], "id": "new"}).encode()
    assert decode_event(mended, CONTRACTS, now=t).payload == expected[0][2]["data"]


def test_a_retraction_id_with_another_target_is_refused_and_the_first_stands(
    tmp_path: Path,
) -> None:
    ids, types = ["a", "b", "r", "r", "r"], ["paid"] * 2 + ["retraction"] * 3
    made = table(
        id=ids, type=types, ts=[T, T + 1, T + 5, T + 5, T + 5],
        card=["x", "x", None, None, None], cents=[1, 2, None, None, None],
        event=[None, None, "a", "b", "a"],
    )  # fmt: skip
    report, kept = run(tmp_path, made)
    assert (report.events, report.retracted, report.refused) == (1, 1, 1)
    assert [(line["row"], line["code"], line["event"]["data"]) for line in kept] == [
        (3, "conflict", {"event": "b"})
    ]


def stamps(unit: str, values: list[int | None]) -> Any:
    return pa.array(values, pa.timestamp(unit, tz="UTC"))


@pytest.mark.parametrize(
    ("columns", "path"),
    [
        ({"cents": pa.array([1, 2**63, 3], pa.uint64())}, "$.data.cents"),
        ({"cents": pa.array([1, 2**63, 3], pa.uint64()).dictionary_encode()}, "$.data.cents"),
        ({"risk": pa.array([1, 2**53 + 1, None], pa.int64())}, "$.data.risk"),
        ({"ts": pa.array([T, 2**63 + T, T + 2], pa.uint64())}, "$.ts"),
        ({"ts": stamps("ns", [T * 1000, T * 1000 + 1, T * 1000 + 5000])}, "$.ts"),
        ({"ts": stamps("ms", [T // 1000, 2**62, T // 1000])}, "$.ts"),
        ({"ts": stamps("ms", [T // 1000, -(2**62), T // 1000]).dictionary_encode()}, "$.ts"),
        ({"shipped": stamps("ns", [T * 1000, T * 1000 + 999, None])}, "$.data.shipped"),
    ],
)
def test_a_number_that_does_not_fit_refuses_its_row_alone(
    tmp_path: Path, columns: dict[str, Any], path: str
) -> None:
    report, kept = run(tmp_path, table(**columns))
    assert (report.events, report.refused) == (2, 1)
    assert [(line["row"], line["path"]) for line in kept] == [(1, path)]


def test_a_refused_moment_is_kept_with_every_digit(tmp_path: Path) -> None:
    ts = stamps("ns", [T * 1000 + 1, T * 1000 + 1000, T * 1000])
    report, kept = run(tmp_path, table(ts=ts, id=["a", "b", "b"]))
    assert (report.events, report.refused) == (1, 2)
    assert [(line["code"], line["event"]["ts"]) for line in kept] == [
        ("contract_violation", f"{T}.001"),
        ("conflict", T),
    ]


def test_a_type_that_is_not_utf_8_refuses_its_row_alone(tmp_path: Path) -> None:
    bytes_ = pa.array([b"paid", b"pa\xffd", b"paid"], pa.binary())
    types = pa.StringArray.from_buffers(3, *bytes_.buffers()[1:])
    report, kept = run(tmp_path, table(type=types))
    assert (report.events, report.refused) == (2, 1)
    assert [(line["row"], line["path"]) for line in kept] == [(1, "$.type")]
    assert kept[0]["event"]["type"] == "pa\udcffd"


def test_types_nobody_knows_are_refused_and_unread_ones_counted(tmp_path: Path) -> None:
    report, kept = run(tmp_path, table(type=["paid", "piad", None]))
    assert (report.events, report.refused) == (1, 2)
    by_row = {line["row"]: line["message"] for line in kept}
    assert "Did you mean 'paid'?" in by_row[1]
    assert by_row[2].endswith("got null")


def test_a_time_with_a_zone_is_a_time(tmp_path: Path) -> None:
    zoned = pa.array([T, T + 1, T + 2], pa.timestamp("us", tz="Europe/Berlin"))
    assert run(tmp_path, table(ts=zoned))[0].events == 3


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"cent": [1, 2, 3]}, "no contract has a field 'cent'. Did you mean 'cents'"),
        ({"cents": ["1", "2", "3"]}, "column 'cents' is string, expected whole numbers"),
        ({"cents": [1.0, 2.0, 3.0]}, "column 'cents' is double, expected whole numbers"),
        ({"ts": pa.array([1, 2, 3], pa.timestamp("us"))}, "or a timestamp with a time zone"),
        ({"id": None}, "there is no column 'id'"),
    ],
)
def test_columns_that_are_no_contracts_are_refused_as_a_whole(
    tmp_path: Path, columns: dict[str, Any], says: str
) -> None:
    with pytest.raises(Invalid, match=says.replace("?", r"\?")):
        run(tmp_path, table(**columns))


def test_a_column_that_is_no_field_is_passed_over_when_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(table(batch=[7, 7, 7]), path)
    [file] = input_files(path, CONTRACTS, "paid", frozenset({"batch"}))
    assert "batch" not in file.columns
    assert {"id", "ts", "cents"} <= file.columns.keys()
    with pytest.raises(Invalid, match="--ignore"):
        input_files(path, CONTRACTS, "paid")
    with pytest.raises(Invalid, match="cents: a column that contracts speak of"):
        input_files(path, CONTRACTS, "paid", frozenset({"batch", "cents"}))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    good = table()
    twice = good.append_column("cents", good["cents"])
    with pytest.raises(Invalid, match="there are two columns 'cents'"):
        run(tmp_path, twice)


def test_files_that_are_not_parquet_or_are_cut_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="expected a Parquet file"):
        backfilled(tmp_path / "none", tmp_path / "out", CATALOG, CONTRACTS, Shape((), 1, 9))
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"id,ts\n")
    with pytest.raises(Invalid, match=r"bad\.parquet is not a readable Parquet file"):
        backfilled(bad, tmp_path / "out", CATALOG, CONTRACTS, Shape((), 1, 9))
    pq.write_table(table(id=[f"id-{n}" for n in range(3)]), bad, compression="none")
    raw = bytearray(bad.read_bytes())
    raw[8:40] = b"\xff" * 32
    bad.write_bytes(raw)
    with pytest.raises(Invalid, match=r"bad\.parquet: row groups 0 to 0 cannot be read"):
        backfilled(bad, tmp_path / "out", CATALOG, CONTRACTS, Shape((), 1, 9))
