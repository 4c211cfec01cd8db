"""``assay features status``: which catalog decides, which is coming, which is kept as data?"""

from typing import Any

import click
import httpx

from assay.app.home import Home, control
from assay.cli.home import HOME, opened
from assay.cli.show import JSON, emit, grid
from assay.core.errors import NotFound

_SECONDS = 3.0


@click.command()
@HOME
@click.option("--url", help="Of the server, where that is not what the settings say.")
@JSON
def status(home: str | None, url: str | None, *, as_json: bool) -> None:
    """Say which version's catalog decides, how far the next one is, and which are kept as data."""
    folder, settings = opened(home)
    with control(folder) as parts:
        rows = [
            {
                "version": facts.record.key,
                "state": facts.state.value,
                "catalog": facts.record.catalog,
                "stored": _stored(folder, facts.record.catalog),
            }
            for facts in parts.governance.inventory()
        ]
    scheme = "https" if settings.server.tls_certificate else "http"
    host = settings.server.host
    found = url or f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.server.port}"
    server = _server(found)
    if as_json:
        emit({"versions": rows, "server": server}, as_json=True)
        return
    grid("Catalogs by version", ("version", "state", "catalog", "stored"),
         [list(row.values()) for row in rows])  # fmt: skip
    emit(server, as_json=False, title=f"The server at {found}")


def _stored(home: Home, catalog: str) -> bool:
    try:
        home.catalogs().get(catalog)
    except NotFound:
        return False
    return True


def _server(url: str) -> dict[str, Any]:
    """What a server says of itself; an answer that is none is said too, never raised."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=_SECONDS)
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return {"status": f"no answer: {type(error).__name__}"}
    return said if isinstance(said, dict) else {"status": f"answered {answer.status_code}"}
