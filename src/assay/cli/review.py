"""``assay review``: look at the queue of a home from the command line."""

import click

from assay.app.home import Home, control
from assay.app.settings import current_environment, home_from, read_settings
from assay.cli.show import emit, grid
from assay.core.time import format_time


@click.group()
def review() -> None:
    """Read the review queue; verdicts go through the server, where reviewers are known."""


@review.command("list")
@click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_cases(home: str | None, limit: int, *, as_json: bool) -> None:
    """Cases that wait, as far as a running server has brought them up to date."""
    environment = current_environment()
    settings = read_settings(home_from(environment, home), environment)
    folder = Home(settings.home)
    folder.check()
    with control(folder) as parts:
        cases = parts.cases.waiting()
    columns = ("case", "status", "outcome", "probability", "entity", "due")
    rows = [
        (c.id, c.status, c.outcome.value, c.probability, c.entity, format_time(c.due_at))
        for c in cases[:limit]
    ]
    if as_json:
        shown = [dict(zip(columns, row, strict=True)) for row in rows]
        emit({"waiting": len(cases), "cases": shown}, as_json=True)
    else:
        grid(f"{len(cases)} cases wait", columns, rows)
