"""A row becomes the event its sender meant, exactly, or the refusal that says why not."""

import gzip
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.app.history import import_rows, replay_quarantine
from assay.app.home import Home
from assay.app.tables import parquet_texts
from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.decode import ContractViolation, check_event
from assay.contracts.event import Event
from assay.core.errors import Invalid, Unavailable
from assay.core.time import DAY, parse_time
from assay.runtime.clock import LogClock
from assay.runtime.knowledge import NOT_KNOWN
from assay.runtime.tables import Layout, Row, TableReader

PAID = EventContract(
    type="paid",
    version=1,
    keys=("card",),
    fields=(
        Field(name="card", kind="text"),
        Field(name="cents", kind="money", unit="EUR"),
        Field(name="rate", kind="decimal", scale=4, required=False),
        Field(name="count", kind="int", required=False),
        Field(name="risk", kind="real", required=False),
        Field(name="online", kind="bool", required=False),
        Field(name="opened", kind="time", required=False),
    ),
)
CONTRACTS = ContractSet([PAID])
TS = "2026-03-01T12:00:00Z"
AT = parse_time(TS)


def csv_rows(tmp_path: Path, text: str, **layout: Any) -> list[Row]:
    path = tmp_path / "paid.csv"
    path.write_text(text, encoding="utf-8")
    return list(TableReader(CONTRACTS, Layout(event_type="paid", **layout)).rows(path))


def test_texts_become_what_the_contract_says(tmp_path: Path) -> None:
    [row] = csv_rows(
        tmp_path,
        f"id,ts,card,cents,rate,count,risk,online,opened\np1,{TS},c1,1250,31250,7,0.5,TRUE,{TS}\n",
    )
    event = check_event(row.event, CONTRACTS)
    assert (event.id, event.ts, row.known_at) == ("p1", AT, NOT_KNOWN)
    assert event.payload == {
        "card": "c1", "cents": 1250, "rate": 31250, "count": 7, "risk": 0.5, "online": True,
        "opened": AT,
    }  # fmt: skip


def test_whole_units_are_scaled_exactly_and_never_rounded(tmp_path: Path) -> None:
    text = f"id,ts,card,cents,rate\na,{TS},c,12.50,3.125\nb,{TS},c,12,3\nc,{TS},c,1e2,0.00001\n"
    rows = csv_rows(tmp_path, text, major=frozenset({"cents", "rate"}))
    assert [row.event.payload["cents"] for row in rows] == [1250, 1200, 10_000]
    assert [row.event.payload["rate"] for row in rows] == [31_250, 30_000, "0.00001"]
    with pytest.raises(ContractViolation, match=r"\$\.data\.rate"):
        check_event(rows[2].event, CONTRACTS)


@pytest.mark.parametrize("text", ["93.00", "93.50", "93.", ".5", "9.3e1", "1e2"])
def test_an_amount_with_a_point_is_no_count_of_cents_unless_somebody_says_so(
    tmp_path: Path, text: str
) -> None:
    lines = f"id,ts,card,cents,rate,count\np1,{TS},c1,{text},5,7.0\np2,{TS},c1, 93,{text},7\n"
    first, second = csv_rows(tmp_path, lines)
    for row, name in ((first, "cents"), (second, "rate")):
        assert row.event.payload[name] == text
        assert row.trouble is not None
        assert row.trouble.path == f"$.data.{name}"
        assert f"--major {name}" in str(row.trouble)
    assert (first.event.payload["count"], second.event.payload["cents"]) == (7, 93)
    with_word = csv_rows(tmp_path, lines, major=frozenset({"cents", "rate"}))
    assert [row.trouble for row in with_word] == [None, None]
    home = Home(tmp_path / "home")
    report = import_rows(home, CONTRACTS, PAID, [first, second], horizon=7 * DAY)
    assert (report.accepted, report.refused) == (0, 2)


@pytest.mark.parametrize("text", ["12.5", "NaN", "inf", "1e999999", "twelve", "0x10"])
def test_what_is_no_whole_number_reaches_the_door_as_it_is(tmp_path: Path, text: str) -> None:
    [row] = csv_rows(tmp_path, f"id,ts,card,cents\np1,{TS},c1,{text}\n")
    with pytest.raises(ContractViolation, match=r"\$\.data\.cents: expected money"):
        check_event(row.event, CONTRACTS)


def test_a_parquet_file_of_typed_columns(tmp_path: Path) -> None:
    path = tmp_path / "paid.parquet"
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    pl.DataFrame(
        {
            "id": ["a", "b"],
            "ts": [at, at],
            "card": ["c1", None],
            "cents": pl.Series([Decimal("12.50"), Decimal("0.07")], dtype=pl.Decimal(18, 2)),
            "rate": pl.Series([Decimal("3.125"), None], dtype=pl.Decimal(18, 4)),
            "count": [None, 3],
            "seen": [at, datetime(2026, 3, 1, 13, tzinfo=UTC)],
        }
    ).write_parquet(path)
    layout = Layout(event_type="paid", known_at="seen")
    first, second = TableReader(CONTRACTS, layout).rows(path)
    assert first.event.payload == {"card": "c1", "cents": 1250, "rate": 31_250}
    assert second.event.payload == {"cents": 7, "count": 3}
    assert (first.known_at, second.known_at - AT) == (AT, 3_600_000_000)


def test_times_without_a_zone_need_a_word(tmp_path: Path) -> None:
    text = "id,ts,card,cents\np1,2026-03-01 12:00:00,c1,1\n"
    [row] = csv_rows(tmp_path, text)
    with pytest.raises(ContractViolation, match=r"\$\.ts"):
        check_event(row.event, CONTRACTS)
    assert csv_rows(tmp_path, text, naive_utc=True)[0].event.ts == AT
    path = tmp_path / "paid.parquet"
    pl.read_csv(text.encode(), try_parse_dates=True).write_parquet(path)
    for naive_utc in (False, True):
        layout = Layout(event_type="paid", naive_utc=naive_utc)
        [row] = TableReader(CONTRACTS, layout).rows(path)
        assert (row.event.ts == AT) is naive_utc


def test_the_type_may_stand_in_a_column_and_files_may_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "all.csv.gz"
    path.write_bytes(
        gzip.compress(f"type,id,ts,card,cents\npaid,a,{TS},c,5\nother,b,{TS},,\n".encode())
    )
    known, unknown = TableReader(CONTRACTS, Layout()).rows(path)
    assert check_event(known.event, CONTRACTS).payload == {"card": "c", "cents": 5}
    with pytest.raises(ContractViolation, match=r"\$\.type"):
        check_event(unknown.event, CONTRACTS)


def test_a_row_without_id_is_refused_under_its_place(tmp_path: Path) -> None:
    [row] = csv_rows(tmp_path, "id,ts,card,cents\n,,c1,5\n")
    assert row.event.id == "paid.csv:1"
    with pytest.raises(ContractViolation, match=r"\$\.ts"):
        check_event(row.event, CONTRACTS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id,ts,crd\n", "the column 'crd' is no field of 'paid'. Did you mean 'card'"),
        ("id,card\n", "there is no column 'ts'. Found: id, card"),
        ("ID,ts,card\n", "there is no column 'id'. Did you mean 'ID'. Found: ID, ts, card"),
        ("\ufeffID,ts\n", "there is no column 'id'. Did you mean 'ID'. Found: ID, ts"),
        ("id;ts;card\n", "Expected columns between commas, found 'id;ts;card'"),
        ("", "there is no column 'id'"),
        ("id,id,ts\n", "named twice"),
        (f'id,ts,card\na,{TS},"c\n', "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_refused_whole(
    tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(Invalid, match=why):
        csv_rows(tmp_path, text)


def test_a_row_with_too_few_values_or_too_many_is_refused_alone(tmp_path: Path) -> None:
    text = f"id,ts,card,cents\na,{TS},c\nb,{TS},c,5\n\nc,{TS},c,5,\nd,{TS},c,7\n"
    rows = csv_rows(tmp_path, text)
    home = Home(tmp_path / "home")
    report = import_rows(home, CONTRACTS, PAID, iter(rows), horizon=DAY)
    assert (report.accepted, report.refused) == (2, 2)
    log = home.open_log()
    assert [entry.event.id for entry in log.entries()] == ["b", "d"]
    short, long = log.refusals()
    log.close()
    assert short.message == "$: expected 4 values in line 2, as in the header, got 3"
    assert long.message == "$: expected 4 values in line 5, as in the header, got 5"
    assert b'"paid.csv:1"' in short.raw
    assert b'"values":["a","' in short.raw


def test_a_row_of_an_odd_length_is_not_taken_in_when_the_quarantine_is_replayed(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "home")
    rows = csv_rows(tmp_path, f"id,ts,card,cents\na,{TS},c\n")
    import_rows(home, CONTRACTS, PAID, iter(rows), horizon=DAY)
    again = replay_quarantine(home, CONTRACTS, PAID, horizon=DAY, clock=LogClock())
    assert (again.accepted, again.refused) == (0, 1)


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    reader = TableReader(CONTRACTS, Layout(event_type="paid"))
    for name, body in (
        ("x.parquet", b"PAR1no"),
        ("x.csv.gz", b"\x1f\x8bno"),
        ("x.csv", b"\xff\xfe"),
    ):
        path = tmp_path / name
        path.write_bytes(body)
        with pytest.raises(Invalid, match=f"{name} cannot be read"):
            list(reader.rows(path))
    with pytest.raises(Invalid, match=r"expected a \.csv"):
        list(reader.rows(tmp_path / "x.xlsx"))


def test_the_layout_is_checked_before_any_row() -> None:
    with pytest.raises(Invalid, match=r"money or decimal field 'cens'.*Did you mean 'cents'"):
        TableReader(CONTRACTS, Layout(event_type="paid", major=frozenset({"cens"})))
    with pytest.raises(Invalid, match="event type 'pid'"):
        TableReader(CONTRACTS, Layout(event_type="pid"))


def test_a_time_that_is_no_number_is_left_for_the_door(tmp_path: Path) -> None:
    for ts in ("--5", "-", "9" * 5_000, "\u0663\u0663"):
        (row,) = csv_rows(tmp_path, f"id,ts,card,cents\na,{ts},c,1\n")
        assert str(row.event.ts) == ts


def test_what_only_python_reads_as_a_number_is_none(tmp_path: Path) -> None:
    for text in ("1_000", "\u0663", "nan", "inf", "9" * 61):
        rows = f"id,ts,card,cents,risk\na,{TS},c,{text},{text}\n"
        (row,) = csv_rows(tmp_path, rows)
        assert (row.event.payload["cents"], row.event.payload["risk"]) == (text, text)


def test_a_moment_that_is_not_said_is_not_taken_to_be_the_events_own(tmp_path: Path) -> None:
    rows = f"id,ts,seen,card,cents\na,{TS},,c,1\nb,{TS},soon,c,1\n"
    found = csv_rows(tmp_path, rows, known_at="seen")
    assert [row.known_at for row in found] == [NOT_KNOWN, NOT_KNOWN]


def test_two_rows_of_one_id_keep_their_own_moments(tmp_path: Path) -> None:
    def row(name: str, cents: int, known_at: int) -> Row:
        return Row(Event(name, "paid", AT, {"card": "c", "cents": cents}), known_at)

    home = Home(tmp_path / "home")
    rows = [row("a", -1 << 80, AT + 1), row("a", 1, AT + 2), row("a", 1, AT + 3), row("b", 1, AT)]
    report = import_rows(home, CONTRACTS, PAID, iter(rows), horizon=DAY)
    assert (report.accepted, report.duplicates, report.refused) == (2, 1, 1)
    log = home.open_log()
    assert [(e.event.id, e.known_at - AT) for e in log.entries()] == [("a", 2), ("b", 0)]
    log.close()


def test_a_key_of_no_text_is_refused_whatever_it_came_in(tmp_path: Path) -> None:
    [read] = csv_rows(tmp_path, f"id,ts,card,cents\na,{TS},,1\n")
    path = tmp_path / "paid.parquet"
    pl.DataFrame({"id": ["a"], "ts": [AT], "card": [""], "cents": [1]}).write_parquet(path)
    [typed] = TableReader(CONTRACTS, Layout(event_type="paid")).rows(path)
    for row in (read, typed):
        with pytest.raises(ContractViolation, match=r"\$\.data\.card"):
            check_event(row.event, CONTRACTS)


LINE = f"{{}},{TS},{{}},5\n"


def read_bytes(tmp_path: Path, body: bytes, name: str = "paid.csv", **layout: Any) -> list[Row]:
    path = tmp_path / name
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return list(TableReader(CONTRACTS, Layout(event_type="paid", **layout)).rows(path))


@pytest.mark.parametrize("name", ["paid.csv", "paid.csv.gz"])
def test_a_line_that_is_not_utf_8_is_refused_alone(tmp_path: Path, name: str) -> None:
    head, good = "id,ts,card,cents\n", LINE.format("a", "caf\u00e9")
    bad = LINE.format("b", "caf\u00e9").encode("latin-1")
    body = head.encode() + good.encode() + bad + LINE.format("c", "c").encode()
    rows = read_bytes(tmp_path, body, name)
    assert [row.event.id for row in rows if row.trouble is None] == ["a", "c"]
    assert rows[0].event.payload["card"] == "caf\u00e9"
    home = Home(tmp_path / "home")
    report = import_rows(home, CONTRACTS, PAID, iter(rows), horizon=DAY)
    assert (report.accepted, report.refused) == (2, 1)
    log = home.open_log()
    [kept] = log.refusals()
    log.close()
    assert kept.message.startswith("$: expected UTF-8 in column 'card' in line 3, got ")
    assert (kept.place, b"caf\\\\xe9" in kept.raw) == (f"{name}:2", True)
    again = replay_quarantine(home, CONTRACTS, PAID, horizon=DAY, clock=LogClock())
    assert (again.accepted, again.refused) == (0, 1)


def test_bytes_of_a_column_that_is_left_out_do_not_matter(tmp_path: Path) -> None:
    body = f"id,ts,card,cents,note\na,{TS},c,5,".encode() + b"\xe9\n"
    [row] = read_bytes(tmp_path, body, ignored=frozenset({"note"}))
    assert check_event(row.event, CONTRACTS).id == "a"
    with pytest.raises(Invalid, match="cannot be read as CSV in UTF-8: its header"):
        read_bytes(tmp_path, b"id,ts,card,caf\xe9\n")


@pytest.mark.parametrize("quoted", ["{}", '"{}"'])
def test_a_value_that_is_too_large_is_refused_alone(tmp_path: Path, quoted: str) -> None:
    head, huge = "id,ts,card,cents\n", quoted.format("x" * 131_073)
    text = head + LINE.format("a", "c") + LINE.format("b", huge) + LINE.format("d", "c")
    rows = csv_rows(tmp_path, text)
    assert [row.trouble is None for row in rows] == [True, False, True]
    assert str(rows[1].trouble).startswith(
        "$: expected values of at most 131,072 characters in line 3, got a line of 131,"
    )
    assert len(str(rows[1].event.payload)) < 2_000
    assert [row.place for row in rows] == ["paid.csv:1", "paid.csv:2", "paid.csv:3"]


@pytest.mark.parametrize(
    "value", ['"a"b', '"abc', '"abc\n' + "x" * 131_073, '"' + "x" * 131_073 + '\nx"']
)
def test_a_row_whose_end_nobody_can_tell_ends_its_file_and_says_where(
    tmp_path: Path, value: str
) -> None:
    head = "id,ts,card,cents\n\n"
    text = head + LINE.format("a", "c") + LINE.format("b", value) + LINE.format("d", "c")
    path = tmp_path / "paid.csv"
    path.write_text(text, encoding="utf-8")
    read = TableReader(CONTRACTS, Layout(event_type="paid")).rows(path)
    assert next(read).event.id == "a"
    with pytest.raises(Invalid, match=r"from row 2 on \(line 4\): .*mend its quotes"):
        next(read)


def test_a_parquet_time_is_exact_or_refused_alone(tmp_path: Path) -> None:
    ns = AT * 1000
    columns = {
        "ts": pl.Series([ns, ns + 999, ns + 1000], dtype=pl.Datetime("ns", "Europe/Berlin")),
        "opened": pl.Series([AT // 1000, None, 2**62], dtype=pl.Datetime("ms", "UTC")),
    }
    path = tmp_path / "paid.parquet"
    base = {"id": ["a", "b", "c"], "card": ["c"] * 3, "cents": [1] * 3}
    pl.DataFrame({**base, **columns}).write_parquet(path)
    exact, fine, far = TableReader(CONTRACTS, Layout(event_type="paid")).rows(path)
    assert (exact.event.ts, exact.event.payload["opened"]) == (AT, AT)
    assert str(fine.event.ts) == "2026-03-01T12:00:00.000000999Z"
    assert far.event.ts == AT + 1
    for row, where in ((fine, r"\$\.ts"), (far, r"\$\.data\.opened")):
        with pytest.raises(ContractViolation, match=where):
            check_event(row.event, CONTRACTS)


def not_utf_8(path: Path, count: int, *, dictionary: bool) -> None:
    """Every 700th card is no UTF-8."""
    cards = [b"caf\xe9" if at % 700 == 5 else b"caf\xc3\xa9" for at in range(count)]
    packed = pa.array(cards, pa.binary())
    table = pa.table(
        {
            "id": [f"e{at}" for at in range(count)],
            "ts": pa.array(
                [AT * 1000 + at * 1000 for at in range(count)], pa.timestamp("ns", "UTC")
            ),
            "card": pa.StringArray.from_buffers(count, *packed.buffers()[1:]),
            "cents": pa.array(range(count)),
        }
    )
    pq.write_table(table, path, row_group_size=9_000, use_dictionary=dictionary)


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_parquet_text_that_is_not_utf_8_refuses_its_row_alone(
    tmp_path: Path, dictionary: bool
) -> None:
    """Over row groups and parts of the fast reader, of which the last has no bad text."""
    count = 41_005
    not_utf_8(tmp_path / "paid.parquet", count, dictionary=dictionary)
    layout = Layout(event_type="paid")
    rows = list(TableReader(CONTRACTS, layout, parquet_texts).rows(tmp_path / "paid.parquet"))
    assert len(rows) == count
    for at, row in enumerate(rows):
        assert row.place == f"paid.parquet:{at + 1}"
        if at % 700 == 5:
            assert str(row.trouble).startswith("$: expected UTF-8 in column 'card', got ")
        else:
            event = Event(f"e{at}", "paid", AT + at, {"card": "caf\u00e9", "cents": at})
            assert (row.event, row.trouble) == (event, None)
    report = import_rows(Home(tmp_path / "home"), CONTRACTS, PAID, rows[:100], horizon=DAY)
    assert (report.accepted, report.refused) == (99, 1)
    with pytest.raises(Invalid, match="cannot be read as Parquet"):
        list(TableReader(CONTRACTS, layout).rows(tmp_path / "paid.parquet"))


def test_without_arrow_a_text_that_is_not_utf_8_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "assay.adapters.parquet.texts", None)
    not_utf_8(tmp_path / "paid.parquet", 10, dictionary=True)
    reader = TableReader(CONTRACTS, Layout(event_type="paid"), parquet_texts)
    with pytest.raises(Unavailable, match=r"rows 1 to 20,000 is not UTF-8.*assay\[parquet\]"):
        list(reader.rows(tmp_path / "paid.parquet"))
