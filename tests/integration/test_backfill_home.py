"""A home's log backfilled to Parquet holds what a fold of the log would have served."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.integration.command_line import run
from tests.property.backfill.cut import differences

from assay.adapters.parquet.folder import Folder
from assay.app.home import Home
from assay.app.workloads import workload_named
from assay.cli.main import main
from assay.core.errors import Unavailable
from assay.features.backfill import backfill
from assay.features.state import FeatureState
from assay.runtime.fold import fold


def test_a_log_with_late_and_retracted_events_gives_the_values_of_its_fold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, home, out = tmp_path / "world", tmp_path / "home", tmp_path / "out"
    run(capsys, "simulate", "--out", str(world), "--days", "2", "--bookings-per-day", "40")
    lines = [json.loads(line) for line in (world / "events.jsonl").read_text().splitlines()]
    bookings = [line for line in lines if line["type"] == "booking"]
    gone = {bookings[3]["id"], bookings[11]["id"]}
    last = max(line["ts"] for line in lines)
    lines += [
        {"id": f"r-{name}", "type": "retraction", "ts": last, "data": {"event": name}}
        for name in sorted(gone)
    ]
    ancient = {**bookings[20], "id": "ancient", "ts": lines[0]["ts"] - 400 * 86_400_000_000}
    text = "\n".join(json.dumps(line) for line in [*lines, ancient])
    (world / "all.jsonl").write_text(text)
    code, told = run(capsys, "import", str(world / "all.jsonl"), "--home", str(home))
    assert (code, told["refused"], told["late_rejected"]) == (0, 0, 1)
    code, told = run(capsys, "backfill", "--home", str(home), "--out", str(out))
    assert (code, told["refused"], told["retracted"]) == (0, 0, 2)
    assert told["requests"] == len(bookings) - 2

    catalog = workload_named("checkout").catalog
    log = Home(home).open_log()
    try:
        entries = list(log.entries())
    finally:
        log.close()
    state = FeatureState(catalog)
    for entry in entries:
        fold(state, entry)
    standing = [e.event for e in entries if e.accepted and e.event.id not in gone]
    frame = backfill(catalog, standing)
    assert differences(out, frame) == []
    asked = {event.id: event for event in standing}
    for row in range(0, len(frame), 7):
        assert state.read(asked[frame.event_ids[row]])[0].digest == frame.vector(row).digest
    manifest = json.loads((out / "manifest.json").read_text())
    assert [value["name"] for value in manifest["values"]] == list(catalog.names)
    assert manifest["parts"][0]["rows"] == told["requests"]
    assert run(capsys, "backfill", "--home", str(home), "--out", str(out))[0] == 3


def test_a_change_of_the_catalog_is_backfilled_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    t = 1_700_000_000_000_000
    pq.write_table(
        pa.table(
            {
                "id": ["a", "b"],
                "type": ["transaction"] * 2,
                "ts": [t, t + 1],
                "customer_id": ["c", "c"],
                "terminal_id": ["t", "t"],
                "amount": [100, 200],
                "local_time": [t, t],
            }
        ),
        tmp_path / "in.parquet",
    )
    change = tmp_path / "change.toml"
    change.write_text(
        '[[add]]\nname = "customer_highest_ever"\nsource = "transaction"\nkey = ["customer_id"]\n'
        'aggregate = "max"\nof = "amount"\nwindow = "ever"\n'
    )
    words = ("backfill", "--workload", "cards", "--events", str(tmp_path / "in.parquet"))
    code, told = run(capsys, *words, "--out", str(tmp_path / "next"), "--catalog", str(change))
    assert code == 0
    table = pq.read_table(tmp_path / "next" / "part-00000.parquet")
    assert table["customer_highest_ever"].to_pylist() == [None, 100]
    before = run(capsys, *words, "--out", str(tmp_path / "before"))[1]
    assert before["catalog"] != told["catalog"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--out", "x"), 2),
        (("--events", "none", "--out", "x"), 3),
        (("--events", "none", "--out", "x", "--memory", "4GB"), 3),
        (("--events", "none", "--out", "x", "--memory", "100MiB"), 3),
        (("--home", "none", "--out", "x"), 3),
    ],
)
def test_a_wrong_command_line_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "backfill", *words)[0] == code
    assert not (tmp_path / "x").exists()


def test_a_folder_begun_for_one_home_or_in_use_is_not_taken_for_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("a", "1"), ("b", "2")):
        world = tmp_path / f"world-{name}"
        words = ("--days", "1", "--bookings-per-day", "5", "--seed", seed)
        run(capsys, "simulate", "--out", str(world), *words)
        run(capsys, "import", str(world / "events.jsonl"), "--home", str(tmp_path / name))
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr("assay.runtime.backfill._steps", _killed)
        assert main(["backfill", "--home", str(tmp_path / "a"), "--out", str(out)]) == 4
    capsys.readouterr()
    assert main(["backfill", "--home", str(tmp_path / "b"), "--out", str(out)]) == 3
    assert "another home" in capsys.readouterr().err
    with Folder(out).held():
        assert main(["backfill", "--home", str(tmp_path / "a"), "--out", str(out)]) == 3
    assert "right now" in capsys.readouterr().err
    assert run(capsys, "backfill", "--home", str(tmp_path / "a"), "--out", str(out))[0] == 0


def _killed(*_: object) -> None:
    raise Unavailable("as if killed")
