"""What is set, and where does it come from?"""

import click

from assay.app.settings import current_environment, home_from, read_settings
from assay.cli.show import emit, grid


@click.command()
@click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def settings(home: str | None, *, as_json: bool) -> None:
    """Show every setting, its value, and its source; secrets stay hidden.

    A key nobody knows, in the file or in the environment, is an error (exit code 3).
    """
    environment = current_environment()
    rows = read_settings(home_from(environment, home), environment).effective()
    if as_json:
        emit({row["name"]: row for row in rows}, as_json=True)
        return
    columns = ("name", "value", "source", "variable", "about")
    grid("Settings", columns, [tuple(row[name] for name in columns) for row in rows])
