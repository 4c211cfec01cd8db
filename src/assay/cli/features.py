"""``assay features``: which values does a decision see, what do they mean, what do they cost?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from assay.app.home import Home
from assay.app.settings import Settings
from assay.cli.features_diff import diff
from assay.cli.features_skew import skew
from assay.cli.features_status import status
from assay.cli.home import HOME, WORKLOAD, settings_of
from assay.cli.show import JSON, emit, grid
from assay.core.time import format_duration
from assay.features.catalog import Catalog
from assay.features.definition import LIFETIME, Feature
from assay.features.memory import check_memory, memory

if TYPE_CHECKING:
    from assay.app.live import Definitions

_VERSION = click.option(
    "--version", help="Of the home, not the live one: a key, a catalog's digest, or shipped."
)


@click.group()
def features() -> None:
    """See the catalog: names, definitions, windows, memory, digest."""


features.add_command(diff)
features.add_command(skew)
features.add_command(status)


@features.command("list")
@HOME
@WORKLOAD
@_VERSION
@JSON
def list_features(
    home: str | None, workload: str | None, version: str | None, *, as_json: bool
) -> None:
    """The name, kind and one sentence of every value, in the order of the vector."""
    chosen = _chosen(home, workload, version)
    catalog = chosen.workload.catalog
    texts = {feature.name: feature.about for feature in catalog.features}
    texts |= {item.name: item.about for item in catalog.combined}
    texts |= {item.name: item.about for item in catalog.derived}
    rows = [
        {"name": name, "kind": kind, "about": texts.get(name, "")}
        for name, kind in zip(catalog.names, catalog.kinds, strict=True)
    ]
    if as_json:
        emit({"catalog": catalog.digest, "version": chosen.version, "values": rows}, as_json=True)
    else:
        grid(
            f"{len(rows)} values of {chosen.version}",
            ("name", "kind", "about"),
            [list(r.values()) for r in rows],
        )
        click.echo(f"catalog {catalog.digest}")


@features.command()
@HOME
@WORKLOAD
@_VERSION
@JSON
def describe(home: str | None, workload: str | None, version: str | None, *, as_json: bool) -> None:
    """The definition of every value, and what each table keeps per event."""
    chosen = _chosen(home, workload, version)
    catalog = chosen.workload.catalog
    if as_json:
        count = _settings(home).features.events_per_key
        costs = [msgspec.to_builtins(cost) for cost in memory(catalog, count)]
        told = {**described(catalog), "version": chosen.version}
        emit({**told, "memory": {"events_per_key": count, "tables": costs}},
             as_json=True)  # fmt: skip
        return
    rows = [_line(feature) for feature in catalog.features]
    grid("Features", ("name", "aggregate", "source by key", "window", "only where"), rows)
    combined = [(item.name, item.how, ", ".join(item.of)) for item in catalog.combined]
    if combined:
        grid("Combined by the kernel", ("name", "how", "of"), combined)
    derived = [(item.name, ", ".join(item.inputs), item.version) for item in catalog.derived]
    if derived:
        grid("Derived at request time", ("name", "from", "version"), derived)
    click.echo(catalog.describe())
    _print_memory(catalog, _settings(home))
    click.echo(f"catalog {catalog.digest} ({chosen.version})")


@features.command()
@click.argument("file", type=click.Path(path_type=Path))
@HOME
@WORKLOAD
@_VERSION
@JSON
def check(
    file: Path, home: str | None, workload: str | None, version: str | None, *, as_json: bool
) -> None:
    """Check a file of changes against contracts and rules; show what it makes and what it costs.

    The file changes the workload's catalog, as in `assay train`; what it makes is compared with
    the catalog of the home's live version, so what that has and the file does not counts as gone.
    Nothing is written: `assay features diff` says what it would have changed, `assay train
    --features` trains a version with it.
    """
    from assay.app.definitions import changed_workload, read_change
    from assay.app.workloads import compiled, rules_only

    chosen = _chosen(home, workload, version)
    before, after = chosen.workload, changed_workload(chosen.code, read_change(file))
    compiled(rules_only(after), after)  # a rule may still need what was taken away
    settings = _settings(home)
    bound, count = settings.features.bytes_per_key_max, settings.features.events_per_key
    check_memory(after.catalog, count, bound)
    told = {**_compared(before.catalog, after.catalog), "version": chosen.version}
    if as_json:
        emit(told, as_json=True)
        return
    changes = ("added", "changed", "removed")
    rows = [(what, name) for what in changes for name in told[what]]
    grid("Changes", ("what", "value"), rows)
    click.echo(after.catalog.describe())
    _print_memory(after.catalog, settings)
    click.echo(f"catalog {before.catalog.digest} ({chosen.version}) becomes {after.catalog.digest}")


def _settings(home: str | None) -> Settings:
    return settings_of(home)


def _print_memory(catalog: Catalog, settings: Settings) -> None:
    count = settings.features.events_per_key
    for cost in memory(catalog, count):
        click.echo(f"  {cost.table}: {cost.bytes_per_key:,} bytes a key with {count} events")


def described(catalog: Catalog) -> dict[str, Any]:
    """A catalog as plain data: its digest, definitions and tables."""
    return {
        "catalog": catalog.digest,
        "request": catalog.request.type,
        "features": [
            {**msgspec.to_builtins(feature), "digest": feature.digest}
            for feature in catalog.features
        ],
        "combined": [
            {**msgspec.to_builtins(item), "digest": item.digest} for item in catalog.combined
        ],
        "derived": [
            {
                "name": item.name,
                "inputs": item.inputs,
                "kind": item.kind,
                "version": item.version,
                "parameters": item.parameters,
                "unit": item.unit,
                "about": item.about,
                "digest": item.digest,
            }
            for item in catalog.derived
        ],
        "tables": [
            {
                "source": table.source,
                "key": table.key,
                "columns": len(table.columns),
                "lanes": len(table.lanes),
                "bytes_per_event": table.bytes_per_event,
            }
            for table in catalog.plan.tables
        ],
    }


def _line(feature: Feature) -> tuple[str, ...]:
    of = "" if feature.of is None else f" {feature.of}"
    current = " and the request" if feature.include_current else ""
    window = "ever" if feature.window == LIFETIME else format_duration(feature.window)
    where = " and ".join(map(str, feature.where))
    key = f"{feature.source} by {'+'.join(feature.key)}{current}"
    return (feature.name, feature.aggregate + of, key, window, where)


def _compared(before: Catalog, after: Catalog) -> dict[str, Any]:
    old, new = before.meanings, after.meanings
    return {
        "catalog": after.digest,
        "before": before.digest,
        "added": [name for name in new if name not in old],
        "changed": [name for name in new if name in old and old[name] != new[name]],
        "removed": [name for name in old if name not in new],
        "tables": described(after)["tables"],
    }


def _chosen(home: str | None, workload: str | None, version: str | None) -> "Definitions":
    """What the home decides with; a workload as shipped where one, or no home, is named."""
    from assay.app.live import definitions_of_home, shipped

    if workload is not None and version is not None:
        raise click.UsageError("--workload shows a workload as shipped, --version one of a home")
    if workload is not None:
        return shipped(workload)
    settings = settings_of(home)
    if home is None and version is None and not settings.home.exists():
        return shipped(settings.workload)
    return definitions_of_home(Home(settings.home), settings.workload, version)
