"""One definition, whatever happens: streams are served, disturbed, and made again bit for bit."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.unit.decisions.small import AT
from tests.unit.decisions.small import CATALOG as SMALL
from tests.unit.runtime.engines import body, make_engine
from tests.unit.workloads.test_cards_features import stream

from assay.app.rehearsal import rehearse
from assay.cli.main import main
from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.core.time import SECOND
from assay.features.backfill import backfill_columns
from assay.features.frame import Frame
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.runtime.cards_proof import prove_stream
from assay.runtime.memory import MemoryLog
from assay.runtime.replay import verify_features
from assay.runtime.slices import Sample, sample_of
from assay.workloads.cards.features import CATALOG
from assay.workloads.cards.payments import Payments

ALL = Sample("customer_id", 1, 1)


def test_a_shop_with_every_disturbance_on_holds(tmp_path: Path) -> None:
    played = rehearse(tmp_path / "home", events=2_500, seed=5)
    assert played.mismatches == 0, (played.whole, played.slice, played.plainly)
    assert played.disturbed["restarts"] == 3
    assert played.disturbed["version switches"] == 8
    for kind in ("ties", "late accepted", "late rejected", "duplicates", "repeated",
                 "retractions", "corrections"):  # fmt: skip
        assert played.disturbed.get(kind, 0) > 3, (kind, played.disturbed)
    assert played.whole.compared > 50_000
    assert played.plainly.records == 24
    assert 0 < played.slice.records < played.whole.records


def test_a_stream_served_live_equals_the_backfill_and_plain_python() -> None:
    report = prove_stream(stream(3), ALL)
    assert (report.compared, report.by_reference) == (160 * len(CATALOG),) * 2
    assert (report.mismatches, report.restarts, report.reproducer) == (0, 2, None)
    assert report.ties > 20
    assert report.events > 160


def test_a_value_that_was_served_wrong_is_found_and_shown_with_few_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = FeatureState.read
    place, wrong_from = CATALOG.index("customer_count_30d"), "tx-000000120"

    served: list[str] = []

    def forgetful(
        self: FeatureState, request: Event, absent: Iterable[str] = ()
    ) -> tuple[Vector, int | None]:
        vector, newest = read(self, request, absent)
        served.append(request.id)
        if served.count(wrong_from) == 1 and request.id == wrong_from:
            vector.bits[place] -= 1
        return vector, newest

    monkeypatch.setattr(FeatureState, "read", forgetful)
    report = prove_stream(stream(3), ALL)
    monkeypatch.undo()
    assert report.mismatches == 2  # once by the backfill, once by plain Python
    found = report.reproducer
    assert found is not None
    assert (found.feature, found.request["id"]) == ("customer_count_30d", wrong_from)
    assert int(found.recomputed) == int(found.served) + 1 == len(found.events)
    state = FeatureState(CATALOG)
    for item in found.events:
        said = item.event
        state.apply(Event(said["id"], said["type"], said["ts"], said["data"]))
    request = Event(found.request["id"], "transaction", found.request["ts"], found.request["data"])
    assert int(state.read(request)[0].bits[place]) == int(found.recomputed)


def serving_wrong(monkeypatch: pytest.MonkeyPatch, request_id: str, place: int) -> None:
    """The live state gives one value too high once, and only when it first serves the request."""
    read, served = FeatureState.read, set[str]()

    def wrong(
        self: FeatureState, request: Event, absent: Iterable[str] = ()
    ) -> tuple[Vector, int | None]:
        vector, newest = read(self, request, absent)
        if request.id == request_id and request.id not in served:
            vector.bits[place] += 1
        served.add(request.id)
        return vector, newest

    monkeypatch.setattr(FeatureState, "read", wrong)


def written(payments: Payments, path: Path) -> Path:
    pl.DataFrame(
        {
            "TRANSACTION_ID": payments.number,
            "TX_DATETIME": pl.Series(payments.at).cast(pl.Datetime("us")),
            "CUSTOMER_ID": payments.customer,
            "TERMINAL_ID": payments.terminal,
            "TX_AMOUNT": payments.cents / 100,
            "TX_FRAUD": payments.fraud.astype(np.int64),
        }
    ).write_parquet(path)
    return path


def test_the_command_proves_a_card_stream_and_fails_for_one_altered_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(written(stream(3), tmp_path / "cards.parquet"))
    command = ["verify", "features", "--workload", "cards", "--data", data]
    assert main([*command, "--sample", "1/1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["compared"] == told["by_reference"] == 160 * len(CATALOG)
    assert (told["mismatches"], told["reproducer"]) == (0, None)
    serving_wrong(monkeypatch, "tx-000000120", CATALOG.index("customer_count_7d"))
    assert main([*command, "--sample", "1/1000000", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    found = told["reproducer"]
    assert (told["mismatches"], found["feature"], found["way"]) == (
        1, "customer_count_7d", "a live state",
    )  # fmt: skip
    assert len(found["events"]) == int(found["recomputed"]) == int(found["served"]) - 1
    monkeypatch.undo()
    serving_wrong(monkeypatch, "tx-000000120", CATALOG.index("customer_count_7d"))
    assert main([*command, "--sample", "1/1000000"]) == 1
    assert "Smallest slice of the log" in capsys.readouterr().out


def test_a_backfill_that_is_wrong_is_shown_by_a_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    """The live state is right, so no slice of events makes it give the other value."""
    from assay.runtime import cards_proof

    whole, place = backfill_columns, CATALOG.index("customer_count_30d")

    def wrong(*args: Any, **kwargs: Any) -> Frame:
        frame = whole(*args, **kwargs)
        frame.bits[:, place] += frame.bits[:, place] >= 3
        return frame

    monkeypatch.setattr(cards_proof, "backfill_columns", wrong)
    report = prove_stream(stream(3), Sample("customer_id", 1, 10**9))
    found = report.reproducer
    assert found is not None
    assert (found.way, found.feature, found.recomputed) == ("a backfill", "customer_count_30d", "4")
    assert (found.minimal, len(found.events), report.mismatches > 10) == (True, 3, True)


def test_a_value_that_nothing_gives_again_is_shown_without_a_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from assay.runtime import cards_proof

    compare = cards_proof._Comparison._compare

    def wrong(self: Any, here: slice, bits: Any, known: Any) -> None:
        if here.start == 0:
            bits[7, 0] += 1_000
        compare(self, here, bits, known)

    monkeypatch.setattr(cards_proof._Comparison, "_compare", wrong)
    found = prove_stream(stream(3), Sample("customer_id", 1, 10**9)).reproducer
    assert found is not None
    assert (found.way, found.events, found.minimal) == ("", (), False)


def test_the_newest_event_of_a_receipt_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    read = FeatureState.read

    def wrong(
        self: FeatureState, request: Event, absent: Iterable[str] = ()
    ) -> tuple[Vector, int | None]:
        vector, newest = read(self, request, absent)
        late = request.id == "tx-000000120" and newest is not None
        return vector, newest - 1 if late and newest is not None else newest

    monkeypatch.setattr(FeatureState, "read", wrong)
    report = prove_stream(stream(3), ALL)
    assert (report.mismatches, report.differences[0].what) == (1, "newest event used")


def test_a_sample_folds_only_the_keys_it_needs_and_still_finds_what_is_wrong() -> None:
    log = MemoryLog()
    engine = make_engine(log)
    for number in range(400):
        engine.decide(body(f"b{number:03d}", AT + number * SECOND, user_id=f"u{number % 40}"))
    engine.close()
    catalogs = {SMALL.digest: SMALL}
    sample = sample_of("1/4", "user_id")
    report = verify_features(log, catalogs, sample)
    users = [n for n in range(40) if sample.holds(Event("", "", 0, {"user_id": f"u{n}"}))]
    assert 0 < len(users) < 30
    assert (report.records, report.events, report.mismatches) == (*(10 * len(users),) * 2, 0)
    assert f"{10 * len(users)} of 400 decisions" in report.part
    whole = verify_features(log, catalogs)
    assert (whole.records, whole.events, whole.part) == (400, 400, "")
    entries = list(log.entries())
    gone = next(n for n, e in enumerate(entries) if e.event.payload["user_id"] == f"u{users[0]}")
    torn = [e for n, e in enumerate(entries) if n != gone]
    assert verify_features(Gapped(torn), catalogs, sample).mismatches > 0


class Gapped(MemoryLog):
    """A log from which somebody has taken an entry."""

    def _check(self, entries: object) -> None:
        """Nobody looks."""


@pytest.mark.parametrize("share", ["0/4", "5/4", "1", "1/0", "-1/2", "a/b"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(Invalid, match="a share such as 1/64"):
        sample_of(share, "user_id")


def test_the_command_proves_a_simulated_shop(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["verify", "features", "--workload", "checkout", "--simulate", "--events", "300", "--json"]
    )
    told = json.loads(capsys.readouterr().out)
    assert (code, told["mismatches"]) == (0, 0)
    assert told["compared"] > 1_000
    assert main(["verify", "features", "--workload", "cards"]) == 2
    assert main(["verify", "features", "--simulate"]) == 2


def test_served_vectors_that_were_touched_on_disk_do_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from assay.runtime import cards_proof

    play = cards_proof._play

    def played(payments, catalog, served, restarts, progress):  # type: ignore[no-untyped-def]
        events = play(payments, catalog, served, restarts, progress)
        served.digests[7] = np.zeros(32, np.uint8)
        return events

    monkeypatch.setattr(cards_proof, "_play", played)
    report = prove_stream(stream(3), Sample("customer_id", 1, 10**9))
    assert report.mismatches == 1
    assert report.differences[0].what == "vector digest"
