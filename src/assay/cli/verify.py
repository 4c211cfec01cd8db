"""``assay verify``: three promises, each a command that fails when it does not hold."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec

from assay.app.home import Home
from assay.cli.home import HOME, WORKLOAD, settings_of
from assay.cli.show import JSON, counting, emit, grid, narrate

_FAILED = 1
_SHOWN = 10


@click.group()
def verify() -> None:
    """Prove features, decisions and the audit log; exit code 1 when something does not hold."""


@verify.command()
@HOME
@click.option("--sample", help="Only N of M entities, such as 1/64; their keys stay complete.")
@click.option(
    "--partition",
    "partitions",
    multiple=True,
    metavar="NAME=HOME",
    help="Where the log of a partition is whose published features decided here.",
)
@click.option("--workers", help="The home of the workers whose published features decided here.")
@WORKLOAD
@click.option("--data", type=click.Path(path_type=Path), help="The card stream (with cards).")
@click.option("--simulate", is_flag=True, help="A simulated, disturbed stream (with checkout).")
@click.option("--events", default=50_000, show_default=True, help="Of the simulated stream.")
@click.option("--seed", default=1, show_default=True, help="Of the simulated stream.")
@JSON
def features(
    home: str | None,
    sample: str | None,
    partitions: tuple[str, ...],
    workers: str | None,
    *,
    as_json: bool,
    **stream: Any,
) -> int:
    """Compute every served value again and compare every bit.

    Where nothing was served nothing is compared: a warning says so, and the exit code is 0.

    \b
    assay verify features
      the log of a home
    assay verify features --workload cards --data FILE
      the public card stream, served live
    assay verify features --workload checkout --simulate
      a shop with every disturbance on
    """  # noqa: D301 - \b is click's own mark, not two letters
    if stream["workload"] == "cards" and home is None:
        return _cards(stream["data"], sample or "1/400", as_json)
    if stream["workload"] == "checkout" and home is None:
        return _rehearsal(stream, as_json)
    if stream["data"] is not None or stream["simulate"]:
        raise click.UsageError(
            "--data goes with --workload cards, --simulate with checkout, and neither with --home"
        )
    from assay.app.promises import check_features

    folder, workload = _opened(home, stream["workload"])
    owners = {}
    for text in partitions:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise click.UsageError(f"--partition {text!r}: expected NAME=HOME")
        owners[name] = Home(Path(path))
    elsewhere = None if workers is None else Home(Path(workers))
    report = check_features(folder, workload, sample, owners, elsewhere)
    if not report.compared and not report.mismatches:
        narrate(
            f"NOTHING WAS COMPARED: of the {report.records:,} decisions looked at in the log of "
            f"{folder.path} none has served values, so this proves nothing"
        )
    return _report("features", report, as_json)


@verify.command()
@HOME
@WORKLOAD
@JSON
def decisions(home: str | None, workload: str | None, *, as_json: bool) -> int:
    """Make every stored decision again: score, rules, reasons and outcome, bit for bit."""
    from assay.app.promises import check_decisions

    folder, used = _opened(home, workload)
    return _report("decisions", check_decisions(folder, used), as_json)


@verify.command()
@HOME
@JSON
def audit(home: str | None, *, as_json: bool) -> int:
    """Check the chain of the audit log, the rows it speaks of, and its checkpoint."""
    from assay.app.promises import check_audit

    folder, _ = _opened(home)
    report = check_audit(folder)
    emit(msgspec.to_builtins(report), as_json=as_json, title="Audit log")
    return 0 if report.ok else _FAILED


def _cards(data: Path | None, sample: str, as_json: bool) -> int:
    if data is None:
        raise click.UsageError("--workload cards needs --data FILE: the card stream as Parquet")
    from assay.runtime.cards_file import read_payments
    from assay.runtime.cards_proof import prove_stream
    from assay.runtime.slices import sample_of

    payments = read_payments(data)
    # Served, then compared with the backfill: two passes over every payment.
    with counting("proving the stream", 2 * len(payments), "payments", quiet=as_json) as advance:
        report = prove_stream(
            payments, sample_of(sample, "customer_id"), progress=lambda _, done: advance(done)
        )
    return _report("the card stream", report, as_json)


def _rehearsal(stream: dict[str, Any], as_json: bool) -> int:
    if not stream["simulate"]:
        raise click.UsageError("--workload checkout needs --simulate: there is no public stream")
    from assay.app.rehearsal import rehearse

    with (
        TemporaryDirectory(prefix="assay-") as aside,
        counting("playing and disturbing", stream["events"], "events", quiet=as_json) as advance,
    ):
        played = rehearse(
            Path(aside) / "home", events=stream["events"], seed=stream["seed"], progress=advance
        )
    if as_json:
        plain = msgspec.to_builtins(played)
        counts = {"compared": played.compared, "mismatches": played.mismatches}
        emit({**counts, **plain}, as_json=True)
        return 0 if played.mismatches == 0 else _FAILED
    emit(
        {"events": played.events, "decisions": played.decisions, **played.disturbed},
        as_json=False,
        title="Played",
    )
    shown = [
        _report(f"by {name}", report, as_json)
        for name, report in (
            ("the whole log", played.whole),
            ("a slice of it", played.slice),
            ("plain Python", played.plainly),
        )
    ]
    return max(shown)


def _opened(home: str | None, workload: str | None = None) -> tuple[Home, str]:
    settings = settings_of(home, {"workload": workload})
    return Home(settings.home), settings.workload


def _report(what: str, report: Any, as_json: bool) -> int:
    plain = msgspec.to_builtins(report)
    if as_json:
        emit(plain, as_json=True)
        return 0 if report.mismatches == 0 else _FAILED
    differences = plain.pop("differences")
    reproducer = plain.pop("reproducer")
    plain = {name: value for name, value in plain.items() if value != ""}
    emit(plain, as_json=False, title=f"Verified {what}")
    if differences:
        names = list(differences[0])
        rows = [[row[name] for name in names] for row in differences[:_SHOWN]]
        grid("First differences", names, rows)
    if reproducer is not None:
        click.echo(
            "Smallest slice of the log that reproduces the first difference:"
            if reproducer["way"]
            else "The first difference; no slice of the log gives the recomputed value again:"
        )
        click.echo(msgspec.json.format(msgspec.json.encode(reproducer)).decode())
    return 0 if report.mismatches == 0 else _FAILED
