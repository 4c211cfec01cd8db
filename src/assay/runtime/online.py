"""How is an event taken in or decided on, so that what was answered is never lost?

One thread calls the engine. It decides and applies to state at once; the answer waits in a future
until the group that holds it, and with it everything before it, is on disk. If a commit fails, all
that waits fails too, and nothing is decided until the state has been folded from the log again.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from operator import attrgetter
from typing import Any

from assay.contracts.contract import ContractSet
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.core.errors import AssayError, Invalid, Unavailable
from assay.core.ids import check_id
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.record import DecisionRecord
from assay.decisions.redecide import Scorer
from assay.features.catalog import Catalog
from assay.runtime.contract_watch import ContractAlarm
from assay.runtime.futures import again, failed
from assay.runtime.ingest import (
    Batch,
    Check,
    LoadReport,
    Told,
    load_events,
    take_correction,
    take_events,
    take_raws,
)
from assay.runtime.intake import REQUEST_AGE_MAX, Ack, Intake
from assay.runtime.keeping import KEEPING, Keeping
from assay.runtime.live import Live
from assay.runtime.ports import Clock, Entry, EventLog, ListSource, Quarantine
from assay.runtime.recovery import Follower
from assay.runtime.reserved import check_free
from assay.runtime.snapshot import SnapshotStore
from assay.runtime.snapshot_keeper import SnapshotKeeper
from assay.runtime.stages import Stages
from assay.runtime.stats import Stats, StatsView
from assay.runtime.versions import Sources, Versions
from assay.runtime.writer import GroupWriter, Overloaded, Work

__all__ = ["Ack", "Engine", "LoadReport", "Overloaded"]

WAITING_MAX = 20_000  #: entries that may wait for the disk before new ones are turned away


class Engine:
    """Decides on requests and takes in events: one process for one log.

    Every error that a caller can cause or must know of comes out of the future; none is raised by
    the call itself. ``versions`` says what decides, and prepares what is to decide next; ``keeper``
    keeps snapshots of the state.
    """

    def __init__(
        self,
        *,
        intake: Intake,
        follower: Follower,
        writer: GroupWriter,
        keeper: SnapshotKeeper,
        versions: Versions,
        monotonic: Callable[[], int],
        waiting_max: int,
        stats: Stats,
    ) -> None:
        self.versions = versions
        self._intake, self._follower, self._writer = intake, follower, writer
        self.keeper = keeper
        self._monotonic, self._waiting_max, self._stats = monotonic, waiting_max, stats

    @classmethod
    def recover(
        cls,
        *,
        contracts: ContractSet,
        catalog: Catalog,
        policy: CompiledPolicy | None,
        scorer: Scorer | None,
        lists: ListSource,
        log: EventLog,
        quarantine: Quarantine,
        clock: Clock,
        horizon: int,
        request_age_max: int = REQUEST_AGE_MAX,
        monotonic: Callable[[], int] = time.monotonic_ns,
        waiting_max: int = WAITING_MAX,
        snapshots: SnapshotStore | None = None,
        keeping: Keeping = KEEPING,
        memory_max: int | None = None,
        sources: Sources | None = None,
    ) -> "Engine":
        """An engine whose state is what the log says.

        Args:
            contracts: the event types taken in.
            catalog: the features kept; a policy must be compiled for it.
            policy: what decides; None to take in events only.
            scorer: the policy's model; None when it could not be loaded: decisions are degraded.
            lists: allow and deny lists.
            log: the durable history; it stays its owner's.
            quarantine: where refused bodies go.
            clock: what ``ts`` of events is compared with.
            horizon: microseconds; an event older than the newest by more does not count.
            request_age_max: microseconds; a new request older than the newest is not decided on.
            monotonic: nanoseconds, never going back, for deadlines.
            waiting_max: entries that may wait for the disk.
            snapshots: where a restart may begin, and where the state is kept.
            keeping: how often it is kept before the end.
            memory_max: bytes; see `Live.check_room`.
            sources: where the vectors of a catalog come from; by default from the live state.

        Raises:
            Corrupt: the log is damaged; names the seq.
            Unknown: the model takes a value that is not in the catalog.
            Invalid: the policy was compiled for another catalog.
        """
        stats = Stats()
        follower = Follower(
            log, catalog, clock, stats, request_age_max, snapshots=snapshots, memory_max=memory_max
        )
        engine = cls(
            intake=Intake(contracts, log, clock, horizon, stats, request_age_max),
            follower=follower,
            writer=GroupWriter(log, quarantine, follower.start_over),
            keeper=SnapshotKeeper(log, snapshots, keeping),
            versions=Versions(
                log, follower, lists, monotonic=monotonic, stats=stats, sources=sources
            ),
            monotonic=monotonic,
            waiting_max=waiting_max,
            stats=stats,
        )
        try:
            engine.versions.use(policy, scorer)
            follower.rebuild(0)
        except BaseException:
            engine.close()
            raise
        return engine

    @property
    def ready(self) -> bool:
        """Whether the engine takes in events now."""
        return self._follower.live is not None

    @property
    def why_not_ready(self) -> str:
        """Why not; empty when it is ready."""
        return "" if self.ready else self._follower.why

    @property
    def state_bytes(self) -> int:
        """Memory of the feature states; 0 while it is being rebuilt."""
        live = self._follower.live
        return 0 if live is None else live.bytes_used

    @property
    def stats(self) -> StatsView:
        """Counts and latencies since the start."""
        return self._stats.view(waiting=self._writer.waiting)

    @property
    def contract_alarms(self) -> tuple[ContractAlarm, ...]:
        """Where events break their contracts so often that a producer must have changed."""
        return self._intake.watch.alarms(self._intake.wall())

    @property
    def newest(self) -> int | None:
        """The newest accepted ``ts``, None before the first."""
        live = self._follower.live
        return None if live is None else live.newest

    def decide(
        self, raw: bytes, key: str | None = None, *, received: int | None = None
    ) -> Future[DecisionRecord]:
        """The decision on a request, once it is durable.

        The same event again, or the same key with the same event, gives the stored decision.

        Args:
            raw: the request event as JSON.
            key: the caller's idempotency key.
            received: when the request arrived, by ``monotonic``: waiting counts for the deadline.

        The future raises:
            ContractViolation, TooLarge: not a request event, or too old; it is in quarantine.
            Conflict: the id or the key was used before with another body.
            Unavailable: there is no policy, too much waits, or the disk failed: send it again.
        """
        started = self._monotonic() if received is None else received
        future: Future[DecisionRecord] = Future()
        try:
            live, stages = self._open(1), self._deciding()
            if key is not None:
                check_id(key)
        except AssayError as error:
            return failed(future, error)
        try:
            event = self._intake.request(raw, stages.policy.policy.request)
            known = self._intake.known(live, event, key)
            if known is not None:
                return again(future, *known)
            self._intake.check_age(live, event)
            record = stages.decide(event, live, started=started, wall=self._intake.wall())
            entry = self._accept(live, event, record, key, future)
        except Invalid as error:
            return self._refuse(live, raw, error, future)
        except AssayError as error:
            return failed(future, error)
        self._count(record, started)
        self._give(live, (entry,), future, lambda _ids: record)
        return future

    def ingest(
        self, raws: Sequence[bytes], check: Check | None = None
    ) -> Future[list[Ack | Refusal]]:
        """Take in events; one acknowledgement or refusal each, in order, once all are durable.

        A refused body is in quarantine, also one that ``check`` (of an edge that does not let
        everybody say everything) raises Invalid on. The future raises Unavailable when the disk
        failed or too much waits: send the events again, those that were taken in are recognised.
        """
        return self._take(
            len(raws), lambda live, future: take_raws(self._intake, live, raws, future, check)
        )

    def correct(self, event: bytes, retraction: bytes, check: Check) -> Future[list[Ack | Refusal]]:
        """Take an event back and take in what replaces it: both in one transaction, or neither.

        The future raises Invalid when either may not be taken in; nothing is kept then.
        """
        return self._take(
            2,
            lambda live, future: take_correction(
                self._intake, live, (event, retraction), future, check
            ),
        )

    def load(
        self,
        events: Iterable[Event],
        *,
        known_at: Callable[[Event], int] = attrgetter("ts"),
        told: Told = lambda _: None,
    ) -> LoadReport:
        """Take in a history of decoded events, in groups, and wait until all is durable.

        Args:
            events: in any order; each is checked against its contract, and what breaks it goes
                to quarantine.
            known_at: when the platform learned of an event (microseconds); by default when it
                happened.
            told: gets what became of each group of events, in order, once that is durable.

        Raises:
            Unavailable: the disk failed; what was taken in before is recognised next time.
        """

        def submit(chunk: Sequence[Event]) -> Future[list[Ack | Refusal]]:
            def take(live: Live, future: Future[Any]) -> Batch:
                return take_events(self._intake, live, chunk, future, known_at)

            return self._take(0, take)

        return load_events(events, submit, told)

    def replay_quarantine(self, ids: Sequence[int] | None = None) -> list[Ack | Refusal]:
        """Take in refused bodies again, after whatever was wrong has been put right.

        Those taken in now (or before) leave the quarantine; the others stay as they are. Nobody
        knows any more who sent them: what the review desk alone may say is refused again.

        Args:
            ids: which ones, None for all.

        Raises:
            Unavailable: the disk failed.
        """
        wanted = None if ids is None else set(ids)
        kept = [r for r in self._writer.quarantine.refusals() if wanted is None or r.id in wanted]
        raws = [r.raw for r in kept]

        def take(live: Live, future: Future[Any]) -> Batch:
            return take_raws(self._intake, live, raws, future, check_free)

        results = self._take(len(raws), take, keep=False).result()
        done = [r.id for r, result in zip(kept, results, strict=True) if isinstance(result, Ack)]
        self._writer.quarantine.remove([number for number in done if number is not None])
        return results

    def record(self, decision_id: str) -> DecisionRecord | None:
        """A durable decision by its id; any thread may ask."""
        return self._intake.log.decision(decision_id)

    def close(self) -> None:
        """Make durable what was taken in, then stop. The log stays open: it is its owner's."""
        self.versions.close()
        self._follower.close()
        self._writer.close()
        self.keeper.close(self._follower.live)
        self._follower.drop(Unavailable("the engine is closed"))

    def _open(self, size: int) -> Live:
        live = self._follower.live
        if live is None:
            raise Unavailable(f"not ready: {self._follower.why}")
        if size and self._writer.waiting + size > self._waiting_max:
            raise Overloaded(self._writer.waiting, self._waiting_max)
        if size:
            live.check_room()
        return live

    def _deciding(self) -> Stages:
        stages = self.versions.stages
        if stages is None:
            raise Unavailable("no policy is in force: events are taken in, nothing is decided")
        return stages

    def _accept(
        self,
        live: Live,
        event: Event,
        record: DecisionRecord,
        key: str | None,
        future: Future[DecisionRecord],
    ) -> Entry:
        try:
            return self._intake.accept(live, event, future=future, record=record, key=key)
        except AssayError:
            raise
        except Exception as error:
            self._discard(error)
            raise

    def _take(
        self, size: int, take: Callable[[Live, Future[Any]], Batch], *, keep: bool = True
    ) -> Future[list[Ack | Refusal]]:
        future: Future[list[Ack | Refusal]] = Future()
        started = self._monotonic()
        try:
            live = self._open(size)
        except AssayError as error:
            return failed(future, error)
        try:
            batch = take(live, future)
        except Invalid as error:  # nothing was applied
            return failed(future, error)
        except Exception as error:
            self._discard(error)
            raise
        took = (self._monotonic() - started) // 1_000
        self._stats.freshness.servable.took(took, len(batch.entries))
        self._give(live, batch.entries, future, batch.answer, batch.refusals if keep else ())
        return future

    def _give(
        self,
        live: Live,
        entries: tuple[Entry, ...],
        future: Future[Any],
        answer: Callable[[Sequence[int]], object],
        refusals: tuple[Refusal, ...] = (),
    ) -> None:
        """Have entries that were applied made durable, and the state kept now and then."""
        settle = live.settle
        self._writer.give(Work(live.generation, entries, future=future, answer=answer,
                               refusals=refusals, settle=settle))  # fmt: skip
        self.keeper.follow(live, lambda state: self._writer.durable(state.generation))

    def _refuse(
        self, live: Live, raw: bytes, error: Invalid, future: Future[DecisionRecord]
    ) -> Future[DecisionRecord]:
        """Answer with the error once the body is safe in quarantine."""
        kept = self._intake.refusal(raw, error)
        self._writer.give(
            Work(live.generation, (), future=future, answer=lambda _ids: error, refusals=(kept,))
        )
        return future

    def _count(self, record: DecisionRecord, started: int) -> None:
        self._stats.outcomes[record.outcome.value] += 1
        for code in record.degraded:
            self._stats.degraded[code] += 1
        took = self._monotonic() - started
        self._stats.took("whole", took)
        self._stats.freshness.servable.took(took // 1_000)

    def _discard(self, error: Exception) -> None:
        """Something failed half-way through the state: have it folded from the log again."""
        self._follower.drop(error)
        self._writer.discard(error)
