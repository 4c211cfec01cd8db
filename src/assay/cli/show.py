"""How do commands talk? Progress on standard error, results on standard output, or one JSON."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
PROGRESS = Console(stderr=True)
_WIDE = 10_000  #: columns a table may have where no terminal shows it
RESULT = Console(highlight=False)  # follows sys.stdout, whoever has replaced it


@contextmanager
def counting(
    what: str, total: int | None, unit: str, *, quiet: bool = False
) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; the yielded function advances it."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f} " + unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=PROGRESS, disable=quiet) as progress:
        task = progress.add_task(what, total=total)

        def advance(count: int) -> None:
            progress.advance(task, count)

        yield advance
        if total is None:
            done = progress.tasks[task].completed
            progress.update(task, total=max(done, 1), completed=max(done, 1))


def narrate(text: str) -> None:
    """One line of what happens, on standard error, as it is."""
    PROGRESS.print(text, soft_wrap=True, highlight=False, markup=False)


def emit(result: Mapping[str, Any], *, as_json: bool, title: str = "") -> None:
    """Print a flat result: one JSON object, or a table of names and values."""
    if as_json:
        sys.stdout.write(json.dumps(result, default=str) + "\n")
        return
    table = Table(title=title or None, show_header=False, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), written(value))
    _print(table)


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under column heads; numbers are aligned to the right.

    The first column is never broken, and nothing is where no terminal reads: what is looked for
    with grep stands in one line.
    """
    table = Table(title=title, title_justify="left")
    for position, column in enumerate(columns):
        numeric = all(isinstance(row[position], int | float) for row in rows)
        table.add_column(
            column,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=position == 0,
        )
    for row in rows:
        table.add_row(*(written(value) for value in row))
    _print(table)


def _print(table: Table) -> None:
    if RESULT.is_terminal:
        RESULT.print(table)
        return
    wide = Measurement.get(RESULT, RESULT.options.update(max_width=_WIDE), table)
    Console(highlight=False, width=wide.maximum).print(table)


def written(value: Any) -> str:
    """A value for people: whole numbers with separators, floats with four digits.

    Example:
        >>> written(1234567), written(0.123456), written(None)
        ('1,234,567', '0.1235', '-')
    """
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4f}" if abs(value) < 100 else f"{value:,.1f}"
        case _:
            return str(value)
