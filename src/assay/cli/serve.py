"""How is a home folder served? One process: the API, the console, and a stop that loses nothing."""

from typing import Any

import click

from assay.app.home import Home
from assay.app.settings import Settings
from assay.cli.home import HOME, settings_of


@click.command()
@HOME
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 lets the system choose.")
@click.option("--workload", help="The ready-made definitions this home runs.")
@click.option("--clock", type=click.Choice(["wall", "log"]), help="What now means.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one JSON object.")
def serve(home: str | None, *, as_json: bool, **given: Any) -> None:
    """Decide over HTTP, with the console beside it.

    Stops on SIGTERM or Ctrl-C: it takes no new connection, answers what is in flight, makes all of
    it durable, and exits with 0. A model that is not approved is not loaded (exit code 1); a home
    that another process serves is not touched (exit code 4).
    """
    overrides = {
        "server.host": given["host"],
        "server.port": given["port"],
        "workload": given["workload"],
        "time.clock": given["clock"],
    }
    settings = settings_of(home, overrides)
    Home(settings.home).check()
    run_server(settings, as_json=as_json)


def run_server(settings: Settings, *, as_json: bool) -> None:
    """Open the platform, put the console and the API behind one door, and serve until told not to.

    The socket is bound before the state is rebuilt, so that a port in use is known at once.
    """
    from assay.app.platform import Platform
    from assay.app.wire import open_platform
    from assay.console.room import console_room
    from assay.serving import server
    from assay.serving.logs import log_as_json
    from assay.serving.problem import status_of

    def opening() -> Platform:
        if not as_json:
            click.echo("Rebuilding the state from the log; it listens when that is done", err=True)
        return open_platform(settings)

    log_as_json()
    listening, platform = server.opened(settings.server, opening)
    console = console_room(platform, status_of)
    door = server.door(platform, (console,), server.metrics_of(platform))
    url = server.address(settings.server, listening)
    server.run(platform, door, listening, lambda: _announce(url, platform.live, as_json, settings))


def _announce(url: str, live: str | None, as_json: bool, settings: Settings) -> None:
    import msgspec

    if as_json:
        facts = {"url": url, "live": live, "clock": settings.time.clock}
        click.echo(msgspec.json.encode(facts).decode())
        return
    click.echo(f"Assay listens on {url} (console: {url}/console)")
    click.echo(
        f"Decides with {live}" if live else "Decides with rules only: no model is registered"
    )
    if settings.time.clock == "log":
        click.echo("The clock is the log's: for served history only, never for real traffic")
