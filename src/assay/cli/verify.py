"""``assay verify``: three promises, each a command that fails when it does not hold."""

from typing import Any

import click
import msgspec

from assay.app.home import Home
from assay.app.settings import current_environment, home_from, read_settings
from assay.cli.show import emit, grid

_FAILED = 1
_SHOWN = 10
_HOME = click.option("--home", help="The home folder (else ASSAY_HOME, else ./assay-home).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def verify() -> None:
    """Prove features, decisions and the audit log; exit code 1 when something does not hold."""


@verify.command()
@_HOME
@_JSON
def features(home: str | None, *, as_json: bool) -> int:
    """Compute every served value again from the log and compare every bit."""
    from assay.app.promises import check_features

    folder, workload = _opened(home)
    return _report("features", check_features(folder, workload), as_json)


@verify.command()
@_HOME
@_JSON
def decisions(home: str | None, *, as_json: bool) -> int:
    """Make every stored decision again: score, rules, reasons and outcome, bit for bit."""
    from assay.app.promises import check_decisions

    folder, workload = _opened(home)
    return _report("decisions", check_decisions(folder, workload), as_json)


@verify.command()
@_HOME
@_JSON
def audit(home: str | None, *, as_json: bool) -> int:
    """Check the chain of the audit log, the rows it speaks of, and its checkpoint."""
    from assay.app.promises import check_audit

    folder, _ = _opened(home)
    report = check_audit(folder)
    emit(msgspec.to_builtins(report), as_json=as_json, title="Audit log")
    return 0 if report.ok else _FAILED


def _opened(home: str | None) -> tuple[Home, str]:
    environment = current_environment()
    settings = read_settings(home_from(environment, home), environment)
    return Home(settings.home), settings.workload


def _report(what: str, report: Any, as_json: bool) -> int:
    plain = msgspec.to_builtins(report)
    if as_json:
        emit(plain, as_json=True)
        return 0 if report.mismatches == 0 else _FAILED
    differences = plain.pop("differences")
    reproducer = plain.pop("reproducer")
    emit(plain, as_json=False, title=f"Verified {what}")
    if differences:
        names = list(differences[0])
        rows = [[row[name] for name in names] for row in differences[:_SHOWN]]
        grid("First differences", names, rows)
    if reproducer is not None:
        click.echo("Smallest slice of the log that reproduces the first difference:")
        click.echo(msgspec.json.format(msgspec.json.encode(reproducer)).decode())
    return 0 if report.mismatches == 0 else _FAILED
