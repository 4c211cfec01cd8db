"""The live days: traffic over HTTP, borderline cases to people, and three promises checked."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby

from assay.app.demo.people import tokens_of
from assay.app.demo.review import work_queue
from assay.app.demo.server import serving
from assay.app.demo.stage import Stage
from assay.app.demo.summary import summarise
from assay.app.demo.traffic import Played, Traffic
from assay.app.home import Home
from assay.contracts.event import Event
from assay.core.errors import Corrupt
from assay.core.time import DAY, utc_day
from assay.decisions.policy import Costs


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDays:
    """What happens on the live days, and what is known of it afterwards.

    ``refresh`` is called with the first instant of each day: owners of lists renew them daily,
    because a policy does not trust an old one. ``watch`` adds figures of the workload's own to
    those of the answers and the reviewers' verdicts (whether fraud, by request).
    """

    events: list[Event]
    request_type: str
    amount_field: str
    frauds: Mapping[str, bool]
    costs: Costs
    seed: int
    refresh: Callable[[int], None]
    watch: Callable[[Played, Mapping[str, bool]], Mapping[str, object]] = lambda _played, _said: {}


def live_days(home: Home, live: LiveDays, stage: Stage) -> dict[str, object]:
    """Serve the home, play the events, work the queue, stop, and verify; the figures by name."""
    tokens = tokens_of(home.path)
    with ExitStack() as running:
        with stage("starting the server", None, ""):
            address = running.enter_context(serving(home.path, log=home.path / "server.log"))
        with stage("live traffic over HTTP", len(live.events), "events") as advance:
            played = _play(Traffic(*address, tokens["demo-service"]), live, advance)
        with stage("reviewing borderline cases", None, "verdicts") as advance:
            verdicts = work_queue(
                address,
                tokens["demo-reviewer"],
                live.frauds,
                error=live.costs.reviewer_error,
                seed=live.seed,
                progress=advance,
            )
    amounts = {e.id: e.payload[live.amount_field] for e in live.events if e.id in live.frauds}
    figures = summarise(played, live.frauds, amounts, verdicts, live.costs)
    figures |= live.watch(played, verdicts)
    with stage("verifying three promises", 3, "done") as advance:
        promises = verify(home, advance)
    return {**figures, "verdicts": len(verdicts), **promises}


def _play(traffic: Traffic, live: LiveDays, advance: Callable[[int], None]) -> Played:
    played = Played()
    for day, events in groupby(live.events, key=lambda event: utc_day(event.ts)):
        live.refresh(day * DAY)
        traffic.play(events, live.request_type, played, advance)
    return played


def verify(home: Home, progress: Callable[[int], None]) -> dict[str, object]:
    """Run the three ``assay verify`` commands side by side, as a user would.

    Raises:
        Corrupt: one of them says that its promise does not hold.
    """
    running = {
        what: subprocess.Popen(  # noqa: S603 - our own command on our own folder
            [sys.executable, "-m", "assay.cli.main", "verify", what, "--json", "--home", home.path],
            stdout=subprocess.PIPE,
        )
        for what in ("features", "decisions", "audit")
    }
    found = {}
    for what, process in running.items():
        out, _ = process.communicate()
        found[what] = json.loads(out) if process.returncode in (0, 1) and out else {}
        if process.returncode != 0:
            raise Corrupt(f"assay verify {what} ended with {process.returncode}: {out[:2000]!r}")
        progress(1)
    return {
        "feature_values_compared": found["features"]["compared"],
        "feature_mismatches": found["features"]["mismatches"],
        "decisions_made_again": found["decisions"]["compared"],
        "replay_differences": found["decisions"]["mismatches"],
        "audit_entries": found["audit"]["entries"],
        "audit_verified": found["audit"]["ok"],
    }
