"""After an erasure no file of the home holds the subject, and all three promises still hold."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.approved_versions import person, record
from tests.integration.command_line import run
from tests.integration.served_home import START, booking, make_home, text_of

from assay.adapters.sqlite.log import SqliteLog
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.app.home import Home, control
from assay.app.settings import read_settings
from assay.app.wire import open_platform
from assay.cli.main import main
from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.core.time import MINUTE
from assay.models.bundle import FORMAT, Bundle, Manifest, build_bundle
from assay.runtime.backfill import run_backfill
from assay.runtime.erasure import Erasures
from assay.runtime.identity import Identity, Role
from assay.runtime.ports import Entry
from assay.runtime.reserved import check_free
from assay.runtime.train_store import store_bundle

NAME = "Zebulon-Quagmire-7731"
USER = "subject-to-forget-5521"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with decisions on two users, cases, a retraction, and refused bodies of both."""
    make_home(tmp_path)
    platform = open_platform(read_settings(tmp_path, {}))
    try:
        for number in range(30):
            whose = {"user_id": USER, "guest_name": NAME}
            change = whose if number % 3 == 0 else {"guest_name": "Ivan Bad"}
            platform.engine.decide(json.dumps(booking(number, **change)).encode()).result(10)
        mine = booking(90, user_id=USER, guest_name=NAME)
        back = {
            "id": "r1",
            "type": "retraction",
            "ts": mine["ts"],
            "data": {"event": booking(3)["id"], "reason": f"{NAME} did not come"},
        }
        refused = {**mine, "data": {**mine["data"], "amount": "free"}}
        raws = [json.dumps(raw).encode() for raw in (back, refused)]
        platform.engine.ingest([*raws, f"broken {USER}".encode()], check_free).result(10)
        platform.desk.project()
    finally:
        platform.close()
    monkeypatch.setenv("ASSAY_TOKEN", text_of(Role.ADMIN))
    return tmp_path


def files_with(home: Path, *texts: str) -> list[str]:
    """The files of a home that hold one of the texts."""
    return [
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file() and any(text.encode() in path.read_bytes() for text in texts)
    ]


def checked(capsys: pytest.CaptureFixture[str], home: Path) -> dict[str, dict[str, Any]]:
    told = {}
    for promise in ("features", "decisions", "audit"):
        code, told[promise] = run(capsys, "verify", promise, "--home", str(home))
        assert code == 0, told[promise]
    return told


def test_no_file_holds_the_subject_and_the_promises_hold(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "log.db" in files_with(home, USER, NAME)
    before = checked(capsys, home)
    words = ("erase", "--home", str(home), "--subject", f"user_id={USER}")
    code, would = run(capsys, *words, "--dry-run")
    assert code == 0
    assert (would["events"], would["decisions"], would["quarantined"]) == (11, 10, 2)
    assert would["dependent_decisions"] > 0, "the devices of the bookings are shared"
    assert checked(capsys, home) == before, "a dry run changes nothing"

    code, told = run(capsys, *words)
    assert code == 0
    assert told == {**would, "receipt": told["receipt"], "cases": told["cases"]}
    assert files_with(home, USER, NAME) == []
    after = checked(capsys, home)
    assert after["decisions"]["erased"] == 10
    assert after["decisions"]["compared"] == before["decisions"]["compared"] - 10
    assert after["features"]["erased"] == would["values"]
    assert after["features"]["dependent"] == would["dependent_values"]
    assert after["audit"]["entries"] == before["audit"]["entries"] + 2
    assert run(capsys, *words)[0] == 3, "nothing is left"
    assert run(capsys, *words, "--dry-run")[0] == 3, "and nothing would be erased"
    typo = ["erase", "--home", str(home), "--subject", "usr_id=nobody"]
    for more in (["--dry-run"], []):
        assert main([*typo, *more]) == 3
        assert "nothing in the log is about usr_id" in capsys.readouterr().err

    platform = open_platform(read_settings(home, {}))
    try:
        platform.engine.decide(json.dumps(booking(40)).encode()).result(10)
    finally:
        platform.close()
    checked(capsys, home)
    with (
        closing(sqlite3.connect(home / "log.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute("UPDATE entry SET key = 'x'")


def test_partitions_that_hold_the_subject_are_named_and_emptied(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, user in enumerate((USER, "somebody-else")):
        folder = home / "partitions" / "user_id" / str(number)
        folder.mkdir(parents=True)
        log = SqlitePartitionLog(folder / "log.db")
        event = Event("e1", "booking", 1, {"user_id": user})
        log.append([Entry(seq=1, event=event, known_at=1, accepted=True)])
        log.close()
    for more in (["--dry-run"], []):
        words = ("erase", "--home", str(home), "--subject", f"user_id={USER}", *more)
        [told] = run(capsys, *words)[1]["partitions"]
        assert (told["log"], told["events"]) == ("partitions/user_id/0/log.db", 1)
        assert bool(told["receipt"]) == (more == [])
    assert "partitions/user_id/0/log.db" not in files_with(home, USER)


def test_the_models_that_may_have_learned_from_the_subject_are_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    minutes = {"before": (-9, 0), "during": (0, 9), "after": (91, 99)}
    with control(Home(home)) as parts:
        for number, (start, end) in enumerate(minutes.values(), start=1):
            bundle = bundle_of(START + start * MINUTE, START + end * MINUTE)
            store_bundle(Home(home).objects(), bundle)
            made = msgspec.structs.replace(record("sha256:p", bundle.digest), version=number)
            parts.governance.register(person("dev", Role.ENGINEER), made)
        lost = msgspec.structs.replace(record("sha256:p", "sha256:" + "0" * 64), version=4)
        parts.governance.register(person("dev", Role.ENGINEER), lost)
    words = ("erase", "--home", str(home), "--subject", f"user_id={USER}")
    during, gone = run(capsys, *words)[1]["models"]
    assert during.startswith("checkout-rules")
    assert "frame sha256:frame" in during
    assert "nobody can tell" in gone
    log = Home(home).open_log()
    (receipt,) = Erasures(log).receipts
    log.close()
    assert receipt.event.payload["more"]["models"] == [during, gone]


def bundle_of(start: int, end: int) -> Bundle:
    """A model that learned from requests of that time."""
    manifest = Manifest(
        format=FORMAT, kind="lightgbm", features=("a",), catalog="sha256:c", frame="sha256:frame",
        files={}, parameters={}, environment={}, trained_from=start, trained_to=end, known_by=end,
        maturity=1, seed=1, rows={"fit": 1}, rounds=1, base_rate=0.1,
    )  # fmt: skip
    return build_bundle(manifest, model="tree", calibrator=b"line", text_model=None)


def test_only_an_administrator_erases(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("erase", "--home", str(home), "--subject", f"user_id={USER}")
    for role in set(Role) - {Role.ADMIN}:
        monkeypatch.setenv("ASSAY_TOKEN", text_of(role))
        assert run(capsys, *words)[0] == 5
    monkeypatch.delenv("ASSAY_TOKEN")
    assert run(capsys, *words)[0] == 5
    assert "log.db" in files_with(home, USER)


def test_while_a_server_has_the_home_nothing_is_erased(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = open_platform(read_settings(home, {}))
    try:
        code, _ = run(capsys, "erase", "--home", str(home), "--subject", f"user_id={USER}")
        assert code == 4
    finally:
        platform.close()


def test_an_erasure_that_was_interrupted_is_noticed_and_finished(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_log: SqliteLog) -> None:
        raise Unavailable("the machine stopped here")

    words = ("erase", "--home", str(home), "--subject", f"user_id={USER}")
    with monkeypatch.context() as patched:
        patched.setattr(SqliteLog, "scrub", dies)
        assert run(capsys, *words)[0] == 4
    code, told = run(capsys, "verify", "features", "--home", str(home))
    assert code == 1
    assert "finish it" in told["differences"][0]["what"]
    code, told = run(capsys, *words)
    assert code == 0
    assert told["receipt"]
    assert files_with(home, USER, NAME) == []
    checked(capsys, home)


def test_a_forged_receipt_and_a_lost_one_are_noticed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "erase", "--home", str(home), "--subject", f"user_id={USER}")
    checked(capsys, home)
    with control(Home(home)) as parts:
        ada = Identity("admin", "human", frozenset({Role.ADMIN}), "t", 0)
        parts.governance.note(ada, "subject erased", "erasure_0", {"receipt": "sha256:0"})
    for promise in ("features", "decisions"):
        code, told = run(capsys, "verify", promise, "--home", str(home))
        assert code == 1
        assert "whose receipt is not in the log" in told["differences"][0]["what"]


def test_a_backfill_that_was_begun_before_an_erasure_brings_nobody_back(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Unavailable("as if killed")

    out = home.parent / f"{home.name}-out"
    backfill = ("backfill", "--home", str(home), "--out", str(out))
    with monkeypatch.context() as patched:
        patched.setattr("assay.runtime.backfill._steps", killed)
        assert run(capsys, *backfill)[0] == 4
    copies = list((out / ".work" / "log").glob("*.parquet"))
    assert copies
    assert run(capsys, "erase", "--home", str(home), "--subject", f"user_id={USER}")[0] == 0
    capsys.readouterr()
    assert main(list(backfill)) == 3
    assert "was erased" in capsys.readouterr().err
    assert files_with(out, USER) == []
    assert not any(copy.exists() for copy in copies)
    code, told = run(capsys, *backfill)
    assert (code, told["requests"]) == (0, 20)


def test_an_erasure_while_a_backfill_runs_removes_what_it_wrote(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = home.parent / f"{home.name}-out"
    backfill = ("backfill", "--home", str(home), "--out", str(out))
    whole = run_backfill

    def erased_meanwhile(*args: Any, **more: Any) -> Any:
        report = whole(*args, **more)
        assert run(capsys, "erase", "--home", str(home), "--subject", f"user_id={USER}")[0] == 0
        return report

    with monkeypatch.context() as patched:
        patched.setattr("assay.app.backfill.run_backfill", erased_meanwhile)
        assert main(list(backfill)) == 3
    assert not list(out.glob("*.parquet"))
    assert not (out / "manifest.json").exists()
    code, told = run(capsys, *backfill)
    assert (code, told["requests"]) == (0, 20)
