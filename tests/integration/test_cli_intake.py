"""From a file to the log and out of the quarantine again, through the command line."""

import json
from pathlib import Path

import polars as pl
import pytest
from tests.integration.command_line import run

from assay.app.home import Home
from assay.cli.main import main


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "world"
    code, told = run(
        capsys, "simulate", "--out", str(folder), "--days", "2", "--bookings-per-day", "50"
    )
    assert code == 0
    lines = (folder / "events.jsonl").read_text().splitlines()
    assert told["events"] == len(lines)
    assert not any("is_fraud" in line or "pattern" in line for line in lines)
    assert len((folder / "truth.jsonl").read_text().splitlines()) == told["bookings"]
    return folder


def test_a_simulation_never_overwrites(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "simulate", "--out", str(world), "--days", "1")[0] == 3


def test_a_file_is_taken_in_once_and_its_bad_lines_are_kept(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, events = str(tmp_path / "home"), world / "events.jsonl"
    first = json.loads(events.read_text().splitlines()[0])
    twice = {**first, "ts": first["ts"] + 1}
    with events.open("a") as file:
        file.write("\n".join(["", "{", json.dumps(twice), '{"id":"n","type":"nope"}', ""]))
    code, told = run(capsys, "import", str(events), "--home", home)
    assert code == 0
    assert told["refused"] == 3
    again = run(capsys, "import", str(events), "--home", home)[1]
    assert (again["accepted"], again["duplicates"]) == (0, told["accepted"])

    kept = run(capsys, "quarantine", "list", "--home", home)[1]
    assert kept["refused"] == 3, "what was refused before is recognised too"
    assert {row["code"] for row in kept["first"]} == {"contract_violation", "conflict"}, str(kept)
    replayed = run(capsys, "quarantine", "replay", "--home", home)[1]
    nothing = dict.fromkeys(("accepted", "late_accepted", "late_rejected", "duplicates"), 0)
    assert replayed == nothing | {"refused": 3}
    assert run(capsys, "quarantine", "list", "--home", home)[1]["refused"] == 3
    for row in kept["first"]:  # the place, the event and the body lead back to the line
        name, _, number = row["place"].partition(":")
        assert name == "events.jsonl"
        assert events.read_text().splitlines()[int(number) - 1] == row["body"]
        shown = run(capsys, "quarantine", "show", str(row["id"]), "--home", home)[1]
        assert shown == row
    assert [row["event"] for row in kept["first"]] == ["", first["id"], "n"]
    assert run(capsys, "quarantine", "show", "99", "--home", home)[0] == 3


def test_a_list_is_replaced_by_whoever_is_signed_in_and_on_record(
    world: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, names = str(tmp_path / "home"), tmp_path / "names.txt"
    names.write_text("Ivan Bad\n\n Ivan Bad \nEva Worse\n")
    run(capsys, "import", str(world / "events.jsonl"), "--home", home)
    put = ("list", "put", "sanctioned_names", str(names), "--home", home)
    assert run(capsys, *put)[0] == 5  # nobody is signed in
    run(capsys, "token", "user", "olga", "--role", "engineer", "--home", home)
    monkeypatch.setenv(
        "ASSAY_TOKEN", run(capsys, "token", "issue", "olga", "--home", home)[1]["token"]
    )
    assert run(capsys, *put)[1]["entries"] == 2
    assert run(capsys, "list", "put", "sanctioned_name", str(names), "--home", home)[0] == 3
    shown = {row["list"]: row for row in run(capsys, "list", "show", "--home", home)[1]["lists"]}
    assert shown["sanctioned_names"]["entries"] == 2
    assert "missing" in shown["stolen_cards"]["trouble"]
    assert run(capsys, "verify", "audit", "--home", home)[1]["ok"] is True


def test_a_folder_that_is_no_home_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("verify", "features"), ("model", "list"), ("list", "show"), ("train",)):
        assert main([*words, "--home", str(tmp_path / "nowhere")]) == 3
        assert "is not a home folder" in capsys.readouterr().err


def test_tables_are_the_same_history_as_lines(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One event type as JSON lines, CSV and Parquet: three logs with the same events."""
    lines = (world / "events.jsonl").read_text().splitlines()
    bookings = [json.loads(line) for line in lines if '"type":"booking"' in line]
    assert len(bookings) > 50
    rows = [{"id": b["id"], "ts": b["ts"], **b["data"]} for b in bookings]
    table = pl.DataFrame(rows, infer_schema_length=None)
    files = {"lines.jsonl": [], "t.csv": ["--type", "booking"], "t.parquet": ["--type", "booking"]}
    (tmp_path / "lines.jsonl").write_text("\n".join(json.dumps(b) for b in bookings))
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet")
    histories = []
    for name, how in files.items():
        home = tmp_path / f"home-{name}"
        words = ("import", str(tmp_path / name), "--home", str(home), *how)
        code, told = run(capsys, *words)
        assert (code, told["accepted"], told["refused"]) == (0, len(bookings), 0), name
        assert run(capsys, *words)[1]["duplicates"] == len(bookings)
        log = Home(home).open_log()
        # When a line was known is told by its place in the file, of a row by a column alone.
        histories.append([(said.seq, said.accepted, said.event) for said in log.read()])
        log.close()
    assert histories[0] == histories[1] == histories[2]


def test_a_row_that_breaks_its_contract_waits_in_quarantine_until_it_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, home = tmp_path / "t.csv", str(tmp_path / "home")
    path.write_text(
        "id,ts,customer_id,terminal_id,amount,local_time\n"
        "t1,2026-03-01T12:00:00Z,c1,s1,12.50,2026-03-01T12:00:00Z\n"
        "t2,2026-03-01T12:00:01Z,c1,s1,12.505,2026-03-01T12:00:01Z\n"
    )
    words = ("import", str(path), "--home", home, "--workload", "cards", "--type", "transaction")
    code, told = run(capsys, *words, "--major", "amount")
    assert (code, told["accepted"], told["refused"]) == (0, 1, 1)
    [kept] = run(capsys, "quarantine", "list", "--home", home)[1]["first"]
    assert (kept["path"], kept["code"]) == ("$.data.amount", "contract_violation")
    assert "12.505" in kept["why"]


def test_an_import_says_what_was_refused_and_fails_when_everything_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, home = tmp_path / "t.csv", str(tmp_path / "home")
    head, good = "id,ts,customer_id,terminal_id,amount,local_time\n", "1250"
    rows = [f"t{n},2026-03-01T12:00:0{n}Z,c1,s1,{{}},2026-03-01T12:00:0{n}Z\n" for n in range(4)]
    path.write_text(head + "".join(row.format("free") for row in rows))
    words = ("import", str(path), "--home", home, "--workload", "cards", "--type", "transaction")
    code, told = run(capsys, *words)
    assert (code, told["accepted"], told["refused"]) == (3, 0, 4)
    [reason] = told["reasons"]
    assert (reason["refused"], reason["path"], reason["first"]) == (4, "$.data.amount", "t.csv:1")
    assert '"free"' in reason["why"]
    assert run(capsys, *words)[0] == 3
    kept = run(capsys, "quarantine", "list", "--home", home)[1]
    assert [(row["place"], row["event"]) for row in kept["first"]] == [
        (f"t.csv:{n + 1}", f"t{n}") for n in range(4)
    ]
    path.write_text(head + rows[0].format(good) + "".join(row.format("93.00") for row in rows[1:]))
    assert main(list(words)) == 0, "some were taken in"
    said = capsys.readouterr().out
    assert "  3 x contract_violation, first t.csv:2: $.data.amount: expected" in said
    assert "--major amount" in said
    assert f"assay quarantine list --home {home}" in said
    assert main(["quarantine", "list", "--home", home]) == 0
    assert "7 bodies" in capsys.readouterr().out
