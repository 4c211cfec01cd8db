"""How does one request become a decision record? Stage by stage, each within the deadline.

Lists, features, rules, model, reasons: a stage that would start after the deadline is left out and
its code stands on the record; a stage that fails is left out too. Rules always run: they are the
last resort. Nothing here changes the live state or writes anything.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.core.ids import derived_id
from assay.core.time import TIME_MIN, utc_day
from assay.decisions.check import PolicyMismatch
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.decide import Decision, Inputs, decide
from assay.decisions.freshness import FEATURES_STALE
from assay.decisions.outcome import Outcome
from assay.decisions.record import DecisionRecord
from assay.decisions.redecide import Scorer
from assay.features.derive import decoded
from assay.features.values import as_floats
from assay.features.vector import Receipt
from assay.features.view import FeatureSource, Served
from assay.models.score import Score
from assay.rules.lists import ListSnapshot
from assay.runtime.live import Live
from assay.runtime.ports import ListSource
from assay.runtime.stats import Stats
from assay.runtime.vectors import Found, Vectors

DEADLINE_EXCEEDED = "deadline_exceeded"
LIST_UNAVAILABLE = "list_unavailable"
MODEL_FAILED = "model_failed"
MODEL_UNAVAILABLE = "model_unavailable"

_NO_CONTRIBUTIONS: tuple[tuple[str, float], ...] = ()
_Floats = NDArray[np.float64]


class Stages:
    """The stages of one policy with one model.

    Args:
        policy: what decides.
        scorer: the policy's model, None when it could not be loaded.
        lists: where the policy's lists come from.
        monotonic: nanoseconds, never going back.
        stats: hears how long each stage took.
        source: where vectors come from, None for the live state.

    Raises:
        PolicyMismatch: the model is not the one the policy names.
        Unknown: the model takes a value that is not in the policy's catalog.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        scorer: Scorer | None,
        lists: ListSource,
        *,
        monotonic: Callable[[], int],
        stats: Stats,
        source: FeatureSource | None = None,
    ) -> None:
        self.policy, self._scorer, self._lists = policy, scorer, lists
        self._vectors = Vectors(policy, source, stats.freshness)
        self._monotonic, self._stats = monotonic, stats
        self._deadline_ns = policy.policy.deadline * 1_000
        named = policy.policy.model
        if scorer is not None and named is not None and scorer.digest != named:
            raise PolicyMismatch(
                f"policy {policy.policy.name!r} version {policy.policy.version} decides with the "
                f"model {named}, got {scorer.digest}: load the model the policy names"
            )
        catalog = policy.catalog
        inputs = scorer.inputs if scorer is not None else ()
        self._inputs = np.array([catalog.index(name) for name in inputs], dtype=np.int64)
        # A decision depends on the values that rules mention; of a hundred that is a fifth.
        self._mentioned = [
            (name, catalog.index(name), catalog.kinds[catalog.index(name)])
            for name in policy.rules.variables
            if name in catalog.names
        ]
        self._model_code = "" if policy.policy.model is None else MODEL_UNAVAILABLE

    def decide(self, event: Event, live: Live, *, started: int, wall: int) -> DecisionRecord:
        """The record of the decision on ``event``, which gets the next ``seq``.

        Args:
            event: the request; features are read at its ``ts``.
            live: the state before it.
            started: when the request arrived, by ``monotonic``.
            wall: microseconds UTC, for people.
        """
        run = _Run(self._monotonic, self._stats, started, started + self._deadline_ns)
        snapshots = self._snapshots(run)
        members = self.policy.memberships(event.payload, snapshots, event.ts)
        run.took("lists")
        found = self._vectors.none(live) if run.late() else self._vectors.of(event, live)
        for code in found.codes:
            run.fell_back(code)
        vector = found.served.vector
        bits, known = vector.bits.tolist(), vector.known.tolist()
        values = {
            name: decoded(bits[at], kind) if known[at] else None
            for name, at, kind in self._mentioned
        }
        run.took("features")
        results = self.policy.evaluate(event.payload, values, members)
        run.took("rules")
        score, row = self._score(found, run)
        run.took("model")
        inputs = Inputs(
            payload=event.payload,
            values=values,
            memberships=members,
            score=score,
            slots_left=live.budget.left(utc_day(event.ts)),
            degraded=tuple(run.degraded),
            results=results,
        )
        decision, inputs = self._decide(inputs, row, run)
        run.took("decide")
        return self._record(
            event,
            live,
            inputs,
            decision,
            served=found.served,
            snapshots=snapshots,
            wall=wall,
        )

    def warm(self) -> None:
        """Run every stage once on nothing, so that no request waits for a compiler."""
        catalog = self.policy.catalog
        scratch = Live(catalog, 0, generation=-1)
        for contract in catalog.contracts:
            scratch.features.apply(Event("warm-up", contract.type, TIME_MIN, {}))
        request = Event("warm-up", self.policy.policy.request, TIME_MIN, {})
        unhurried = Stages(
            self.policy, self._scorer, self._lists, monotonic=lambda: 0, stats=Stats()
        )
        unhurried.decide(request, scratch, started=0, wall=0)

    def _snapshots(self, run: "_Run") -> dict[str, ListSnapshot | None]:
        found = {use.name: self._lists.snapshot(use.name) for use in self.policy.policy.lists}
        if None in found.values():
            run.fell_back(LIST_UNAVAILABLE)
        return found

    def _score(self, found: Found, run: "_Run") -> tuple[Score, _Floats | None]:
        scorer = self._scorer
        if self.policy.policy.model is None or scorer is None:
            return run.no_score(self._model_code), None
        if found.without_score:
            return run.no_score(FEATURES_STALE), None
        if run.late():
            return run.no_score(DEADLINE_EXCEEDED), None
        try:
            row = as_floats(found.served.vector, self.policy.catalog)[self._inputs]
            return scorer.score(row), row
        except Exception:  # noqa: BLE001 - no failure of a model may fail a decision
            return run.no_score(MODEL_FAILED), None

    def _decide(self, inputs: Inputs, row: _Floats | None, run: "_Run") -> tuple[Decision, Inputs]:
        decision = decide(self.policy, inputs)
        if decision.outcome is Outcome.APPROVE or row is None or self._scorer is None:
            return decision, inputs
        contributions = _NO_CONTRIBUTIONS
        if not run.late():
            try:
                contributions = self._scorer.contributions(row)
            except Exception:  # noqa: BLE001 - a score without its parts is still a score
                run.fell_back(MODEL_FAILED)
        final = Inputs(
            payload=inputs.payload,
            values=inputs.values,
            memberships=inputs.memberships,
            score=inputs.score,
            slots_left=inputs.slots_left,
            degraded=tuple(run.degraded),
            contributions=contributions,
            results=inputs.results,
        )
        return decide(self.policy, final), final

    def _record(
        self,
        event: Event,
        live: Live,
        inputs: Inputs,
        decision: Decision,
        *,
        served: Served,
        snapshots: dict[str, ListSnapshot | None],
        wall: int,
    ) -> DecisionRecord:
        policy = self.policy.policy
        vector = served.vector
        receipt = Receipt(
            self.policy.catalog.digest,
            event.ts,
            served.cut,
            vector.digest,
            served.newest,
            served.absent,
            served.seen,
        )
        return DecisionRecord(
            id=derived_id("dec", event.id),
            event=event.id,
            seq=live.seq + 1,
            at=event.ts,
            policy=policy.digest,
            model=policy.model,
            receipt=receipt,
            bits=vector.bits.astype("<i8", copy=False).tobytes(),
            known=vector.known.tobytes(),
            memberships=inputs.memberships,
            snapshots={
                name: None if found is None else found.digest for name, found in snapshots.items()
            },
            rules=decision.rules,
            score=inputs.score,
            contributions=inputs.contributions,
            slots_left=inputs.slots_left,
            reasons=decision.reasons,
            outcome=decision.outcome,
            degraded=inputs.degraded,
            decided_at=wall,
        )


class _Run:
    """One request on its way: how long it has taken, and what fell back."""

    __slots__ = ("_deadline", "_last", "_monotonic", "_stats", "degraded")

    def __init__(
        self, monotonic: Callable[[], int], stats: Stats, started: int, deadline: int
    ) -> None:
        self._monotonic, self._stats = monotonic, stats
        self._last, self._deadline = monotonic(), deadline
        self.degraded: list[str] = []
        stats.took("decode", self._last - started)

    def took(self, stage: str) -> None:
        """The stage ends now."""
        now = self._monotonic()
        self._stats.took(stage, now - self._last)
        self._last = now

    def late(self) -> bool:
        """Whether the deadline has passed; says so on the record if it has."""
        if self._monotonic() <= self._deadline:
            return False
        self.fell_back(DEADLINE_EXCEEDED)
        return True

    def fell_back(self, code: str) -> None:
        """Something was left out or failed."""
        if code not in self.degraded:
            self.degraded.append(code)

    def no_score(self, why: str) -> Score:
        """The score of a model that did not answer."""
        if why:
            self.fell_back(why)
        return Score(None, None, why)
