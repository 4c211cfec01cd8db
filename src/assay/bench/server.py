"""Which server is measured? The one `assay serve` runs, deciding by the bench workload.

Usage: ``python -m assay.bench.server HOME POLICY PORT`` with the digest of a policy that lies in
the home. Everything a request meets is what users run: the door with the console beside the API,
tokens, contracts, live state, rules, model, reasons, the durable log. One thing differs: the
workload has no inventory, so the policy and its model are named on the command line where `assay
serve` asks the governance gate. The gate is asked once, before the socket is served, and costs a
request nothing.
"""

import sys
from functools import partial
from pathlib import Path

from assay.app.home import Control, Home
from assay.app.settings import current_environment, read_settings
from assay.app.succession import Chosen
from assay.app.wire import open_platform, read_policy, read_scorer
from assay.app.workloads import compiled
from assay.bench.world import WORKLOAD
from assay.console.room import console_room
from assay.serving import server
from assay.serving.logs import log_as_json
from assay.serving.problem import status_of


def main(folder: str, policy: str, port: str) -> None:
    """Serve a home of the bench until told not to."""
    overrides = {"server.port": int(port), "time.clock": "log", "server.access_log": False}
    settings = read_settings(Path(folder), current_environment(), overrides)

    def chooser(_workload: str, _parts: Control, home: Home) -> Chosen:
        objects = home.objects()
        found = read_policy(objects, policy)
        scorer = None if found.model is None else read_scorer(objects, found.model)
        return Chosen(WORKLOAD, compiled(found, WORKLOAD), scorer, None)

    log_as_json()
    opening = partial(open_platform, settings, chooser)
    listening, platform = server.opened(settings.server, opening)
    console = console_room(platform, status_of)
    door = server.door(platform, (console,), server.metrics_of(platform))
    server.run(platform, door, listening, lambda: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
