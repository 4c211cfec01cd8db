"""After an erasure no file of a worker's home holds the subject, and its owners go on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.command_line import run
from tests.integration.served_home import make_home, text_of
from tests.integration.test_erase_home import files_with
from tests.property.partitions.small_world import AT, CATALOG, CONTRACTS, REQUESTS
from tests.unit.runtime.publishing import events

from assay.adapters.files.home import HomeLock
from assay.adapters.files.snapshots import SnapshotFiles
from assay.adapters.sqlite.log import SqliteLog
from assay.adapters.sqlite.partition_log import SqlitePartitionLog
from assay.cli.main import main
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.core.errors import Unavailable
from assay.core.time import DAY
from assay.features.row_image import ImageCodec
from assay.features.state import FeatureState
from assay.runtime.breaker import Breaker
from assay.runtime.erasure import Erasures
from assay.runtime.identity import Role
from assay.runtime.keeping import Keeping
from assay.runtime.partition_log import Message
from assay.runtime.partition_owner import Owner
from assay.runtime.partition_publish import Published
from assay.runtime.publisher import Publisher
from assay.runtime.read_model import MemoryReadModel
from assay.runtime.shared_features import SharedFeatures
from assay.runtime.stats import Stats

USER = "subject-to-forget-5521"
NAME = "events-user/0"
WORDS = ("erase", "--subject", f"user={USER}")
#: Every fifth payment is the subject's, on a device that others use too.
SAID = [
    Event(e.id, e.type, e.ts, {**e.payload, "user": USER} if at % 5 == 0 else e.payload)
    for at, e in enumerate(events(0, 1_200))
]


@contextmanager
def owned(folder: Path, model: MemoryReadModel | None = None) -> Iterator[Owner]:
    """The owner of the one partition, as a worker opens it."""
    folder.mkdir(parents=True, exist_ok=True)
    published = None
    if model is not None:
        publisher = Publisher(model, ImageCodec(CATALOG), NAME, wall=lambda: AT, live=False)
        published = Published(publisher, lambda: 0.0)
    with HomeLock(folder):
        owner = Owner(
            name=NAME,
            log=SqlitePartitionLog(folder / "log.db"),
            contracts=CONTRACTS,
            catalog=CATALOG,
            horizon=DAY,
            known_at=lambda event: event.ts,
            stats=Stats(),
            onlooker=published,
            snapshots=SnapshotFiles(folder / "snapshots"),
            keeping=Keeping(every=0),
        )
        if owner.position() is None:
            owner.begin(0)
        while not owner.rebuild():
            pass
        yield owner
        while owner.rest():
            pass
        owner.close()


def say(owner: Owner, raws: list[bytes]) -> None:
    position = owner.position()
    assert position is not None
    owner.take([Message(position.next + at, raw) for at, raw in enumerate(raws)])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose worker took in payments of the subject and others, and refused some of both."""
    make_home(tmp_path)
    with owned(partition_of(tmp_path)) as owner:
        say(owner, [encode_event(event) for event in SAID])
        say(owner, [f"broken {USER}".encode(), b"broken too"])
    monkeypatch.setenv("ASSAY_TOKEN", text_of(Role.ADMIN))
    return tmp_path


def partition_of(home: Path) -> Path:
    return home / "partitions" / NAME


def test_no_file_holds_the_subject_and_the_owner_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = partition_of(home)
    assert any("snapshot" in name for name in files_with(home, USER)), "the state was kept"
    words = (*WORDS, "--home", str(home))
    [would] = run(capsys, *words, "--dry-run")[1]["partitions"]
    log = f"partitions/{NAME}/log.db"
    found = {"log": log, "receipt": "", "events": 240, "quarantined": 1, "snapshots": 0}
    assert would == found
    code, told = run(capsys, *words)
    assert code == 0
    [emptied] = told["partitions"]
    assert emptied == {**found, "receipt": emptied["receipt"], "snapshots": 1}
    assert files_with(home, USER) == []
    assert run(capsys, *words)[0] == 3, "nothing is left"
    assert run(capsys, "verify", "audit", "--home", str(home))[0] == 0

    others = [event for event in SAID if event.payload["user"] != USER]
    with owned(folder) as owner:
        position = owner.position()
        assert position is not None
        assert position.next == len(SAID) + 2, "no message is taken again"
        same(owner.live.features, others)
        # One of its messages comes again: it is known, and nothing of it is kept.
        say(owner, [encode_event(SAID[0])])
        assert owner.log.last_seq() == len(SAID) + 1
        more = Event("new", "paid", AT + 9, {"user": "a", "device": "b", "cents": 7})
        say(owner, [encode_event(more)])
        same(owner.live.features, [*others, more])
    assert files_with(home, USER) == []
    with owned(folder) as again:
        same(again.live.features, [*others, more])
        [receipt] = Erasures(again.log).receipts
        assert receipt.event.payload["counts"]["events"] == 240
        wrong = Erasures(again.log).wrong
        assert [why for entry in again.log.entries() if (why := wrong(entry))] == []


def same(state: FeatureState, said: list[Event]) -> None:
    """The state is that of these events alone."""
    alone = FeatureState(CATALOG)
    alone.apply_all(said)
    for request in REQUESTS:
        assert state.read(request)[0].digest == alone.read(request)[0].digest


def test_what_was_published_of_the_subject_goes_when_the_owner_starts(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = MemoryReadModel()
    with owned(partition_of(home), model):
        pass
    asked = Event("asked", "paid", AT + 8, {"user": USER, "device": "a", "cents": 1})
    scorer = SharedFeatures(
        model, ImageCodec(CATALOG), lambda _key: NAME, breaker=Breaker(lambda: 0), wall=lambda: AT
    )
    before = scorer.serve(asked).vector
    count = CATALOG.names.index("user_last")
    assert before.known[count]
    assert run(capsys, *WORDS, "--home", str(home))[0] == 0
    with owned(partition_of(home), model) as owner:
        while owner.rest():
            pass
        after = scorer.serve(asked).vector
        assert not after.known[count], "the last payment of nobody"
        assert after.digest == owner.live.features.read(asked)[0].digest


def test_while_a_worker_has_a_partition_nothing_is_erased(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with owned(partition_of(home)):
        code, _ = run(capsys, *WORDS, "--home", str(home))
        assert code == 4
        dry = run(capsys, *WORDS, "--home", str(home), "--dry-run")
        assert dry[1]["partitions"][0]["events"] == 240, "one may look all the same"


def test_an_erasure_that_was_interrupted_is_finished(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(log: SqliteLog) -> None:
        if isinstance(log, SqlitePartitionLog):
            raise Unavailable("the machine stopped here")

    with monkeypatch.context() as patched:
        patched.setattr(SqlitePartitionLog, "scrub", dies)
        assert run(capsys, *WORDS, "--home", str(home))[0] == 4
    code, told = run(capsys, *WORDS, "--home", str(home))
    assert code == 0
    assert told["partitions"][0]["receipt"].startswith("erasure_")
    assert files_with(home, USER) == []
    assert run(capsys, *WORDS, "--home", str(home))[0] == 3


def test_refused_messages_of_partitions_are_listed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: dict[str, Any] = run(capsys, "quarantine", "list", "--home", str(home))[1]
    assert told["refused"] == 2
    assert [(row["partition"], row["offset"]) for row in told["first"]] == [
        (NAME, len(SAID)),
        (NAME, len(SAID) + 1),
    ]
    assert {row["code"] for row in told["first"]} == {"contract_violation"}
    one = run(capsys, "quarantine", "list", "--home", str(home), "--limit", "1")[1]
    assert (one["refused"], len(one["first"])) == (2, 1)
    assert json.dumps(told["first"]).count(USER) == 1, "with --json the bodies are shown"
    assert main(["quarantine", "list", "--home", str(home)]) == 0
    assert USER not in capsys.readouterr().out


def test_a_home_of_a_worker_alone_is_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in home.iterdir():
        if path.is_file():
            path.unlink()
    told = run(capsys, "quarantine", "list", "--home", str(home))[1]
    assert told["refused"] == 2
    assert not (home / "log.db").exists(), "looking makes nothing"
