"""The main job on the simulated marketplace: from raw events to governed, verified decisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assay.app.demo import folder, gate
from assay.app.demo.live import LiveDays, live_days
from assay.app.demo.people import enrol
from assay.app.demo.stage import Say, Stage
from assay.app.demo.traffic import Played
from assay.app.documents import Shelf
from assay.app.history import import_history
from assay.app.home import Control, Home, control
from assay.app.training import fairness_of, percent, train_home
from assay.contracts.event import Event
from assay.core.errors import GateRefused
from assay.core.evidence import Evidence
from assay.core.time import DAY, format_time
from assay.governance.treated import Attribute
from assay.rules.lists import write_list
from assay.runtime.identity import Identity
from assay.runtime.train import TrainResult
from assay.simulate.lists import demo_lists
from assay.simulate.world import MarketplaceSettings, demo_settings
from assay.simulate.world import simulate as simulate_world
from assay.workloads.checkout.contracts import BOOKING, CONTRACTS
from assay.workloads.checkout.inventory import checkout_record
from assay.workloads.checkout.policy import COSTS
from assay.workloads.checkout.watch import Watch, first_burst

LIVE_DAYS = 6
HORIZON = 7 * DAY
_WORDS = gate.Words(
    opinion="The scores were replicated from the stored bytes, the discrimination was recomputed "
    "by another formula, and a simple challenger does not do better. The limits of use are right.",
    validator="Replicated; the limits of use are right.",
    approver="Evidence read; risk accepted as described.",
)


@dataclass(slots=True)
class World:
    """What was simulated: the live days' events are kept, the history went to the log."""

    settings: MarketplaceSettings
    live: list[Event] = field(default_factory=list)
    frauds: dict[str, bool] = field(default_factory=dict)
    age_bands: dict[str, str] = field(default_factory=dict)

    @property
    def live_from(self) -> int:
        """First instant of the live days."""
        return self.settings.start + (self.settings.days - LIVE_DAYS) * DAY


def run_checkout(
    path: Path, stage: Stage, say: Say, *, seed: int | None = None
) -> dict[str, object]:
    """Run the main job in a new home folder and return its figures.

    Raises:
        Invalid: the folder exists and was not made by the demo.
    """
    home = folder.fresh(path, workload="checkout")
    world = World(demo_settings() if seed is None else demo_settings(seed))
    history = _simulate(home, world, stage)
    result = _train(home, stage)
    with control(home) as parts:
        people = enrol(parts.identity, home.path)
        with stage("passing the gate", None, "acts") as advance:
            key = _pass_gate(home, parts, people, world, result, say)
            advance(1)
    live = LiveDays(
        events=world.live,
        request_type=BOOKING.type,
        amount_field="amount",
        frauds=world.frauds,
        costs=COSTS,
        seed=world.settings.seed,
        refresh=lambda at: _write_lists(home, world.settings, at),
        watch=lambda played, verdicts: _watched(world.live, played, verdicts),
    )
    figures = live_days(home, live, stage)
    return {"workload": "checkout", "version": key, "history_events": history, **figures}


def _simulate(home: Home, world: World, stage: Stage) -> int:
    settings = world.settings
    _write_lists(home, settings, world.live_from)
    with stage("simulating a marketplace", settings.days, "days") as advance:
        report = import_history(home, CONTRACTS, BOOKING, _days(world, advance), horizon=HORIZON)
    return report.accepted


def _write_lists(home: Home, settings: MarketplaceSettings, at: int) -> None:
    for name, entries in demo_lists(settings).items():
        home.write_list(name, write_list(list(entries), as_of=at))


def _days(world: World, advance: "folder.Advance") -> Iterator[Event]:
    """The history's events; the live days' are put aside, and so is the truth."""
    for batch in simulate_world(world.settings):
        truth = batch.truth
        world.frauds.update(zip(truth.request_id, truth.is_fraud.tolist(), strict=True))
        world.age_bands.update(zip(truth.request_id, truth.age_band, strict=True))
        if batch.start < world.live_from:
            yield from batch.events()
        else:
            world.live += batch.events()
        advance(1)


def _train(home: Home, stage: Stage) -> TrainResult:
    with stage("training and testing the model", 100, "%") as advance:
        progress = percent(advance)
        result = train_home(home, "checkout", progress=progress)
        progress("done", 1.0)
        return result


def _watched(
    events: list[Event], played: Played, verdicts: Mapping[str, bool]
) -> dict[str, object]:
    """What an operations desk would have on its wall after the live days."""
    watch = Watch()
    for event in events:
        answer = played.decisions.get(event.id)
        if answer is not None:
            watch.decided(event, str(answer["outcome"]))
            if verdicts.get(event.id) is False:
                watch.released(event)
    burst = first_burst(events)
    return {
        "most_held": {user: cents / 100 for user, cents in watch.most_held(3)},
        "first_card_testing": None if burst is None else f"{format_time(burst[0])} on {burst[1]}",
    }


def _pass_gate(
    home: Home,
    parts: Control,
    people: dict[str, Identity],
    world: World,
    result: TrainResult,
    say: Say,
) -> str:
    governance = parts.governance
    shelf = Shelf(home.objects(), home.path / "documents", currency=COSTS.currency)
    fairness = _fairness(world, result)
    key = gate.submit(governance, people, shelf, result, checkout_record, fairness)
    try:
        governance.admit(result.model, result.policy_digest)
    except GateRefused as refused:
        say(f"before approval the server would say: {refused}")
    gate.approve(governance, people, shelf, result, key, _WORDS)
    say(f"{key} is live: approved by demo-validator and demo-approver")
    return key


def _fairness(world: World, result: TrainResult) -> tuple[Evidence, ...]:
    """The audit may see the age bands, which the platform itself never does."""
    bands = [world.age_bands[request] for request in result.held_out.ids.tolist()]
    why = "Age is a protected characteristic; the model never sees it."
    return fairness_of(result, (Attribute("age band", "protected", np.asarray(bands), why),))
