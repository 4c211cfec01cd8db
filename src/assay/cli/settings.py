"""What is set, and where does it come from?"""

import click

from assay.cli.home import HOME, settings_of
from assay.cli.show import JSON, emit, grid


@click.command()
@HOME
@JSON
def settings(home: str | None, *, as_json: bool) -> None:
    """Show every setting, its value, and its source; secrets stay hidden.

    A key nobody knows, in the file or in the environment, is an error (exit code 3).
    """
    rows = settings_of(home).effective()
    if as_json:
        emit({row["name"]: row for row in rows}, as_json=True)
        return
    columns = ("name", "value", "source", "variable", "about")
    grid("Settings", columns, [tuple(row[name] for name in columns) for row in rows])
