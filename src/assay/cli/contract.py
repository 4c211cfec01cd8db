"""``assay contract``: write contracts down for others, read theirs, and stop what would break."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from assay.cli.home import WORKLOAD, settings_of
from assay.cli.show import JSON, emit, grid

if TYPE_CHECKING:
    from assay.contracts.compatibility import Mode

_FAILED = 1


@click.group()
def contract() -> None:
    """Event contracts as Open Data Contract Standard documents, and what a change breaks."""


@contract.command()
@WORKLOAD
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file, else here.")
@click.option("--replace", is_flag=True, help="The file may be there already.")
@click.option("--version", default="1.0.0", show_default=True, help="Of the document.")
def export(workload: str | None, out: Path | None, version: str, *, replace: bool) -> None:
    """Write a workload's event types as an Open Data Contract Standard v3.1 document."""
    from assay.app.contract_files import write_contracts
    from assay.app.workloads import workload_named
    from assay.contracts.odcs import to_odcs
    from assay.contracts.yaml_text import write_yaml

    found = workload_named(workload or settings_of(None).workload)
    text = write_yaml(to_odcs(found.contracts, name=found.name, version=version))
    if out is None:
        click.echo(text, nl=False)
    else:
        write_contracts(out, text, replace=replace)
        click.echo(f"written: {out}")


@contract.command()
@click.argument("source")
@JSON
def show(source: str, *, as_json: bool) -> None:
    """Read a document (or name a workload) and show its event types as Assay understands them."""
    from assay.app.contract_files import contracts_at

    found = contracts_at(source)
    if as_json:
        plain = [msgspec.to_builtins(item) for item in found]
        emit({"digest": found.digest, "contracts": plain}, as_json=True)
        return
    for item in found:
        rows = [
            (
                field.name,
                field.kind,
                field.unit,
                "yes" if field.required else "",
                "yes" if field.name in item.keys else "",
                field.sensitivity,
            )
            for field in item.fields
        ]
        columns = ("field", "kind", "unit", "required", "key", "sensitivity")
        grid(f"{item.type} version {item.version}", columns, rows)


@contract.command()
@click.argument("versions", nargs=-1, required=True, metavar="OLD... NEW")
@click.option(
    "--mode",
    type=click.Choice(["backward", "forward", "full"]),
    default="full",
    show_default=True,
    help="Whose reading must go on: the new version's of old events, the old one's of new, both.",
)
@click.option("--transitive", is_flag=True, help="Compare NEW with every OLD, not the last alone.")
@click.option(
    "--open", "open_content", is_flag=True, help="Readers pass over unknown fields (ours do not)."
)
@JSON
def check(
    versions: tuple[str, ...], mode: "Mode", *, transitive: bool, open_content: bool, as_json: bool
) -> int:
    """Say exactly which field of NEW breaks readers; exit code 1 when any does.

    Versions are documents or names of workloads, oldest first. Run it in the producer's CI: an
    incompatible change then never reaches the log.
    """
    from assay.app.contract_files import contracts_at
    from assay.contracts.compatibility import incompatible

    if len(versions) < 2:
        raise click.UsageError("expected at least two versions: OLD... NEW")
    sets = [contracts_at(source) for source in versions]
    found = incompatible(sets, mode, transitive=transitive, open_content=open_content)
    promise = f"{mode}{' transitive' if transitive else ''}"
    if as_json:
        listed = [{**msgspec.to_builtins(item), "since": versions[item.since]} for item in found]
        emit({"mode": promise, "compatible": not found, "breaks": listed}, as_json=True)
    elif found:
        rows = [
            (item.path, " and ".join(item.breaks), item.what, versions[item.since])
            for item in found
        ]
        grid(
            f"{versions[-1]}: not compatible ({promise})", ("where", "breaks", "why", "since"), rows
        )
    else:
        click.echo(f"{versions[-1]}: compatible ({promise})")
    return _FAILED if found else 0
