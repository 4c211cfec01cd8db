"""``assay model``: the acts by which a version gets to live traffic, or off it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from assay.app.home import Control, Home, control
from assay.app.settings import Settings
from assay.cli.actor import actor
from assay.cli.home import HOME, opened
from assay.cli.show import JSON, counting, emit, grid
from assay.core.errors import Conflict
from assay.core.time import parse_time
from assay.governance.facts import Facts, State
from assay.governance.validation_report import Opinion


@click.group()
def model() -> None:
    """Register (see `assay train`), submit, validate, approve, promote, suspend.

    Whoever acts is known by the token in ASSAY_TOKEN. A refusal lists every reason and ends with
    exit code 1; acting without the role ends with 5.
    """


@model.command("list")
@HOME
@JSON
def list_versions(home: str | None, *, as_json: bool) -> None:
    """Every version in the inventory."""
    with _opened(home) as (_, parts):
        rows = [_line(facts) for facts in parts.governance.inventory()]
    if as_json:
        emit({"versions": rows}, as_json=True)
    else:
        columns = ("version", "state", "owner", "model", "approvals", "open_findings")
        grid("Inventory", columns, [[row[name] for name in columns] for row in rows])


@model.command()
@click.argument("key")
@HOME
@JSON
def submit(key: str, home: str | None, *, as_json: bool) -> None:
    """Render the developer's documents and hand a version to validation."""
    from assay.app import release

    with _opened(home) as (settings, parts):
        shelf = _shelf(settings)
        developer = actor(parts)
        documents = (shelf.fairness_audit, shelf.model_card)
        release.submit(parts.governance, developer, key, (), documents)
        emit(_line(parts.governance.status(key)), as_json=as_json)


@model.command()
@click.argument("key")
@click.option("--until", help="The instant it was trained up to, if `assay train` was given one.")
@click.option(
    "--verdict",
    type=click.Choice(["approve", "approve with conditions", "reject"]),
    required=True,
)
@click.option("--opinion", required=True, help="What you conclude, without numbers of your own.")
@HOME
@JSON
def validate(key: str, home: str | None, *, as_json: bool, **given: Any) -> None:
    """Make the version again from the log, run the validator's tests, and file the report.

    The digest of the remade model must be the registered one, or nothing is filed.
    """
    from assay.app import release
    from assay.app.training import train_home

    until = None if given["until"] is None else parse_time(given["until"])
    with _opened(home) as (settings, parts):
        validator = actor(parts)
        record = parts.governance.status(key).record
        with counting("making it again", None, "", quiet=as_json):
            result = train_home(
                Home(settings.home), settings.workload, until=until, catalog=record.catalog
            )
        if (result.model, result.policy_digest) != (record.model, record.policy):
            raise Conflict(
                f"{key} cannot be reproduced: made again it is {result.model} with policy "
                f"{result.policy_digest}, registered are {record.model} and {record.policy}. "
                "Was it trained with another --until, or another environment?"
            )
        opinion = Opinion(verdict=given["verdict"], by=validator.user, text=given["opinion"])
        report = partial(_shelf(settings).validation_report, opinion=opinion)
        release.validate(parts.governance, validator, key, result.validation, (report,))
        emit(_line(parts.governance.status(key)), as_json=as_json)


@model.command()
@click.argument("key")
@click.option("--role", type=click.Choice(["validator", "approver"]), required=True)
@click.option("--comment", required=True, help="Why; it is printed in the documents.")
@HOME
@JSON
def approve(key: str, role: str, comment: str, home: str | None, *, as_json: bool) -> None:
    """Approve exactly the bytes on file, as validator or approver."""
    from assay.app import release

    with _opened(home) as (_, parts):
        release.approve(parts.governance, actor(parts), key, role, comment)
        emit(_line(parts.governance.status(key)), as_json=as_json)


@model.command()
@click.argument("key")
@click.argument("state", type=click.Choice([state.value for state in State]))
@click.option("--reason", default="", help="Required to suspend, retire or resume.")
@HOME
@JSON
def promote(key: str, state: str, reason: str, home: str | None, *, as_json: bool) -> None:
    """Move a version to another state, if the gate permits it."""
    with _opened(home) as (_, parts):
        parts.governance.promote(actor(parts), key, State(state), reason)
        emit(_line(parts.governance.status(key)), as_json=as_json)


@model.command()
@click.argument("key")
@click.option("--reason", required=True)
@HOME
@JSON
def suspend(key: str, reason: str, home: str | None, *, as_json: bool) -> None:
    """Take a version off traffic at its next load; one person is enough."""
    with _opened(home) as (_, parts):
        parts.governance.suspend(actor(parts), key, reason)
        emit(_line(parts.governance.status(key)), as_json=as_json)


@contextmanager
def _opened(home: str | None) -> Iterator[tuple[Settings, Control]]:
    folder, settings = opened(home)
    with control(folder) as parts:
        yield settings, parts


def _shelf(settings: Settings) -> Any:
    from assay.app.documents import Shelf
    from assay.app.workloads import workload_named

    home = Home(settings.home)
    currency = workload_named(settings.workload).costs.currency
    return Shelf(home.objects(), home.path / "documents", currency=currency)


def _line(facts: Facts) -> dict[str, Any]:
    record = facts.record
    return {
        "version": record.key,
        "state": facts.state.value,
        "owner": record.owner,
        "model": record.model,
        "policy": record.policy,
        "approvals": ", ".join(f"{a.approver} as {a.role}" for a in facts.approvals),
        "evidence": len(facts.filed),
        "open_findings": len(facts.open_findings),
    }
