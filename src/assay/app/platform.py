"""What does an edge (HTTP, console, command line) need of an opened home folder?"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import ParamSpec, Protocol, TypeVar

from assay.app.admission import Admission
from assay.app.settings import Settings
from assay.app.succession import Deciding, Succession
from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.reason import ReasonText
from assay.decisions.record import DecisionRecord
from assay.features.catalog import Catalog
from assay.runtime.contract_watch import ContractAlarm
from assay.runtime.freshness import Freshness, FreshnessView
from assay.runtime.governance import Governance
from assay.runtime.identity import IdentityStore
from assay.runtime.online import Ack
from assay.runtime.ports import Clock, EventLog, ObjectStore
from assay.runtime.review import ReviewDesk
from assay.runtime.telemetry import Telemetry

P = ParamSpec("P")
T = TypeVar("T")


class Decider(Protocol):
    """Decides and takes in events; one thread calls it, its futures resolve when durable."""

    def decide(self, raw: bytes, key: str | None = None) -> Future[DecisionRecord]:
        """The decision on a request event; the same key and body give the stored answer."""
        ...

    def ingest(
        self, raws: Sequence[bytes], check: Callable[[Event], Event] | None = None
    ) -> Future[list[Ack | Refusal]]:
        """Take in events; what is refused, by ``check`` too, is kept in quarantine."""
        ...

    def correct(
        self, event: bytes, retraction: bytes, check: Callable[[Event], Event]
    ) -> Future[list[Ack | Refusal]]:
        """Take in an event and the retraction of what it replaces, both or neither."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One home folder, opened.

    ``deciding`` says what decides now: its catalog, policy, key and texts are also read by the
    properties of those names. ``succession`` lets another version take over, None when none can.
    ``trouble`` says why no decision can be made now, empty when all is well; ``alarms`` tells
    which contracts break; ``gauge`` reads one of its own measures.
    ``freshness`` says how recent what decisions see is.
    ``aside`` is the one thread on which the review desk and governance are worked, so that the
    thread of the engine never waits for them.
    """

    freshness: Callable[[], FreshnessView] = lambda: Freshness().view()
    settings: Settings
    contracts: ContractSet
    request: EventContract
    deciding: Callable[[], Deciding]
    engine: Decider
    log: EventLog
    objects: ObjectStore
    desk: ReviewDesk
    governance: Governance
    identity: IdentityStore
    clock: Clock
    telemetry: Telemetry
    gauge: Callable[[str], float]
    trouble: Callable[[], str]
    alarms: Callable[[], tuple[ContractAlarm, ...]]
    close: Callable[[], None]
    engine_thread: "EngineThread"
    aside: Executor = field(repr=False)
    succession: Succession | None = None

    @property
    def catalog(self) -> Catalog:
        """The values that a decision sees now."""
        return self.deciding().catalog

    @property
    def policy(self) -> CompiledPolicy | None:
        """What decides now, None when this home only takes in events."""
        return self.deciding().policy

    @property
    def live(self) -> str | None:
        """The key of the admitted version that decides now, None when rules decide alone."""
        return self.deciding().live

    @property
    def explain(self) -> Callable[[str], ReasonText]:
        """Gives the texts of a reason code."""
        return self.deciding().explain

    @property
    def admission(self) -> Admission | None:
        """Keeps asking whether the version may decide, None when there is none."""
        return self.deciding().admission

    async def off(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function on the thread aside and wait without holding this one."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.aside, lambda: function(*args, **kwargs))


class EngineThread:
    """Lets another thread take events in: the call hops to the thread that owns the engine.

    Until ``own`` is called the caller's thread is the engine's (a command line, a test).
    """

    def __init__(self, engine: Decider) -> None:
        self._engine = engine
        self._hop: Callable[[Callable[[], None]], object] | None = None

    def own(self, hop: Callable[[Callable[[], None]], object] | None) -> None:
        """Say how a function is brought to the engine's thread; None calls it directly again.

        An event loop's ``call_soon_threadsafe`` is such a way.
        """
        self._hop = hop

    def ingest(self, raws: Sequence[bytes]) -> "Future[list[Ack | Refusal]]":
        """See `Decider.ingest`; callable from any thread but the engine's own while owned."""
        if self._hop is None:
            return self._engine.ingest(raws)
        answer: Future[list[Ack | Refusal]] = Future()
        self._hop(lambda: _chain(self._engine.ingest(raws), answer))
        return answer


def _chain(source: "Future[T]", target: "Future[T]") -> None:
    def copy(done: "Future[T]") -> None:
        error = done.exception()
        if error is None:
            target.set_result(done.result())
        else:
            target.set_exception(error)

    source.add_done_callback(copy)
