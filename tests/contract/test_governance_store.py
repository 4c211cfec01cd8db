"""Every governance store keeps what it is given, all or nothing, and carries the whole path."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.governance.versions import (
    ADMIN,
    APPROVER,
    ENGINEER,
    MODEL,
    NOW,
    POLICY,
    ROBOT,
    VALIDATOR,
    record,
    result,
)

from assay.adapters.files.checkpoint import CheckpointFile
from assay.adapters.sqlite.database import create_all, open_database
from assay.adapters.sqlite.governance import RefusedByDatabase, SqliteGovernance
from assay.core.errors import Conflict, Forbidden, GateRefused, Invalid, Unknown
from assay.core.time import DAY
from assay.governance.facts import State
from assay.governance.gate import GATE_POLICY
from assay.runtime.governance import Governance
from assay.runtime.memory_governance import MemoryCheckpoints, MemoryGovernance

KEY = "checkout-risk@1"


class Ticking:
    """A clock that moves one second whenever it is read."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        """Microseconds UTC."""
        self.at += 1_000_000
        return self.at


@pytest.fixture(params=["memory", "sqlite"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Governance]:
    if request.param == "memory":
        yield Governance(MemoryGovernance(), MemoryCheckpoints(), Ticking())
        return
    engine = open_database(tmp_path / "control.db")
    create_all(engine)
    checkpoints = CheckpointFile(tmp_path / "audit.checkpoint")
    yield Governance(SqliteGovernance(engine), checkpoints, Ticking())
    engine.dispose()


def submitted(desk: Governance) -> None:
    desk.register(ENGINEER, record())
    desk.promote(ENGINEER, KEY, State.DEVELOPMENT)
    tests = (*GATE_POLICY.development, *GATE_POLICY.development_documents)
    desk.record_evidence(ENGINEER, KEY, [result(test) for test in tests])
    desk.submit(ENGINEER, KEY)


def validated(desk: Governance) -> None:
    submitted(desk)
    tests = (*GATE_POLICY.validation, *GATE_POLICY.validation_documents)
    desk.record_evidence(VALIDATOR, KEY, [result(test, at=NOW) for test in tests])
    for who, role in ((VALIDATOR, "validator"), (APPROVER, "approver")):
        desk.approve(who, KEY, role, comment="read it", expires_at=NOW + 90 * DAY, seen=MODEL)


def live(desk: Governance) -> None:
    validated(desk)
    desk.promote(APPROVER, KEY, State.APPROVED)
    desk.promote(APPROVER, KEY, State.LIVE)


def test_a_version_goes_the_whole_way_and_is_admitted(desk: Governance) -> None:
    live(desk)
    assert desk.admit(MODEL, POLICY) == KEY
    report = desk.verify()
    assert report.ok, report.why
    assert report.entries == len(desk.status(KEY).filed) + 9
    assert [facts.state for facts in desk.inventory()] == [State.LIVE]


def test_one_person_suspends_and_the_next_load_is_refused_with_the_reason(desk: Governance) -> None:
    live(desk)
    desk.suspend(ENGINEER, KEY, "blocks surge")
    with pytest.raises(GateRefused, match=r"suspended, not live \(dana: blocks surge\)"):
        desk.admit(MODEL, POLICY)
    with pytest.raises(GateRefused, match="given before the last submission or suspension"):
        desk.promote(APPROVER, KEY, State.LIVE, "fixed")


def test_a_version_nobody_approved_is_not_admitted(desk: Governance) -> None:
    submitted(desk)
    with pytest.raises(GateRefused, match="is validation, not live"):
        desk.admit(MODEL, POLICY)
    with pytest.raises(GateRefused, match="not in the inventory") as refused:
        desk.admit("sha256:" + "1" * 64, POLICY)
    assert "checkout-risk@1 holds this policy with another model" in str(refused.value)


def test_a_refusal_is_written_down_and_changes_nothing_else(desk: Governance) -> None:
    submitted(desk)
    before = desk.status(KEY)
    with pytest.raises(GateRefused) as refused:
        desk.promote(VALIDATOR, KEY, State.APPROVED)
    assert len(refused.value.why) >= 3
    assert desk.status(KEY) == before
    assert desk.verify().ok


def test_a_contributor_a_submitter_and_a_robot_cannot_approve(desk: Governance) -> None:
    submitted(desk)
    desk.contribute(ENGINEER, KEY, VALIDATOR.user, "features")
    for who, role, why in (
        (VALIDATOR, "validator", "vera contributed to it"),
        (ROBOT, "approver", "only a person approves"),
    ):
        with pytest.raises(GateRefused, match=why):
            desk.approve(who, KEY, role, comment="ok", expires_at=NOW + DAY, seen=MODEL)
    with pytest.raises(Forbidden, match="needs the role approver"):
        desk.approve(ADMIN, KEY, "approver", comment="ok", expires_at=NOW + DAY, seen=MODEL)


def test_nobody_approves_what_they_did_not_see(desk: Governance) -> None:
    submitted(desk)
    with pytest.raises(GateRefused, match="the approver looked at sha256:other"):
        desk.approve(
            APPROVER, KEY, "approver", comment="ok", expires_at=NOW + DAY, seen="sha256:other"
        )


def test_the_same_bytes_are_registered_once(desk: Governance) -> None:
    desk.register(ENGINEER, record())
    for again in (record(), record(version=2)):
        with pytest.raises((Conflict, RefusedByDatabase), match=r"on file|registered"):
            desk.register(ENGINEER, again)
    assert len(desk.inventory()) == 1
    assert desk.verify().ok


def test_evidence_about_other_bytes_is_refused(desk: Governance) -> None:
    desk.register(ENGINEER, record())
    with pytest.raises(Invalid, match="is about sha256:else"):
        desk.record_evidence(ENGINEER, KEY, [result("performance.auc", subject="sha256:else")])
    with pytest.raises(Unknown, match=r"Did you mean 'checkout-risk@1'"):
        desk.status("checkout-risk@2")


def test_filing_the_same_evidence_twice_is_filing_it_once(desk: Governance) -> None:
    desk.register(ENGINEER, record())
    for _ in range(2):
        desk.record_evidence(ENGINEER, KEY, [result("performance.auc")])
    assert len(desk.status(KEY).filed) == 1


def test_an_open_high_finding_stops_a_live_version_until_an_independent_validator_closes_it(
    desk: Governance,
) -> None:
    live(desk)
    finding = desk.open_finding(ENGINEER, KEY, "high", "score drifts")
    with pytest.raises(GateRefused, match="a high finding is open: 'score drifts'"):
        desk.admit(MODEL, POLICY)
    with pytest.raises(Forbidden):
        desk.close_finding(ENGINEER, KEY, finding.id, "fine")
    desk.close_finding(VALIDATOR, KEY, finding.id, "the feed was late")
    assert desk.admit(MODEL, POLICY) == KEY


def test_an_approval_that_expires_stops_the_next_load(desk: Governance) -> None:
    live(desk)
    desk._clock.at += 91 * DAY  # type: ignore[attr-defined]  # the test owns the clock
    with pytest.raises(GateRefused, match="expired"):
        desk.admit(MODEL, POLICY)
