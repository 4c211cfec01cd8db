"""``assay review``: look at the queue of a home from the command line."""

import click

from assay.app.home import control
from assay.cli.home import HOME, opened
from assay.cli.show import JSON, emit, grid
from assay.core.time import format_time


@click.group()
def review() -> None:
    """Read the review queue; verdicts go through the server, where reviewers are known."""


@review.command("list")
@HOME
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@JSON
def list_cases(home: str | None, limit: int, *, as_json: bool) -> None:
    """Cases that wait, as far as a running server has brought them up to date."""
    folder, _ = opened(home)
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
