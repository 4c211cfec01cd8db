"""No sequence of acts, however odd, brings a version live that an independent reading forbids."""

from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.governance.versions import MODEL, NOW, POLICY, Person, record, result

from assay.core.errors import AssayError, GateRefused
from assay.core.time import DAY
from assay.governance.facts import Facts, State
from assay.governance.gate import GATE_POLICY
from assay.runtime.governance import Governance
from assay.runtime.memory_governance import MemoryCheckpoints, MemoryGovernance

KEY = "checkout-risk@1"
ROLES = ("engineer", "validator", "approver", "admin", "service")
PEOPLE = tuple(
    Person(user, frozenset(roles), kind)
    for user, roles, kind in (
        ("dana", ("engineer",), "human"),
        ("Dana", ("engineer", "validator", "approver"), "human"),
        ("omar", ("engineer", "validator"), "human"),
        ("vera", ("validator",), "human"),
        ("both", ("validator", "approver"), "human"),
        ("alan", ("approver",), "human"),
        ("root", ("admin",), "human"),
        ("pipe", ROLES, "service"),
    )
)
#: A short list of required tests: the machine is about who acts in which order.
SHORT = msgspec.structs.replace(
    GATE_POLICY, development=("performance.auc",), validation=("validation.replicated_auc",)
)
TESTS = tuple(
    dict.fromkeys(
        (
            *SHORT.development,
            *SHORT.validation,
            *SHORT.development_documents,
            *SHORT.validation_documents,
        )
    )
)
#: Most draws take the useful person so that runs get far; the rest take anybody.
whoever = st.one_of(*[st.sampled_from(PEOPLE)] * 2, st.sampled_from(PEOPLE[3:6]))


class Clock:
    """A clock the machine moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        """Microseconds UTC."""
        return self.at


def forbidden(facts: Facts, now: int) -> list[str]:
    """Why this version may not run, read off the raw rows in another way than the gate's."""
    hands = {"dana"} | {c.user.lower() for c in facts.contributions}
    sent = [t for t in facts.transitions if t.target == "validation"]
    stops = [t.at for t in facts.transitions if t.target in ("validation", "suspended")]
    good: dict[str, set[str]] = {"validator": set(), "approver": set()}
    for row in facts.approvals:
        name = row.approver.lower()
        fits = (row.model, row.policy, row.kind) == (MODEL, POLICY, "human")
        timely = max(stops) <= row.at <= now < row.expires_at
        if fits and timely and name not in hands and name not in {t.actor.lower() for t in sent}:
            good[row.role].add(name)
    why = []
    pairs = [(v, a) for v in good["validator"] for a in good["approver"] if v != a]
    if not pairs:
        why.append("no two people")
    on_file = {f.evidence.test for f in facts.filed}
    why += [f"no {test}" for test in TESTS if test not in on_file]
    foreign = {f.evidence.test for f in facts.filed if f.by.lower() not in hands}
    why += [
        f"no independent {test}"
        for test in (*SHORT.validation, *SHORT.validation_documents)
        if test not in foreign
    ]
    return why


class Acts(RuleBasedStateMachine):
    """Random acts of random people on one version."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.desk = Governance(MemoryGovernance(), MemoryCheckpoints(), self.clock, SHORT)

    def attempt(self, act: Any, *args: Any, **kwargs: Any) -> None:
        """Do it, or be refused with an error of ours."""
        self.clock.at += 1
        with suppress(AssayError):
            act(*args, **kwargs)

    @property
    def facts(self) -> Facts:
        """What is on file."""
        return self.desk.status(KEY)

    @initialize(started=st.booleans())
    def register(self, started: bool) -> None:
        """A draft, or a version submitted with everything on file."""
        self.desk.register(PEOPLE[0], record())
        if started:
            self.desk.promote(PEOPLE[0], KEY, State.DEVELOPMENT)
            everything = [result(t) for t in (*TESTS,)]
            self.desk.record_evidence(PEOPLE[0], KEY, everything)
            self.desk.submit(PEOPLE[0], KEY)

    @rule(who=whoever, tests=st.sets(st.sampled_from(TESTS), min_size=1), passed=st.integers(0, 9))
    def file(self, who: Person, tests: set[str], passed: int) -> None:
        """Put some or all tests on file, rarely failed ones."""
        verdict = "fail" if passed == 0 else "pass"
        rows = [
            result(test, at=self.clock.at, verdict=verdict)
            for test in (TESTS if passed > 3 else sorted(tests))
        ]
        self.attempt(self.desk.record_evidence, who, KEY, rows)

    @rule(
        who=whoever, term=st.sampled_from((1, 30 * DAY, 90 * DAY, 800 * DAY)), right=st.booleans()
    )
    def approve(self, who: Person, term: int, right: bool) -> None:
        """Agree in every role one holds, sometimes without having looked."""
        for role in sorted(who.roles & {"validator", "approver"}):
            self.attempt(
                self.desk.approve,
                who,
                KEY,
                role,
                comment="ok",
                expires_at=self.clock.at + term,
                seen=MODEL if right or term > DAY else POLICY,
            )

    @rule(who=whoever, to=st.sampled_from(State))
    def move(self, who: Person, to: State) -> None:
        """Ask for any state; what is granted must be allowed."""
        before = self.facts
        self.attempt(self.desk.promote, who, KEY, to, "because")
        after = self.facts
        if after.state in (State.APPROVED, State.LIVE, State.CANARY) and after != before:
            assert forbidden(before, self.clock.at) == []
            assert who.kind == "human"

    @precondition(lambda self: self.facts.state in (State.VALIDATION, State.APPROVED))
    @rule(who=whoever)
    def go_on(self, who: Person) -> None:
        """Ask for the next state towards traffic."""
        further = {State.VALIDATION: State.APPROVED, State.APPROVED: State.LIVE}
        self.move(who, further[self.facts.state])

    @rule(who=st.sampled_from(PEOPLE), user=st.sampled_from(PEOPLE))
    def contribute(self, who: Person, user: Person) -> None:
        """Write down a contribution of somebody who could have checked."""
        if user.user in ("omar", "both"):
            self.attempt(self.desk.contribute, who, KEY, user.user, "features")

    @rule(who=whoever, severity=st.sampled_from(("high", "low", "low")))
    def find(self, who: Person, severity: Any) -> None:
        """Open a finding."""
        self.attempt(self.desk.open_finding, who, KEY, severity, f"found at {self.clock.at}")

    @rule(who=whoever)
    def close(self, who: Person) -> None:
        """Close every open finding."""
        for finding in self.facts.open_findings:
            self.attempt(self.desk.close_finding, who, KEY, finding.id, "mended")

    @rule(days=st.sampled_from((1, 10, 40)))
    def wait(self, days: int) -> None:
        """Let time pass, so that approvals expire."""
        self.clock.at += days * DAY

    @invariant()
    def whatever_is_admitted_is_allowed(self) -> None:
        """The oracle agrees with every admission."""
        if not self.desk.inventory():
            return
        try:
            key = self.desk.admit(MODEL, POLICY)
        except GateRefused:
            return
        facts = self.facts
        assert key == KEY
        assert facts.state in (State.LIVE, State.CANARY)
        assert forbidden(facts, self.clock.at) == []
        assert not [f for f in facts.open_findings if f.severity == "high"]

    def teardown(self) -> None:
        """Every act is on record, and a changed entry of this log is found."""
        store = self.desk._store
        assert isinstance(store, MemoryGovernance)
        assert self.desk.verify().ok
        if store.log:
            store.log[0] = msgspec.structs.replace(store.log[0], actor="eve")
            assert self.desk.verify().first_bad == 1


TestActs = Acts.TestCase
TestActs.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_machine_can_reach_live_at_all() -> None:
    machine = Acts()
    machine.register(started=True)
    dana, vera, alan = PEOPLE[0], PEOPLE[3], PEOPLE[5]
    machine.file(vera, set(), 9)
    machine.approve(vera, 30 * DAY, True)
    machine.approve(alan, 30 * DAY, True)
    machine.move(alan, State.APPROVED)
    machine.move(dana, State.LIVE)
    assert machine.desk.admit(MODEL, POLICY) == KEY
