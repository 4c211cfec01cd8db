"""``assay train``: from a home's own history to a registered version with its evidence."""

from pathlib import Path

import click

from assay.cli.home import HOME, opened
from assay.cli.show import JSON, counting, emit
from assay.core.errors import Forbidden
from assay.core.time import parse_time
from assay.models.lift import Lift, Mode
from assay.runtime.identity import Role


@click.command()
@HOME
@click.option("--until", help="Last instant that is used, such as 2025-07-20T00:00:00Z.")
@click.option(
    "--features",
    "change_file",
    type=click.Path(path_type=Path),
    help="A file of changes to the workload's catalog; see `assay features check`.",
)
@click.option(
    "--despite-quarantine", is_flag=True, help="Learn although more than 1 % of a type was refused."
)
@click.option(
    "--mode",
    type=click.Choice(["as_served", "as_known", "as_corrected"]),
    help="Which values of the past; as served where receipts exist, else as known at the time.",
)
@JSON
def train(
    home: str | None,
    until: str | None,
    change_file: Path | None,
    mode: Mode | None,
    *,
    despite_quarantine: bool,
    as_json: bool,
) -> None:
    """Train, calibrate, choose the bands, test, and register the version as in development.

    The identity in ASSAY_TOKEN must be an engineer; it becomes a contributor and cannot approve.
    """
    from assay.app import release
    from assay.app.definitions import read_change
    from assay.app.home import control
    from assay.app.training import describe, fairness_of, percent, train_home
    from assay.cli.actor import actor

    folder, settings = opened(home)
    last = None if until is None else parse_time(until)
    change = None if change_file is None else read_change(change_file)
    with control(folder) as parts:
        developer = actor(parts)
        if Role.ENGINEER not in developer.roles:
            raise Forbidden(f"{developer.user} may not train: it needs the role engineer")
        with counting("training", 100, "%", quiet=as_json) as advance:
            progress = percent(advance)
            result = train_home(
                folder,
                settings.workload,
                until=last,
                mode=mode,
                progress=progress,
                change=change,
                despite_quarantine=despite_quarantine,
            )
            progress("done", 1.0)
        facts = release.register(
            parts.governance, developer, result, lambda made: describe(settings.workload, made)
        )
        evidence = (*result.development, *fairness_of(result))
        parts.governance.record_evidence(developer, facts.record.key, evidence)
    emit(
        {
            "version": facts.record.key,
            "model": result.model,
            "policy": result.policy_digest,
            "catalog": result.workload.catalog.digest,
            "frame": result.frame,
            **_lift(result.candidate.lift),
            "review_at": result.policy.bands.review_at,
            "block_at": result.policy.bands.block_at,
            "tests": len(evidence),
            "failed": [item.test for item in evidence if item.verdict == "fail"],
        },
        as_json=as_json,
        title="Trained",
    )


def _lift(lift: Lift | None) -> dict[str, str | int]:
    """Which values were used, and how many of them are other now than they were then."""
    if lift is None:
        return {}
    return {
        "mode": lift.mode,
        "rows": lift.rows,
        "rows_served": lift.served,
        "values_late_data_changed": lift.late_data,
        "values_used_other_than_now": lift.used_corrected,
    }
