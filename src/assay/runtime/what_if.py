"""What would a change of the catalog have altered? The log of a period, read with both.

Values are compared with what was served, bit for bit. Decisions are made again by the policy and
model that made them, fed the other values: what a version trained with the change would decide is
another question. Review slots left are taken as they were.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from assay.contracts.label import LABEL_TYPE
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.decide import Inputs, decide
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord
from assay.decisions.redecide import Scorer
from assay.features.catalog import Catalog
from assay.features.state import FeatureState
from assay.features.values import as_floats, as_values
from assay.features.vector import Vector
from assay.models.score import Score
from assay.runtime.fold import fold
from assay.runtime.ports import Entry, EventLog
from assay.runtime.reproducer import value_text
from assay.runtime.vectors import FEATURES_UNAVAILABLE

EXAMPLES_MAX = 3  #: of each value, and of changed decisions
_STRIDE = 1_000


class Example(msgspec.Struct, frozen=True):
    """One request for which something would have been otherwise."""

    request: str
    was: str
    would_be: str


class ValueChange(msgspec.Struct, frozen=True, kw_only=True):
    """How many served values of one name would have been otherwise.

    ``what`` is ``changed``, ``removed`` (it would not have been there) or ``added``.
    """

    name: str
    what: str
    served: int
    differing: int
    examples: tuple[Example, ...] = ()


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions that would have gone from one outcome to another.

    ``amount`` is the sum of their amounts in minor units; ``frauds`` of them are known to be fraud,
    of ``fraud_amount``.
    """

    was: str
    would_be: str
    decisions: int
    amount: int
    frauds: int
    fraud_amount: int
    examples: tuple[str, ...] = ()


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would have altered in a period.

    ``skipped`` decisions were made without features or cannot be made again here (their policy or
    model is not at hand, or they were erased): nothing is said about them.
    """

    decisions: int
    skipped: int
    values: int
    differing: int
    changed_decisions: int
    by_value: tuple[ValueChange, ...]
    by_outcome: tuple[Moved, ...]


def what_if(
    log: EventLog,
    policies: Mapping[str, CompiledPolicy],
    scorers: Mapping[str, Scorer],
    after: Callable[[Catalog], Catalog],
    *,
    since: int | None = None,
    until: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> WhatIf:
    """Replay a period with a changed catalog beside the one that served.

    Args:
        log: the history; only read, and folded from its beginning whatever the period.
        policies: by digest, those that decided.
        scorers: by digest, those that scored.
        after: the catalog that would have served in place of one that did.
        since: the first ``ts`` of requests that are looked at; None for all.
        until: the ``ts`` before which they lie; None for all.
        progress: told how many entries were read since the last time.

    Raises:
        Corrupt: the log is damaged; names the seq.
        Invalid: a catalog that served cannot be changed so.
    """
    found = _Found(policies, scorers, after)
    low, high = -(2**63) if since is None else since, 2**63 if until is None else until
    for number, entry in enumerate(log.entries(), start=1):
        if entry.record is not None and low <= entry.event.ts < high:
            found.ask(entry, entry.record)
        found.fold(entry)
        if number % _STRIDE == 0:
            progress(_STRIDE)
    for entry in log.entries() if found.moved else ():
        found.learn(entry)
    return found.report()


class _Pair:
    """The values that served and those that would have, by the places they share."""

    def __init__(self, before: Catalog, after: Catalog) -> None:
        self.before, self.after = before, after
        self.state = FeatureState(after)
        self.shared = [
            (place, after.index(name))
            for place, name in enumerate(before.names)
            if name in after.names and before.kinds[place] == after.kinds[after.index(name)]
        ]
        self.served = 0
        self.differing: Counter[str] = Counter()
        self.examples: dict[str, list[Example]] = {}

    def other(self, entry: Entry, served: Vector) -> Vector:
        """The vector that would have served, laid out as the one that did."""
        vector, _ = self.state.read(entry.event)
        width = len(self.before)
        other = Vector(np.zeros(width, np.int64), np.zeros(width, np.uint8))
        for here, there in self.shared:
            other.bits[here], other.known[here] = vector.bits[there], vector.known[there]
        self.served += 1
        wrong = (served.bits != other.bits) | (served.known != other.known)
        for place in np.flatnonzero(wrong).tolist():
            self._note(entry, place, served, other)
        return other

    def _note(self, entry: Entry, place: int, served: Vector, other: Vector) -> None:
        name = self.before.names[place]
        self.differing[name] += 1
        examples = self.examples.setdefault(name, [])
        if len(examples) < EXAMPLES_MAX:
            was = value_text(served, self.before, place)
            examples.append(Example(entry.event.id, was, value_text(other, self.before, place)))


class _Found:
    def __init__(
        self,
        policies: Mapping[str, CompiledPolicy],
        scorers: Mapping[str, Scorer],
        after: Callable[[Catalog], Catalog],
    ) -> None:
        self._policies, self._scorers = policies, scorers
        catalogs = {one.catalog.digest: one.catalog for one in policies.values()}
        self._pairs = {
            digest: _Pair(catalog, after(catalog)) for digest, catalog in catalogs.items()
        }
        self.decisions = self.skipped = 0
        self.moved: dict[str, tuple[str, str, int]] = {}
        self._frauds: dict[str, bool] = {}

    def fold(self, entry: Entry) -> None:
        for pair in self._pairs.values():
            fold(pair.state, entry)

    def ask(self, entry: Entry, record: DecisionRecord) -> None:
        """Compare one decision; before its own event is folded."""
        self.decisions += 1
        policy = self._policies.get(record.policy)
        scorer = None if record.model is None else self._scorers.get(record.model)
        scored = record.score.raw is not None
        if FEATURES_UNAVAILABLE in record.degraded or policy is None or (scored and not scorer):
            self.skipped += 1
            return
        pair = self._pairs[policy.catalog.digest]
        served = Vector(
            np.frombuffer(record.bits, "<i8").astype(np.int64),
            np.frombuffer(record.known, np.uint8),
        )
        other = pair.other(entry, served)
        outcome = _outcome(policy, record, entry, other, scorer if scored else None)
        if outcome is not record.outcome:
            amount = entry.event.payload.get(policy.policy.amount_field)
            whole = amount if isinstance(amount, int) else 0
            self.moved[entry.event.id] = (record.outcome.value, outcome.value, whole)

    def learn(self, entry: Entry) -> None:
        """Note what a changed decision's request turned out to be; the last label counts."""
        said = entry.event.payload
        if entry.accepted and entry.event.type == LABEL_TYPE and said["request_id"] in self.moved:
            self._frauds[said["request_id"]] = bool(said["fraud"])

    def report(self) -> WhatIf:
        """Everything found."""
        changes = [change for pair in self._pairs.values() for change in _changes(pair)]
        return WhatIf(
            decisions=self.decisions,
            skipped=self.skipped,
            values=sum(pair.served * len(pair.before) for pair in self._pairs.values()),
            differing=sum(change.differing for change in changes if change.what != "added"),
            changed_decisions=len(self.moved),
            by_value=tuple(changes),
            by_outcome=tuple(self._moves()),
        )

    def _moves(self) -> list[Moved]:
        ways = sorted({(was, would_be) for was, would_be, _ in self.moved.values()})
        return [self._move(*way) for way in ways]

    def _move(self, was: str, would_be: str) -> Moved:
        ids = [name for name, moved in self.moved.items() if moved[:2] == (was, would_be)]
        frauds = [name for name in ids if self._frauds.get(name)]
        return Moved(
            was=was,
            would_be=would_be,
            decisions=len(ids),
            amount=sum(self.moved[name][2] for name in ids),
            frauds=len(frauds),
            fraud_amount=sum(self.moved[name][2] for name in frauds),
            examples=tuple(ids[:EXAMPLES_MAX]),
        )


def _changes(pair: _Pair) -> list[ValueChange]:
    if not pair.served:
        return []
    shared = {pair.before.names[here] for here, _ in pair.shared}
    found = [
        ValueChange(
            name=name,
            what="changed" if name in shared else "removed",
            served=pair.served,
            differing=pair.differing[name],
            examples=tuple(pair.examples.get(name, ())),
        )
        for name in pair.before.names
        if pair.differing[name] or name not in shared
    ]
    added = [name for name in pair.after.names if name not in shared]
    return found + [
        ValueChange(name=name, what="added", served=0, differing=pair.served) for name in added
    ]


def _outcome(
    policy: CompiledPolicy,
    record: DecisionRecord,
    entry: Entry,
    vector: Vector,
    scorer: Scorer | None,
) -> Outcome:
    """The outcome of the same policy and model on other values."""
    score: Score = record.score
    if scorer is not None:
        floats = as_floats(vector, policy.catalog)
        places = [policy.catalog.index(name) for name in scorer.inputs]
        score = scorer.score(np.ascontiguousarray(floats[places]))
    return decide(
        policy,
        Inputs(
            payload=entry.event.payload,
            values=as_values(vector, policy.catalog),
            memberships=record.memberships,
            score=score,
            slots_left=record.slots_left,
            degraded=record.degraded,
        ),
    ).outcome
