"""Does one definition hold when everything goes wrong at once? A simulated shop, disturbed.

An engine on a log of its own decides on simulated bookings while events tie, come late (some too
late), are repeated, taken back and corrected, while the process restarts and two versions of the
catalog replace each other. Afterwards every served value is made again: from the log, from a
sampled slice of it, and for some requests by plain Python that shares no code with either.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from heapq import heappop, heappush
from itertools import count, islice
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import numpy as np

from assay.app.definitions import changed_workload
from assay.app.home import Home
from assay.app.workloads import compiled, rules_only, workload_named
from assay.contracts.decode import encode_event
from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.contracts.retraction import RETRACTION_TYPE
from assay.core.errors import Corrupt
from assay.core.time import HOUR, MINUTE
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.record import DecisionRecord
from assay.features.document import Change
from assay.rules.lists import write_list
from assay.runtime.clock import LogClock
from assay.runtime.intake import Ack
from assay.runtime.online import Engine
from assay.runtime.plain_replay import compare_plainly
from assay.runtime.replay import Report, verify_features
from assay.runtime.reserved import check_free
from assay.runtime.slices import Sample
from assay.simulate.lists import demo_lists
from assay.simulate.settings import MarketplaceSettings
from assay.simulate.world import simulate

WORKLOAD = "checkout"
HORIZON = 12 * HOUR
_BATCH = 64  #: answers waited for together
_STRIDE = 500
_PLAINLY = 24  #: requests that plain Python makes again

#: The other version: the same names over other windows, one value more and one less.
CHANGE = Change(
    about="the other version of a rehearsal",
    add=(
        {
            "name": "user_bookings_2h", "source": "booking", "key": ["user_id"],
            "aggregate": "count", "window": "2h",
        },
    ),
    change={
        "user_bookings_24h": {"window": "36h"},
        "card_bookings_24h": {"window": "3h"},
        "user_amount_max_30d": {"window": "20d"},
    },
)  # fmt: skip


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What was played, how it was disturbed, and what came of every served value.

    ``disturbed`` counts what really happened, by kind. ``whole`` compares every value, ``slice``
    those of a sample of users from their keys' events alone, ``plainly`` those of some requests in
    plain Python.
    """

    events: int
    decisions: int
    disturbed: dict[str, int]
    whole: Report
    slice: Report
    plainly: Report

    @property
    def compared(self) -> int:
        """Values, in all three comparisons."""
        return self.whole.compared + self.slice.compared + self.plainly.compared

    @property
    def mismatches(self) -> int:
        """Of all three comparisons."""
        return self.whole.mismatches + self.slice.mismatches + self.plainly.mismatches


def rehearse(
    folder: Path,
    *,
    events: int = 20_000,
    seed: int = 1,
    restarts: int = 3,
    switches: int = 8,
    progress: Callable[[int], None] = lambda _: None,
) -> Rehearsal:
    """Play a disturbed stream in a new home, then make every served value again.

    Args:
        folder: where the home is made; it must not hold one.
        events: how many are played.
        seed: of the world and of its disturbances.
        restarts: how many, evenly spread.
        switches: of the version, how many, evenly spread.
        progress: told how many events were played since the last time.
    """
    home = Home(folder)
    home.create()
    shop = _Shop(home, seed, events)
    try:
        marks = _marks(events, restarts, shop.restart) | _marks(events, switches, shop.switch)
        for number, event in enumerate(islice(_disturbed(shop, seed), events), start=1):
            shop.send(event)
            if number % _STRIDE == 0:
                progress(_STRIDE)
            for act in marks.get(number, ()):
                act()
        shop.settle()
    finally:
        shop.close()
    return _checked(home, shop, events)


def _checked(home: Home, shop: "_Shop", events: int) -> Rehearsal:
    catalogs = {one.catalog.digest: one.catalog for one in shop.policies}
    log = home.open_log()
    try:
        return Rehearsal(
            events=events,
            decisions=sum(1 for _ in log.decisions()),
            disturbed=dict(sorted(shop.disturbed.items())),
            whole=verify_features(log, catalogs),
            slice=verify_features(log, catalogs, Sample("user_id", 1, 16)),
            plainly=compare_plainly(log, catalogs, _PLAINLY),
        )
    finally:
        log.close()


class _Shop:
    """An engine on a home, and what has been sent to it."""

    def __init__(self, home: Home, seed: int, events: int) -> None:
        self._home, self.disturbed = home, Counter[str]()
        code = workload_named(WORKLOAD)
        both = (code, changed_workload(code, CHANGE))
        self._code = code
        self.policies = [compiled(rules_only(one), one) for one in both]
        per_day = 300
        self.world = MarketplaceSettings(
            seed=seed, days=8 + events // per_day, users=1_200, listings=300, hosts=150,
            signups_per_day=10, listings_per_day=3, bookings_per_day=per_day,
        )  # fmt: skip
        for name, entries in demo_lists(self.world).items():
            home.write_list(name, write_list(list(entries), as_of=self.world.start))
        self._waiting: deque[Future[Any]] = deque()
        self._engine = self._opened(self.policies[0])

    def send(self, event: Event) -> None:
        """Decide on a booking, take in anything else."""
        raw = encode_event(event)
        if event.type == self._code.request.type:
            self._wait_for(self._engine.decide(raw))
        else:
            self._wait_for(self._engine.ingest([raw]))
        self._engine.versions.advance()

    def correct(self, event: Event, retraction: Event) -> None:
        """Replace one event by another."""
        future = self._engine.correct(encode_event(event), encode_event(retraction), check_free)
        self._wait_for(future)
        self.disturbed["corrections"] += 1

    def switch(self) -> None:
        """Prepare the other version if need be, and let it decide."""
        now = self._engine.versions.stages
        other = self.policies[now is not None and now.policy is self.policies[0]]
        self._engine.versions.prepare(other.catalog, rest=0.0)
        for _ in range(6_000):
            self._engine.versions.advance()
            if self._engine.versions.ready(other.catalog.digest):
                break
            sleep(0.01)
        self._engine.versions.use(other, None)
        self.disturbed["version switches"] += 1

    def restart(self) -> None:
        """End the process, as far as the state is concerned, and begin again from the log."""
        now = self._engine.versions.stages
        self.settle()
        self.close()
        self._engine = self._opened(self.policies[0] if now is None else now.policy)
        self.disturbed["restarts"] += 1

    def settle(self) -> None:
        """Wait for every answer."""
        while self._waiting:
            self._count(self._waiting.popleft())

    def close(self) -> None:
        """End the engine and close its log."""
        self._engine.close()
        self._log.close()

    def _opened(self, policy: CompiledPolicy) -> Engine:
        self._log = self._home.open_log()
        return Engine.recover(
            contracts=self._code.contracts, catalog=policy.catalog,
            policy=policy, scorer=None, lists=self._home.lists(), log=self._log,
            quarantine=self._log, clock=LogClock(), horizon=HORIZON, request_age_max=HORIZON,
            snapshots=self._home.snapshots(),
        )  # fmt: skip

    def _wait_for(self, future: Future[Any]) -> None:
        self._waiting.append(future)
        if len(self._waiting) >= _BATCH:
            self.settle()

    def _count(self, future: Future[Any]) -> None:
        result: DecisionRecord | list[Ack | Refusal] = future.result(60)
        for one in result if isinstance(result, list) else ():
            if isinstance(one, Refusal):
                raise Corrupt(f"a simulated event was refused: {one.message}")
            self.disturbed["duplicates"] += one.duplicate
            if one.late:
                self.disturbed["late accepted" if one.accepted else "late rejected"] += 1


class _Held(msgspec.Struct, order=True):
    """An event that comes later: ``at`` of the stream's time."""

    at: int
    number: int
    event: Event


def _disturbed(shop: _Shop, seed: int) -> Iterator[Event]:
    """The events of the world as they would arrive if nothing went smoothly."""
    rng, numbers = np.random.default_rng([seed, 7]), count()
    held: list[_Held] = []
    before: Event | None = None
    for said in _world(shop.world):
        while held and held[0].at <= said.ts:
            yield heappop(held).event
        event = _tied(said, before, rng, shop)
        before = event
        request = event.type == "booking"
        draw = rng.random(4)
        if draw[0] < 0.05:
            delay = int(rng.integers(MINUTE, HORIZON if request else HORIZON * 3 // 2))
            heappush(held, _Held(event.ts + delay // (2 if request else 1), next(numbers), event))
            continue
        yield event
        if draw[1] < 0.03:
            shop.disturbed["repeated"] += 1
            yield event
        if draw[2] < 0.03:
            back = _retraction(event)
            delay = int(rng.integers(1, 12 * HOUR))
            if draw[3] < 0.4 and not request:
                _correct(shop, event, back)
            else:
                shop.disturbed["retractions"] += 1
                held_back = msgspec.structs.replace(back, ts=event.ts + delay)
                heappush(held, _Held(event.ts + delay, next(numbers), held_back))


def _world(settings: MarketplaceSettings) -> Iterable[Event]:
    for day in simulate(settings):
        yield from day.events()


def _tied(event: Event, before: Event | None, rng: np.random.Generator, shop: _Shop) -> Event:
    """The event, or at the instant of the one before it."""
    if before is None or event.type == "label" or rng.random() >= 0.05:
        return event
    shop.disturbed["ties"] += 1
    return msgspec.structs.replace(event, ts=before.ts)


def _retraction(event: Event) -> Event:
    data = {"event": event.id, "reason": "rehearsed"}
    return Event(f"back-{event.id}", RETRACTION_TYPE, event.ts, data)


def _correct(shop: _Shop, event: Event, back: Event) -> None:
    again = msgspec.structs.replace(event, id=f"again-{event.id}", ts=event.ts - 1)
    shop.correct(again, back)


def _marks(
    events: int, times: int, act: Callable[[], None]
) -> dict[int, tuple[Callable[[], None], ...]]:
    return {events * (n + 1) // (times + 1): (act,) for n in range(times)}
