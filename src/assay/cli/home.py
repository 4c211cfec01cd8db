"""Which home does a command work on, and what do its settings say?"""

from collections.abc import Mapping
from typing import Any

import click

from assay.app.home import Home
from assay.app.settings import Settings, current_environment, home_from, read_settings

#: The ready-made workloads; the table with what they are is `app/workloads.py`, read when needed.
READY_MADE = ("checkout", "cards")
WORKLOAD = click.option(
    "--workload",
    metavar="|".join((*READY_MADE, "FOLDER/")),
    help="The definitions, else the home's; a folder of your own has contracts.yaml and "
    "catalog.toml (docs/howto/own-catalog.md).",
)
HOME = click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")


def settings_of(home: str | None, given: Mapping[str, Any] | None = None) -> Settings:
    """The settings of the home that ``--home``, the environment or the default names.

    Args:
        home: what ``--home`` says, None when it was not given.
        given: settings that the command line overrules; None does not.

    Raises:
        Invalid: a setting is unknown or wrong.
        Conflict: the home holds events that its folder's contracts no longer read.
    """
    environment = current_environment()
    settings = read_settings(home_from(environment, home), environment, given)
    if "/" in settings.workload:
        from assay.app.contract_record import check_contracts

        check_contracts(settings.home, settings.workload)
    return settings


def opened(home: str | None) -> tuple[Home, Settings]:
    """The folder and its settings, once it is known to be a home.

    Raises:
        NotFound: it is none.
    """
    settings = settings_of(home)
    folder = Home(settings.home)
    folder.check()
    return folder, settings
