"""Do the promises hold? Every served value and every stored decision, made again from the log.

Both checks fold the log once, in ``seq`` order, with the verdicts on late events as stored.
"""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from assay.core.ids import derived_id
from assay.core.time import utc_day
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.record import DecisionRecord
from assay.decisions.redecide import Scorer, redecide
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.vector import Receipt, Vector
from assay.features.view import look_ups, seen_by
from assay.review.capacity import Budget
from assay.rules.lists import ListSnapshot
from assay.runtime.erasure import Dependent, Erasures
from assay.runtime.fold import GROUP, fold_all, moves_time
from assay.runtime.ports import Entry, EventLog
from assay.runtime.reproducer import Mismatch, Reproducer, reproduce, value_text
from assay.runtime.slices import Sample, Slice
from assay.runtime.vectors import FEATURES_UNAVAILABLE

DIFFERENCES_MAX = 20  #: how many are listed; all are counted


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that came out otherwise than it was stored."""

    seq: int
    decision: str
    what: str
    stored: str = ""
    again: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found; it holds when ``mismatches`` is 0.

    ``compared`` counts values (of features) or decisions; ``records`` counts decisions, of which
    ``skipped`` were made without features. ``erased`` counts values (or decisions) that were erased
    with their subject, ``dependent`` values that differ because what they saw was erased, exactly
    as the receipt says. ``differences`` lists the first ones. ``reproducer`` is
    the smallest slice of the log that gives the first differing value. ``part`` says what was
    looked at, where that was not everything. ``elsewhere`` counts decisions on vectors from the
    logs of other partitions, which `verify_elsewhere` checks.
    """

    compared: int
    mismatches: int
    records: int
    events: int
    skipped: int = 0
    erased: int = 0
    dependent: int = 0
    differences: tuple[Difference, ...] = ()
    reproducer: Reproducer | None = None
    part: str = ""
    elsewhere: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing differed."""
        return self.mismatches == 0


def verify_features(
    log: EventLog, catalogs: Mapping[str, Catalog], sample: Sample | None = None
) -> Report:
    """Compute every served vector again from the log and compare every bit.

    Args:
        log: the history; only read.
        catalogs: by digest, all that served. A vector of any other one is a mismatch: what cannot
            be checked does not hold.
        sample: the requests looked at, None for all. Of their keys every event is folded, of other
            keys none: a sampled value is checked as thoroughly as in a whole replay.

    Raises:
        Corrupt: the log is damaged; names the seq.
    """
    check, part = FeatureCheck(catalogs, Erasures(log)), Slice(sample, catalogs.values())
    if sample is not None:
        for entry in log.entries():
            part.want(entry)
    for entry in log.entries():
        asked, folded = part.takes(entry)
        check.take(entry, asked=asked, folded=folded)
    check.catch_up()
    first = check.first
    return Report(
        compared=check.compared,
        mismatches=check.mismatches,
        records=check.records,
        events=check.events,
        skipped=check.skipped,
        elsewhere=check.elsewhere,
        erased=check.erased,
        dependent=check.dependent,
        differences=tuple(check.differences[:DIFFERENCES_MAX]),
        reproducer=None if first is None else reproduce(log, first),
        part=part.text,
    )


def verify_decisions(
    log: EventLog,
    policies: Mapping[str, CompiledPolicy],
    scorers: Mapping[str, Scorer],
    snapshots: Mapping[str, ListSnapshot] | None = None,
) -> Report:
    """Make every stored decision again and compare score, rules, reasons and outcome, bit for bit.

    Also what no single record can prove: its place in the log and the review slots left.

    Args:
        log: the history; only read.
        policies: by digest, all that decided.
        scorers: by digest, all that scored.
        snapshots: lists by digest; where given, the memberships are made again too.

    Raises:
        Corrupt: the log is damaged; names the seq.
    """
    compared = mismatches = events = erased = 0
    erasures = Erasures(log)
    listed: list[Difference] = []
    budget = Budget(0)
    for entry in log.entries():
        events += 1
        if wrong := erasures.wrong(entry):
            mismatches += 1
            listed.append(Difference(seq=entry.seq, decision="", what=wrong))
        if entry.erased is not None:
            erased += entry.erased.decided
            if entry.erased.slot:
                budget.count_slot(utc_day(entry.event.ts))
        if entry.record is None:
            continue
        compared += 1
        found = list(_decision(entry, entry.record, policies, scorers, snapshots, budget))
        budget.count(entry.record)
        mismatches += bool(found)
        listed += found if len(listed) < DIFFERENCES_MAX else ()
    return Report(
        compared=compared,
        mismatches=mismatches,
        records=compared,
        events=events,
        erased=erased,
        differences=tuple(listed[:DIFFERENCES_MAX]),
    )


class FeatureCheck:
    """A fold over entries that reads before it applies, as the engine did."""

    def __init__(self, catalogs: Mapping[str, Catalog], erasures: Erasures) -> None:
        self._erasures, self.erased, self.dependent = erasures, 0, 0
        self._states = {digest: FeatureState(catalog) for digest, catalog in catalogs.items()}
        self._newest_of: dict[str, int] = {}
        self._waiting: list[Entry] = []
        self.elsewhere = 0
        self.compared = self.mismatches = self.records = self.events = self.skipped = 0
        self.differences: list[Difference] = []
        self.first: Mismatch | None = None

    def take(self, entry: Entry, *, asked: bool, folded: bool) -> None:
        """The next entry of the log: compared if it is ``asked`` about, then folded in."""
        self.events += asked or folded
        if wrong := self._erasures.wrong(entry):
            self._count(Difference(seq=entry.seq, decision="", what=wrong))
        self.erased += 0 if entry.erased is None else entry.erased.values
        if asked and entry.record is not None:
            self.records += 1
            self._compare(entry, entry.record)
        self.fold(entry, folded=folded)

    def fold(self, entry: Entry, *, folded: bool = True) -> None:
        """The entry is behind: what is read from now on has seen it."""
        if moves_time(entry):
            kind, ts = entry.event.type, entry.event.ts
            self._newest_of[kind] = max(ts, self._newest_of.get(kind, ts))
        if folded:
            self._waiting.append(entry)
            if len(self._waiting) >= GROUP:
                self.catch_up()

    def catch_up(self) -> None:
        """Fold in what waits: entries that nothing is read between are folded in groups."""
        for state in self._states.values():
            fold_all(state, self._waiting)
        self._waiting = []

    def _compare(self, entry: Entry, record: DecisionRecord) -> None:
        receipt = record.receipt
        if FEATURES_UNAVAILABLE in record.degraded and not receipt.absent:
            self.skipped += 1
        elif of_this_log(receipt):
            self.compare(entry, record, {"0": entry.seq - 1})
        else:
            self.elsewhere += 1

    def compare(self, entry: Entry, record: DecisionRecord, cut: dict[str, int]) -> None:
        """Read again what a record says was served; every event up to the cut is folded in."""
        receipt = record.receipt
        state = self._states.get(receipt.catalog)
        if state is None:
            self._differs(entry, record, f"catalog {receipt.catalog} is not at hand")
            return
        names = state.catalog.names
        self.compared += len(names)
        self.catch_up()
        vector, newest = state.read(entry.event, tuple(receipt.absent))
        if receipt.cut not in (cut, {}):  # none: nothing could be had, and the views say so
            self._differs(entry, record, "cut", receipt.cut, cut)
        self._check_seen(entry, record, state.catalog)
        expected = self._erasures.dependent(entry)
        if expected is not None:
            self._depends(entry, record, expected, vector, newest)
            return
        if (receipt.at, receipt.newest) != (entry.event.ts, newest):
            stored = (receipt.at, receipt.newest)
            self._differs(entry, record, "T and newest", stored, (entry.event.ts, newest))
        if len(record.bits) != 8 * len(names) or len(record.known) != len(names):
            self._differs(entry, record, "number of values", len(record.known), len(names))
            return
        if record.bits != vector.bits.astype("<i8").tobytes() or (
            record.known != vector.known.tobytes()
        ):
            self._values(entry, record, state.catalog, vector)
        elif receipt.vector != vector.digest:
            self._differs(entry, record, "vector digest", receipt.vector, vector.digest)

    def _check_seen(self, entry: Entry, record: DecisionRecord, catalog: Catalog) -> None:
        """What freshness was judged by; after an erasure the newest event may be gone."""
        stored = record.receipt.seen
        if stored and not self._erasures.receipts:
            seen = seen_by(look_ups(catalog.plan), entry.event, self._newest_of)
            again = {view: seen.get(view) for view in stored}
            if stored != again:
                self._differs(entry, record, "newest event of each source", stored, again)

    def _depends(
        self,
        entry: Entry,
        record: DecisionRecord,
        expected: Dependent,
        vector: Vector,
        newest: int | None,
    ) -> None:
        """What it saw was erased: it is as it was served, and comes out as the receipt says."""
        served = Vector(np.frombuffer(record.bits, "<i8"), np.frombuffer(record.known, np.uint8))
        if record.receipt.at != entry.event.ts or record.receipt.vector != served.digest:
            self._differs(entry, record, "served values", record.receipt.vector, served.digest)
        elif (vector.digest, newest) == (expected.vector, expected.newest):
            changed = (served.bits != vector.bits) | (served.known != vector.known)
            self.dependent += int(changed.sum())
        else:
            what = "values after an erasure"
            self._differs(entry, record, what, expected.vector, vector.digest)

    def _values(
        self, entry: Entry, record: DecisionRecord, catalog: Catalog, vector: Vector
    ) -> None:
        served = Vector(
            np.frombuffer(record.bits, "<i8").astype(np.int64),
            np.frombuffer(record.known, np.uint8),
        )
        wrong = (served.bits != vector.bits) | (served.known != vector.known)
        for place in np.flatnonzero(wrong).tolist():
            stored = value_text(served, catalog, place)
            again = value_text(vector, catalog, place)
            self._differs(entry, record, catalog.names[place], stored, again)
            if self.first is None:
                self.first = Mismatch(catalog, place, entry, stored, again)

    def _differs(
        self,
        entry: Entry,
        record: DecisionRecord,
        what: str,
        stored: object = "",
        again: object = "",
    ) -> None:
        self._count(_difference(entry, record, what, stored, again))

    def _count(self, difference: Difference) -> None:
        self.mismatches += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(difference)


def of_this_log(receipt: Receipt) -> bool:
    """Whether a vector was read from the log that its decision stands in, or from nothing."""
    return set(receipt.cut) <= {"0"}


def _difference(
    entry: Entry, record: DecisionRecord, what: str, stored: object = "", again: object = ""
) -> Difference:
    return Difference(
        seq=entry.seq, decision=record.id, what=what, stored=str(stored), again=str(again)
    )


def _decision(
    entry: Entry,
    record: DecisionRecord,
    policies: Mapping[str, CompiledPolicy],
    scorers: Mapping[str, Scorer],
    snapshots: Mapping[str, ListSnapshot] | None,
    budget: Budget,
) -> Iterator[Difference]:
    policy = policies.get(record.policy)
    if policy is None:
        yield _difference(entry, record, f"policy {record.policy} is not at hand")
        return
    budget.capacity_per_day = policy.policy.capacity_per_day
    left = budget.left(utc_day(record.at))
    for what, stored, again in (
        ("id", record.id, derived_id("dec", entry.event.id)),
        ("seq", record.seq, entry.seq),
        ("review slots left", record.slots_left, left),
    ):
        if stored != again:
            yield _difference(entry, record, what, stored, again)
    scorer = None if record.model is None else scorers.get(record.model)
    for text in redecide(policy, record, entry.event, scorer, snapshots):
        yield _difference(entry, record, text)
